//! The daemon: `factoryd`.

use clap::Parser;
use factoryd::config::{self, DaemonArguments};
use factoryd::daemon;
use factoryd::report::chain;
use std::process::ExitCode;

fn main() -> ExitCode {
    match run(DaemonArguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("factoryd: {}", chain(&error));
            exit_code(&error)
        }
    }
}

fn run(arguments: DaemonArguments) -> Result<(), Error> {
    daemon::log_to_stderr(arguments.log(), "info")?;
    let config = arguments.config()?;
    daemon::block_on(daemon::run(config)).map_err(Error::Threads)??;
    Ok(())
}

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Log(#[from] daemon::InvalidFilter),
    #[error(transparent)]
    Config(#[from] config::Error),
    #[error("can't start threads")]
    Threads(#[source] std::io::Error),
    #[error(transparent)]
    Daemon(#[from] daemon::Error),
}

fn exit_code(error: &Error) -> ExitCode {
    ExitCode::from(match error {
        Error::Log(_) | Error::Config(_) => 2,
        Error::Threads(_) => 4,
        Error::Daemon(error) if error.is_start() => 4,
        Error::Daemon(_) => 1,
    })
}
