//! A plugin's process: what it is launched with, its first words, and how it ended.

mod command;
mod executable;
mod handshake;
mod script;

pub(super) use command::{Launch, command};
pub(super) use executable::hint;
pub(super) use handshake::{HandshakeError, read as read_handshake};
pub(super) use script::interpreter_places;

use crate::confine::Exit;
use rustix::process::Signal;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

/// Says how a plugin ended, and whether that was for want of memory.
pub(super) fn how(exit: &Exit) -> String {
    let how = describe(exit.status);
    if is_out_of_memory(exit) { format!("{how}, for want of memory") } else { how }
}

/// Tells whether the kernel killed it for want of memory.
pub(super) fn is_out_of_memory(exit: &Exit) -> bool {
    let killed = exit.status.signal() == Some(Signal::KILL.as_raw());
    killed && 0 < exit.events.memory_kills
}

/// Says how a process ended, as in `exit status 101` or `killed by signal 9 (SIGKILL)`.
fn describe(status: ExitStatus) -> String {
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
