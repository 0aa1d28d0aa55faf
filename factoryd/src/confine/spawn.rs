//! Spawns inits from one thread that never ends.
//!
//! The kernel sends the parent-death signal when the *thread* that spawned a child ends, not the process. Threads of a
//! runtime come and go, so none of them may spawn. And a thread that asks for a PID namespace for its children has it for
//! all of them, until it takes that back.

use nix::sched::{CloneFlags, setns, unshare};
use std::fs::File;
use std::io;
use std::process::{Child, Command};
use std::sync::{OnceLock, mpsc};
use tokio::sync::oneshot;

/// What is wanted.
pub(super) struct Request {
    pub(super) command: Command,
    pub(super) pid_namespace: bool,
}

struct Asked {
    request: Request,
    answer: oneshot::Sender<io::Result<Spawned>>,
}

/// A child that nobody waits for yet. Dropped, it is killed.
#[derive(Debug)]
pub(super) struct Spawned(Option<Child>);

static SPAWNER: OnceLock<mpsc::Sender<Asked>> = OnceLock::new();

/// Spawns a command, as process 1 of a PID namespace if that is wanted.
pub(super) async fn spawn(request: Request) -> io::Result<Spawned> {
    let (answer, child) = oneshot::channel();
    spawner()?.send(Asked { request, answer }).map_err(io::Error::other)?;
    child.await.map_err(io::Error::other)?
}

impl Spawned {
    /// Answers the child.
    pub(super) fn into_child(mut self) -> Child {
        self.0.take().expect("it is only taken here, and this takes all of it")
    }
}

impl Drop for Spawned {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            // It has done nothing yet.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn spawner() -> io::Result<&'static mpsc::Sender<Asked>> {
    if let Some(spawner) = SPAWNER.get() {
        return Ok(spawner);
    }
    let (sender, requests) = mpsc::channel::<Asked>();
    std::thread::Builder::new().name("plugin-spawner".to_owned()).spawn(move || {
        for Asked { request, answer } in requests {
            // If nobody waits for the answer any more it comes back here, and dropping it kills the child.
            drop(answer.send(spawn_here(request)));
        }
    })?;
    // Of two that come first at once, the other one's thread has nobody to serve, and ends.
    Ok(SPAWNER.get_or_init(|| sender))
}

fn spawn_here(Request { mut command, pid_namespace }: Request) -> io::Result<Spawned> {
    if !pid_namespace {
        return command.spawn().map(|child| Spawned(Some(child)));
    }
    let own = File::open("/proc/thread-self/ns/pid")?;
    unshare(CloneFlags::CLONE_NEWPID)?;
    let spawned = command.spawn().map(|child| Spawned(Some(child)));
    setns(own, CloneFlags::CLONE_NEWPID)?;
    spawned
}
