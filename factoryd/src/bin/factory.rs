//! The command line: `factory`.

use clap::Parser;
use factoryd::cli;
use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run(cli::Arguments::parse())
}
