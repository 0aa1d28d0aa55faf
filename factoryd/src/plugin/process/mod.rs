//! A plugin's process: what it is launched with, its first words, and how it ended.

mod command;
mod executable;
mod handshake;

pub(super) use command::{Launch, command};
pub(super) use executable::hint;
pub(super) use handshake::{HandshakeError, read as read_handshake};

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

/// Says how a process ended, as in `exit status 101` or `killed by signal 9 (SIGKILL)`.
pub(super) fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(number)) => format!("killed by signal {number}{}", signal_name(number)),
        (None, None) => "ended".to_owned(),
    }
}

fn signal_name(number: i32) -> &'static str {
    match number {
        1 => " (SIGHUP)",
        2 => " (SIGINT)",
        4 => " (SIGILL)",
        6 => " (SIGABRT)",
        7 => " (SIGBUS)",
        8 => " (SIGFPE)",
        9 => " (SIGKILL)",
        11 => " (SIGSEGV)",
        13 => " (SIGPIPE)",
        15 => " (SIGTERM)",
        _ => "",
    }
}
