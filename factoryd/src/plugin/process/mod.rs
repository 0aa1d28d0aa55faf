//! A plugin's process: launched, watched from the first moment, and never left behind.

mod command;
mod executable;
mod handshake;
mod spawn;

pub(super) use command::{Launch, command};
pub(super) use executable::hint;
pub(super) use handshake::{HandshakeError, read as read_handshake};

use super::lock::lock;
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use spawn::OwnedChild;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// A process, its group, and everything in it. All of it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Process {
    pid: Pid,
    child: Arc<Mutex<Option<OwnedChild>>>,
    exit: watch::Receiver<Option<Exit>>,
}

/// How and when a process ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exit {
    pub(super) status: ExitStatus,
    pub(super) at: Instant,
}

/// The pipes of a process.
#[derive(Debug)]
pub(super) struct Pipes {
    pub(super) stdin: ChildStdin,
    pub(super) stdout: ChildStdout,
    pub(super) stderr: ChildStderr,
}

impl Process {
    /// Launches a command whose three streams are pipes, in a group of its own.
    pub(super) async fn launch(command: Command) -> io::Result<(Self, Pipes)> {
        let mut child = spawn::spawn(command).await?;
        let pid = child.pid();
        let pipes = child.pipes().ok_or(io::ErrorKind::BrokenPipe)?;
        let child = Arc::new(Mutex::new(Some(child)));
        let (sender, exit) = watch::channel(None);
        let process = Self { pid, child: Arc::clone(&child), exit };
        std::thread::Builder::new().name("plugin-waiter".to_owned()).spawn(move || {
            wait_for_end(pid);
            let status = lock(&child).take().and_then(|child| child.finish().ok());
            let exit = Exit { status: status.unwrap_or_default(), at: Instant::now() };
            sender.send_replace(Some(exit));
        })?;
        Ok((process, pipes))
    }

    /// Answers the process's number.
    pub(super) fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Answers how it ended, if it has.
    pub(super) fn exit(&self) -> Option<Exit> {
        *self.exit.borrow()
    }

    /// Waits for its end.
    pub(super) async fn exited(&self) -> Exit {
        let mut exit = self.exit.clone();
        match exit.wait_for(Option::is_some).await.map(|exit| *exit) {
            Ok(Some(exit)) => exit,
            // The waiter always reports; were it not so, nothing would be known of the process.
            _ => std::future::pending().await,
        }
    }

    /// Waits for its end, for some time at most.
    pub(super) async fn exited_within(&self, time: Duration) -> Option<Exit> {
        tokio::time::timeout(time, self.exited()).await.ok()
    }

    /// Sends a signal to the process and all of its group.
    pub(super) fn signal(&self, signal: Signal) {
        // As long as the child is here nobody has waited for it, and its number is its own.
        if lock(&self.child).is_some() {
            let _ = kill_process_group(self.pid, signal);
        }
    }

    /// Ends the group: SIGTERM, after `grace` SIGKILL.
    pub(super) async fn end(&self, grace: Duration) -> Exit {
        self.signal(Signal::TERM);
        if let Some(exit) = self.exited_within(grace).await {
            return exit;
        }
        self.signal(Signal::KILL);
        self.exited().await
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// Waits until a child has ended, but leaves it to be waited for: so its number can't mean another process yet when the
/// rest of its group is killed.
fn wait_for_end(pid: Pid) {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while let Err(Errno::INTR) = waitid(WaitId::Pid(pid), options) {}
}

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
