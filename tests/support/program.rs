//! Programs: started with all their descendants known, listened to, and never left running.

use super::leftovers::Brood;
use super::listener::Listener;
use super::patience::look_until;
use rustix::process::{Pid, Signal, kill_process};
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

/// How much of what a program printed a failure shows, in bytes.
const TAIL_LEN: usize = 4_000;

/// A program that was started and is listened to.
pub(crate) struct Program {
    child: Leash,
    /// Its processes.
    pub(crate) brood: Brood,
    /// Its standard output.
    pub(crate) stdout: Listener,
    /// Its standard error.
    pub(crate) stderr: Listener,
}

/// A child process that does not outlive its test.
struct Leash(Child);

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Its exit status.
    pub(crate) status: ExitStatus,
    /// What it printed.
    pub(crate) stdout: String,
    /// What it said besides.
    pub(crate) stderr: String,
    /// What it started.
    pub(crate) brood: Brood,
}

impl Program {
    /// Starts a command.
    pub(crate) fn start(command: &Command) -> Self {
        let (mut child, brood) = Brood::start(command);
        let stdout = Listener::new(child.stdout.take().unwrap());
        let stderr = Listener::new(child.stderr.take().unwrap());
        Self { child: Leash(child), brood, stdout, stderr }
    }

    /// Returns its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.0.id()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child.0), signal).unwrap();
    }

    /// Kills it, without a chance to clean up, and returns what it started.
    pub(crate) fn kill(self) -> Brood {
        drop(self.child);
        self.brood
    }

    /// Waits until it ends.
    ///
    /// # Panics
    /// If it does not end in time.
    #[track_caller]
    pub(crate) fn wait(mut self, deadline: Duration) -> Ended {
        let Some(status) = look_until(deadline, || self.child.0.try_wait().unwrap()) else {
            let (stdout, stderr) = (self.stdout.so_far(), self.stderr.so_far());
            let (stdout, stderr) = (tail(&stdout), tail(&stderr));
            panic!("the program did not end in {deadline:?}; it printed:\n{stdout}\n{stderr}");
        };
        Ended { status, stdout: self.stdout.all(), stderr: self.stderr.all(), brood: self.brood }
    }
}

impl Ended {
    /// Runs a command to its end.
    #[track_caller]
    pub(crate) fn of(command: &Command, deadline: Duration) -> Self {
        Program::start(command).wait(deadline)
    }

    /// Asserts that it ended well.
    #[track_caller]
    pub(crate) fn succeeded(self) -> Self {
        let Self { status, stdout, stderr, .. } = &self;
        assert!(status.success(), "{status}\n{}\n{}", tail(stdout), tail(stderr));
        self
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Cuts what a program printed to what a person reads.
fn tail(text: &str) -> &str {
    &text[text.ceil_char_boundary(text.len().saturating_sub(TAIL_LEN))..]
}
