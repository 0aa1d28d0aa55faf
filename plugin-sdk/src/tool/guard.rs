//! The guard: a process between the plugin and each program it runs, so that no process outlives its reason.
//!
//! A plugin may be killed at any moment, and a program may fork as it likes. So the plugin starts itself again with
//! [`ARGUMENT`], and that second process, the guard, starts the program:
//!
//! ```text
//! plugin ──socket──► guard (own process group, subreaper) ──► program (own process group) ──► whatever it forks
//! ```
//!
//! * The guard's standard input is one end of a socket whose other end only the plugin holds. When that is closed, because the
//!   plugin let go of the program or died in any way, the guard kills everything below it.
//! * It is a *subreaper*: what a program forks twice becomes the guard's own child, and is found.
//! * A byte on the socket asks it to end the program politely (SIGTERM to the program's process group).
//! * When the program has ended, the guard kills what it left, writes how it ended to the socket, and ends.
//!
//! It is a process group of its own, so that whoever kills the plugin's group does not kill the guard before its work.

use super::descendants;
use super::process::Ended;
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process_group, wait};
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// The hidden argument that makes a plugin a guard: `PLUGIN __tool-guard PROGRAM NAME ARGUMENT…`.
pub(crate) const ARGUMENT: &str = "__tool-guard";
/// How long everything below may take to be gone once killed.
const KILL_LIMIT: Duration = Duration::from_secs(2);

/// Whether the program has ended, after which its process id may be another's.
static PROGRAM_ENDED: AtomicBool = AtomicBool::new(false);

/// Runs the guard, given what follows [`ARGUMENT`] on the command line.
pub(crate) fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    match guard(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the guard of a program failed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn guard(mut arguments: impl Iterator<Item = OsString>) -> io::Result<()> {
    let mut socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    let input = read_input(&mut socket)?;
    let program = arguments.next().unwrap_or_default();
    let ended = match start(&program, arguments, input) {
        Ok(pid) => {
            let commands = socket.try_clone()?;
            thread::spawn(move || obey(commands, pid));
            wait_for(pid)
        }
        Err(error) => Ended::NotStarted(error.to_string()),
    };
    // A plugin that is gone needs no answer.
    let _ = socket.write_all(ended.encode().as_bytes());
    Ok(())
}

/// Reads what the program will find on its standard input: nothing, or a length and as many bytes.
fn read_input(socket: &mut UnixStream) -> io::Result<Option<Vec<u8>>> {
    let mut len = [0; 8];
    socket.read_exact(&mut len)?;
    let Some(len) = u64::from_le_bytes(len).checked_sub(1) else { return Ok(None) };
    let mut input = Vec::new();
    socket.take(len).read_to_end(&mut input)?;
    Ok(Some(input))
}

/// Writes what [`read_input`] reads.
pub(super) fn encode_input(input: Option<&[u8]>) -> Vec<u8> {
    let Some(input) = input else { return 0u64.to_le_bytes().to_vec() };
    let mut bytes = (input.len() as u64 + 1).to_le_bytes().to_vec();
    bytes.extend_from_slice(input);
    bytes
}

fn start(
    program: &OsString,
    mut arguments: impl Iterator<Item = OsString>,
    input: Option<Vec<u8>>,
) -> io::Result<Pid> {
    let mut command = Command::new(program);
    command.arg0(arguments.next().unwrap_or_default()).args(arguments).process_group(0);
    command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    let mut child = command.spawn()?;
    if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
        // A program that does not read all of its input is within its rights.
        thread::spawn(move || drop(stdin.write_all(&input)));
    }
    Ok(Pid::from_child(&child))
}

/// Ends the program politely on every byte, and everything at the end of the stream.
fn obey(mut socket: UnixStream, program: Pid) {
    let mut byte = [0];
    while let Ok(1) = socket.read(&mut byte) {
        if !PROGRAM_ENDED.load(Ordering::SeqCst) {
            let _ = kill_process_group(program, Signal::TERM);
        }
    }
    descendants::kill_all(KILL_LIMIT);
    std::process::exit(1);
}

/// Waits until the program has ended, then ends what it left, collecting every child on the way.
fn wait_for(program: Pid) -> Ended {
    let mut ended = Ended::Lost;
    while let Ok(Some((pid, status))) = wait(WaitOptions::empty()) {
        if pid == program {
            PROGRAM_ENDED.store(true, Ordering::SeqCst);
            ended = how(status);
            break;
        }
    }
    if has_children() {
        descendants::kill_all(KILL_LIMIT);
    }
    ended
}

fn has_children() -> bool {
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some(_)) => {}
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}

fn how(status: WaitStatus) -> Ended {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(status), _) => Ended::Exit(status),
        (None, Some(signal)) => Ended::Signal(signal),
        (None, None) => Ended::Lost,
    }
}
