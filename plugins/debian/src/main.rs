//! The plugin `debian`: Debian and Ubuntu, from `mmdebstrap` to a disk that boots.

use factory_plugin_debian::{Debian, inside};
use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args().nth(1) {
        Some(argument) if argument == inside::ARGUMENT => inside::main(),
        _ => factory_plugin_sdk::serve(Debian::default()),
    }
}
