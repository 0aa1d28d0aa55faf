//! The command line: `factory`, or `imagefactory` under that name.

use factoryd::cli;
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().collect();
    cli::main(&words)
}
