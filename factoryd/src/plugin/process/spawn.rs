//! Spawns children from one thread that never ends.
//!
//! The kernel sends the parent-death signal when the *thread* that spawned a child ends, not the process. Threads of a
//! runtime come and go, so none of them may spawn.

use super::Pipes;
use crate::plugin::lock::lock;
use rustix::process::{Pid, Signal, kill_process_group};
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Mutex, mpsc};
use tokio::sync::oneshot;

/// A child that nobody else waits for. Dropped, it and its group are killed.
#[derive(Debug)]
pub(super) struct OwnedChild {
    child: Option<Child>,
    pid: Pid,
}

struct Request {
    command: Command,
    answer: oneshot::Sender<io::Result<OwnedChild>>,
}

static SPAWNER: Mutex<Option<mpsc::Sender<Request>>> = Mutex::new(None);

/// Spawns a command in a process group of its own, which ends with this process.
pub(super) async fn spawn(mut command: Command) -> io::Result<OwnedChild> {
    command.process_group(0);
    end_with_parent(&mut command);
    let (answer, child) = oneshot::channel();
    spawner()?.send(Request { command, answer }).map_err(io::Error::other)?;
    child.await.map_err(io::Error::other)?
}

impl OwnedChild {
    fn new(child: Child) -> io::Result<Self> {
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or(io::ErrorKind::InvalidData)?;
        Ok(Self { child: Some(child), pid })
    }

    pub(super) fn pid(&self) -> Pid {
        self.pid
    }

    /// Takes the pipes.
    pub(super) fn pipes(&mut self) -> Option<Pipes> {
        let child = self.child.as_mut()?;
        let (stdin, stdout) = (child.stdin.take()?, child.stdout.take()?);
        Some(Pipes { stdin, stdout, stderr: child.stderr.take()? })
    }

    /// Kills what is left of the group and waits for the child, which has ended already.
    pub(super) fn finish(mut self) -> io::Result<ExitStatus> {
        self.reap().unwrap_or(Err(io::ErrorKind::NotFound.into()))
    }

    fn reap(&mut self) -> Option<io::Result<ExitStatus>> {
        let mut child = self.child.take()?;
        let _ = kill_process_group(self.pid, Signal::KILL);
        Some(child.wait())
    }
}

impl Drop for OwnedChild {
    fn drop(&mut self) {
        self.reap();
    }
}

fn spawner() -> io::Result<mpsc::Sender<Request>> {
    let mut spawner = lock(&SPAWNER);
    if let Some(sender) = &*spawner {
        return Ok(sender.clone());
    }
    let (sender, requests) = mpsc::channel::<Request>();
    std::thread::Builder::new().name("plugin-spawner".to_owned()).spawn(move || {
        for Request { mut command, answer } in requests {
            let child = command.spawn().and_then(OwnedChild::new);
            // If nobody waits for the answer any more it comes back here, and dropping it kills the child.
            drop(answer.send(child));
        }
    })?;
    *spawner = Some(sender.clone());
    Ok(sender)
}

/// Has the kernel kill the child when this process ends, however it ends.
#[expect(unsafe_code, reason = "the parent-death signal can only be set between fork and exec")]
fn end_with_parent(command: &mut Command) {
    let parent = rustix::process::getpid();
    let set = move || {
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
        // The parent may have ended before the signal was set.
        match rustix::process::getppid() == Some(parent) {
            true => Ok(()),
            false => Err(io::Error::from(rustix::io::Errno::SRCH)),
        }
    };
    // SAFETY: the closure makes two system calls, allocates nothing and takes no lock: it may run after a fork of a
    // process with threads.
    unsafe { command.pre_exec(set) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Stdio;

    fn sleeper() -> Command {
        let mut command = Command::new("sleep");
        command.arg("1000").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn is_alive(pid: Pid) -> bool {
        rustix::process::test_kill_process(pid).is_ok()
    }

    #[test]
    fn a_child_outlives_the_thread_and_the_runtime_that_asked_for_it() {
        let child = std::thread::spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(spawn(sleeper())).unwrap()
        });
        let mut child = child.join().unwrap();
        // Had the asking thread been its parent the signal would have come with that thread's end.
        assert_eq!(child.child.as_mut().unwrap().try_wait().unwrap(), None);
        let pid = child.pid();
        drop(child);
        assert!(!is_alive(pid), "dropping it kills it");
    }

    #[tokio::test]
    async fn a_child_has_a_group_of_its_own_and_the_parent_death_signal() {
        let child = spawn(sleeper()).await.unwrap();
        let group = rustix::process::getpgid(Some(child.pid())).unwrap();
        assert_eq!(group, child.pid());
        let parent = rustix::process::getpid().as_raw_nonzero();
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.pid())).unwrap();
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
        assert_eq!(fields[1], parent.to_string());
    }
}
