//! The daemon: `factoryd`.

use clap::{CommandFactory, Parser};
use factoryd::config::{self, ConfigVerb, DaemonCommand, DaemonVerb};
use factoryd::config::{settings_json, settings_table, translate};
use factoryd::confine;
use factoryd::daemon::{self, Sockets};
use factoryd::report::chain;
use std::io::{self, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    // A plugin's init is this program too.
    if let Some(code) = confine::main_if_asked() {
        return code;
    }
    match run(&DaemonCommand::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
            exit_code(&error)
        }
    }
}

fn run(command: &DaemonCommand) -> Result<(), Error> {
    match &command.verb {
        None => serve(command),
        Some(DaemonVerb::Config(verb)) => config(command, verb),
        Some(DaemonVerb::Manual(verb)) => {
            print(&verb.run(DaemonCommand::command()).map_err(Error::Print)?)
        }
    }
}

fn serve(command: &DaemonCommand) -> Result<(), Error> {
    // Before there are threads.
    let sockets = Sockets::inherited()?;
    let command = command.clone().on_sockets(sockets.grpc(), sockets.rest());
    let resolved = command.resolve()?;
    warn(&resolved.warnings);
    daemon::log_to_stderr(&resolved.log);
    if !resolved.config.factory.core_dumps {
        daemon::forbid_core_dumps();
    }
    daemon::block_on(daemon::run(resolved.config, sockets)).map_err(Error::Threads)??;
    Ok(())
}

fn config(command: &DaemonCommand, verb: &ConfigVerb) -> Result<(), Error> {
    let settings = || {
        let resolved = command.resolve()?;
        warn(&resolved.warnings);
        Ok::<_, Error>(resolved.settings)
    };
    let text = match verb {
        ConfigVerb::Check => settings().map(|_| "the settings are valid\n".to_owned())?,
        ConfigVerb::Show { json: false } => settings_table(&settings()?),
        ConfigVerb::Show { json: true } => format!("{:#}\n", settings_json(&settings()?)),
        ConfigVerb::Translate { file, oauth_clients_out } => {
            let translation = translate(file, oauth_clients_out.as_deref())?;
            warn(&translation.warnings);
            translation.toml
        }
    };
    print(text.as_bytes())
}

fn warn(warnings: &[String]) {
    warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
}

/// Who reads may have enough before the end: `factoryd config show | head -1`.
fn print(text: &[u8]) -> Result<(), Error> {
    match io::stdout().lock().write_all(text) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::Print(error)),
        _ => Ok(()),
    }
}

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Config(#[from] config::Error),
    #[error("can't start threads")]
    Threads(#[source] io::Error),
    #[error("can't write")]
    Print(#[source] io::Error),
    #[error(transparent)]
    Daemon(#[from] daemon::Error),
}

fn report(error: &Error) {
    match error {
        Error::Config(problems) => eprintln!("{problems}"),
        _ => eprintln!("factoryd: {}", chain(error)),
    }
}

fn exit_code(error: &Error) -> ExitCode {
    ExitCode::from(match error {
        Error::Config(_) => 2,
        Error::Threads(_) | Error::Print(_) => 4,
        Error::Daemon(error) if error.is_start() => 4,
        Error::Daemon(_) => 1,
    })
}
