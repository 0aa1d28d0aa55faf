//! What a plugin's executable does: serve the factory that started it, or answer the person that did.

use crate::server::Server;
use crate::{launch, tool};
use clap::{Arg, ArgAction, Command};
use factory_proto::description::describe_json;
use factory_proto::handshake::{COOKIE_KEY, COOKIE_VALUE};
use factory_proto::plugin_v1::DescribeResponse;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;
use tonic::service::Routes;

/// Runs the executable: the whole of a plugin's `main`.
pub(crate) fn main(
    server: impl FnOnce() -> Server,
    routes: impl FnOnce(&Server) -> Routes,
) -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).peekable();
    if arguments.next_if(|first| first == tool::guard::ARGUMENT).is_some() {
        return tool::guard::main(arguments);
    }
    let server = server();
    // What a factory does with every start does not wait for the command line's parser.
    if arguments.peek().is_none() && started_by_a_factory() {
        return launch::run(&server, routes(&server));
    }
    answer_a_person(&server, routes, arguments)
}

fn started_by_a_factory() -> bool {
    std::env::var_os(COOKIE_KEY).is_some_and(|value| value == COOKIE_VALUE)
}

fn answer_a_person(
    server: &Server,
    routes: impl FnOnce(&Server) -> Routes,
    arguments: impl Iterator<Item = OsString>,
) -> ExitCode {
    let description = server.description();
    let name = OsString::from(&description.name);
    let matches =
        match command(description).try_get_matches_from([name].into_iter().chain(arguments)) {
            Ok(matches) => matches,
            Err(error) => {
                // A closed terminal needs no help.
                let _ = error.print();
                return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(1));
            }
        };
    match matches.subcommand_name() {
        Some("describe") => {
            let described = writeln!(io::stdout(), "{:#}", describe_json(description));
            return if described.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
        Some("debug") => return launch::debug(server, routes(server)),
        _ => {}
    }
    let name = &description.name;
    eprintln!(
        "{name} is a plugin of the image factory, which starts it by itself; \
         run it with `describe` to see what it serves"
    );
    ExitCode::FAILURE
}

fn command(description: &DescribeResponse) -> Command {
    Command::new(description.name.clone())
        .version(description.version.clone())
        .about(description.description.clone())
        .after_help("Started without arguments by the image factory, it serves that factory.")
        .arg(
            Arg::new("version")
                .short('V')
                .long("version")
                .action(ArgAction::Version)
                .help("Print the version"),
        )
        .disable_version_flag(true)
        .disable_help_subcommand(true)
        .subcommand(Command::new("describe").about("Print what the plugin is and serves, as JSON"))
        .subcommand(Command::new("debug").about(
            "Serve until ^C, such as under a debugger, and print what `factory --reattach` takes; with gRPC reflection",
        ))
}
