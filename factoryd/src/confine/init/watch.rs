//! What the init does while the plugin runs: waits for ends and for signals.

use super::tell;
use crate::confine::descendants;
use crate::confine::spec::Report;
use nix::sys::signal::{SigSet, Signal as Caught};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, getpid, kill_process_group, wait};
use std::io;
use std::os::fd::OwnedFd;

/// Signals, as something to wait for.
pub(super) struct Watch(SignalFd);

impl Watch {
    /// Catches every signal that can be: those that an init is sent by mistake, such as a terminal's, do nothing.
    pub(super) fn new() -> io::Result<Self> {
        let mut all = SigSet::all();
        // Faults of our own stay faults.
        for fault in
            [Caught::SIGSEGV, Caught::SIGBUS, Caught::SIGILL, Caught::SIGFPE, Caught::SIGABRT]
        {
            all.remove(fault);
        }
        all.thread_block()?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        Ok(Self(SignalFd::with_flags(&all, flags)?))
    }

    /// Watches until the plugin has ended or the socket has; reports how the plugin ended, and ends everything.
    pub(super) fn until_the_end(&self, plugin: Pid, socket: &OwnedFd) -> io::Result<()> {
        let ended = loop {
            if let Some(status) = collect(plugin) {
                break Some(status);
            }
            if self.wait(plugin, socket)? {
                let _ = kill_process_group(plugin, Signal::KILL);
                break end_plugin(plugin);
            }
        };
        if let Some(status) = ended {
            // A factory that is gone need not know.
            let _ = tell(socket, &Report::Ended(status.as_raw()));
        }
        end_everything();
        Ok(())
    }

    /// Waits for a signal or the end of the socket; tells whether it was the latter.
    fn wait(&self, plugin: Pid, socket: &OwnedFd) -> io::Result<bool> {
        let mut polled = [PollFd::new(&self.0, PollFlags::IN), PollFd::new(socket, PollFlags::IN)];
        match poll(&mut polled, None) {
            Err(Errno::INTR) => return Ok(false),
            other => other?,
        };
        let gone = !polled[1].revents().is_empty();
        while let Some(signal) = self.0.read_signal()? {
            if signal.ssi_signo == Caught::SIGTERM as u32 {
                let _ = kill_process_group(plugin, Signal::TERM);
            }
        }
        Ok(gone)
    }
}

/// Collects what has ended; answers how the plugin did, if it has.
fn collect(plugin: Pid) -> Option<WaitStatus> {
    let mut ended = None;
    while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
        if pid == plugin {
            ended = Some(status);
        }
    }
    ended
}

/// Waits for the end of a plugin that was killed.
fn end_plugin(plugin: Pid) -> Option<WaitStatus> {
    loop {
        match rustix::process::waitpid(Some(plugin), WaitOptions::empty()) {
            Ok(ended) => return ended.map(|(_, status)| status),
            Err(Errno::INTR) => {}
            Err(_) => return None,
        }
    }
}

/// Ends all that is left. The kernel does it for a process 1, when that ends.
fn end_everything() {
    if getpid() != Pid::INIT {
        descendants::end_all();
    }
}
