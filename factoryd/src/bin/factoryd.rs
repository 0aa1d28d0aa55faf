//! The daemon: `factoryd`.

use clap::Parser;
use factoryd::config::{self, DaemonCommand};
use factoryd::daemon;
use factoryd::report::chain;
use std::process::ExitCode;

fn main() -> ExitCode {
    match run(&DaemonCommand::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
            exit_code(&error)
        }
    }
}

fn run(command: &DaemonCommand) -> Result<(), Error> {
    let resolved = command.resolve()?;
    daemon::log_to_stderr(&resolved.log);
    daemon::block_on(daemon::run(resolved.config)).map_err(Error::Threads)??;
    Ok(())
}

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Config(#[from] config::Error),
    #[error("can't start threads")]
    Threads(#[source] std::io::Error),
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
        Error::Threads(_) => 4,
        Error::Daemon(error) if error.is_start() => 4,
        Error::Daemon(_) => 1,
    })
}
