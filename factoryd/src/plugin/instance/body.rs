//! The process of an instance: one that was launched here, or one that somebody else started and keeps.
//!
//! **Invariant:** a process that was not launched here is never signalled. To end it is to let go of it.

use crate::confine::{Events, Exit, Limits, Process};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::os::fd::OwnedFd;
use std::process::ExitStatus;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How often it is looked whether somebody else's process has ended.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// The process of an instance.
pub(super) enum Body {
    /// Launched here.
    Child(Process),
    /// Somebody else's.
    Foreign(Foreign),
}

/// A process that somebody else started. When this is dropped it goes on.
pub(super) struct Foreign {
    pid: u32,
    exit: watch::Sender<Option<Exit>>,
}

impl Foreign {
    /// Takes note of a process.
    pub(super) fn new(pid: u32) -> Self {
        Self { pid, exit: watch::Sender::new(None) }
    }

    /// Answers what waits for the end of the process, if it can be seen from here.
    pub(super) fn watch(&self) -> impl Future<Output = ()> + Send + 'static {
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        let seen = pid.and_then(|pid| pidfd_open(pid, PidfdFlags::NONBLOCK).ok());
        let exit = self.exit.clone();
        async move {
            if ended(seen).await {
                let_go(&exit);
            }
        }
    }
}

/// Waits for the end of a process; answers false if that can't be seen.
async fn ended(process: Option<OwnedFd>) -> bool {
    let Some(process) = process else { return false };
    loop {
        let mut polled = [PollFd::new(&process, PollFlags::IN)];
        match poll(&mut polled, Some(&Timespec::default())) {
            Ok(0) | Err(Errno::INTR) => tokio::time::sleep(LOOK_AGAIN).await,
            Ok(_) => return true,
            Err(_) => return false,
        }
    }
}

fn let_go(exit: &watch::Sender<Option<Exit>>) {
    exit.send_if_modified(|known| {
        let is_new = known.is_none();
        known.get_or_insert(Exit {
            status: ExitStatus::default(),
            at: Instant::now(),
            events: Events::default(),
        });
        is_new
    });
}

impl Body {
    pub(super) fn pid(&self) -> u32 {
        match self {
            Self::Child(process) => process.pid(),
            Self::Foreign(foreign) => foreign.pid,
        }
    }

    pub(super) fn is_foreign(&self) -> bool {
        matches!(self, Self::Foreign(_))
    }

    pub(super) fn exit(&self) -> Option<Exit> {
        match self {
            Self::Child(process) => process.exit(),
            Self::Foreign(foreign) => *foreign.exit.borrow(),
        }
    }

    pub(super) fn events(&self) -> Events {
        match self {
            Self::Child(process) => process.events(),
            Self::Foreign(_) => Events::default(),
        }
    }

    pub(super) fn limits(&self) -> Limits {
        match self {
            Self::Child(process) => process.limits(),
            Self::Foreign(_) => Limits::default(),
        }
    }

    pub(super) async fn exited(&self) -> Exit {
        match self {
            Self::Child(process) => process.exited().await,
            Self::Foreign(foreign) => {
                let mut exit = foreign.exit.subscribe();
                match exit.wait_for(Option::is_some).await.map(|exit| *exit) {
                    Ok(Some(exit)) => exit,
                    _ => std::future::pending().await,
                }
            }
        }
    }

    pub(super) async fn exited_within(&self, time: Duration) -> Option<Exit> {
        tokio::time::timeout(time, self.exited()).await.ok()
    }

    pub(super) fn terminate(&self) {
        match self {
            Self::Child(process) => process.terminate(),
            Self::Foreign(foreign) => let_go(&foreign.exit),
        }
    }

    pub(super) fn kill(&self) {
        match self {
            Self::Child(process) => process.kill(),
            Self::Foreign(foreign) => let_go(&foreign.exit),
        }
    }

    pub(super) async fn end(&self, grace: Duration) {
        match self {
            Self::Child(process) => drop(process.end(grace).await),
            Self::Foreign(foreign) => let_go(&foreign.exit),
        }
    }
}
