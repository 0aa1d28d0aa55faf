//! A daemon that runs for a moment at a time, so that it can be stopped between two writes.

use crate::support::factory::Daemon;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

/// How long a process may take to stop, on a busy machine.
const STOP_DEADLINE: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_micros(100);

/// A daemon that is stopped. It stays so until it is let go, or killed.
pub(super) struct Slices(Pid);

impl Slices {
    /// Stops a daemon.
    pub(super) fn of(daemon: &Daemon) -> Self {
        let slices = Self(Pid::from_raw(daemon.pid().cast_signed()).unwrap());
        slices.stop();
        slices
    }

    /// Lets it run for some time.
    pub(super) fn run(&self, time: Duration) {
        self.signal(Signal::CONT);
        thread::sleep(time);
        self.stop();
    }

    /// Lets it go.
    pub(super) fn go(self) {
        self.signal(Signal::CONT);
    }

    fn stop(&self) {
        self.signal(Signal::STOP);
        let start = Instant::now();
        while !self.is_stopped() {
            assert!(start.elapsed() < STOP_DEADLINE, "the daemon does not stop");
            thread::sleep(LOOK_AGAIN);
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(self.0, signal).unwrap();
    }

    /// Tells whether all of its threads are.
    fn is_stopped(&self) -> bool {
        let threads = fs::read_dir(format!("/proc/{}/task", self.0.as_raw_nonzero())).unwrap();
        threads.flatten().all(|thread| {
            // A thread that ended meanwhile does nothing more either.
            let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
            stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with(['T', 'Z', 'X']))
        })
    }
}
