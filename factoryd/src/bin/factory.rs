//! The command line: `factory`, or `imagefactory` under that name.

use factoryd::{cli, confine};
use std::process::ExitCode;

fn main() -> ExitCode {
    // A plugin's init is this program too.
    if let Some(code) = confine::main_if_asked() {
        return code;
    }
    let words: Vec<_> = std::env::args_os().collect();
    cli::main(&words)
}
