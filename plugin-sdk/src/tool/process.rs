//! A running program, from the plugin's side. Whoever drops it kills it.

use super::{Tool, find, guard, search_path};
use crate::{Failure, Operation};
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use std::ffi::OsString;
use std::fmt;
use std::future::Future;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Whether this program calls [`serve`](crate::serve), and so can be its own guard. A test that runs a plugin in its own
/// process can't.
static CAN_GUARD: AtomicBool = AtomicBool::new(false);

/// How long output may keep coming after the program's end, from a process that nobody could kill.
const SILENCE_WAIT: Duration = Duration::from_secs(1);
/// How long a killed process group may take to be gone.
const GROUP_WAIT: Duration = Duration::from_millis(500);
/// How long a guard may take to end after its socket is closed.
const GUARD_WAIT: Duration = Duration::from_secs(3);

/// Says that this process was started through [`serve`](crate::serve).
pub(crate) fn allow_guard() {
    CAN_GUARD.store(true, Ordering::SeqCst);
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    /// With a status.
    Exit(i32),
    /// By a signal.
    Signal(i32),
    /// It never started.
    NotStarted(String),
    /// Nobody knows: its guard was killed.
    Lost,
}

impl Ended {
    /// Writes it as the guard does.
    pub(super) fn encode(&self) -> String {
        match self {
            Self::Exit(status) => format!("exit {status}"),
            Self::Signal(signal) => format!("signal {signal}"),
            Self::NotStarted(why) => format!("failed {why}"),
            Self::Lost => "lost".to_owned(),
        }
    }

    fn decode(text: &str) -> Self {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        match (word, rest.parse()) {
            ("exit", Ok(status)) => Self::Exit(status),
            ("signal", Ok(signal)) => Self::Signal(signal),
            ("failed", _) => Self::NotStarted(rest.to_owned()),
            _ => Self::Lost,
        }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(status) => write!(f, "ended with status {status}"),
            Self::Signal(signal) => write!(f, "was killed by signal {signal}"),
            Self::NotStarted(why) => write!(f, "could not be started: {why}"),
            Self::Lost => f.write_str("was lost: its guard process is gone"),
        }
    }
}

/// A running program.
#[derive(Debug)]
pub(super) struct Process {
    streams: Option<(ChildStdout, ChildStderr)>,
    terminate: CancellationToken,
    ended: oneshot::Receiver<Ended>,
    how: Option<Ended>,
    _kill: DropGuard,
}

impl Process {
    /// Starts a program. A task of the operation's holds it to its end.
    pub(super) fn start(tool: &Tool, operation: &Operation) -> Result<Self, Failure> {
        if operation.cancellation().is_cancelled() && !tool.clean_up {
            return Err(Failure::cancelled());
        }
        let program = find(&tool.program).ok_or_else(|| tool.missing())?;
        let not_started = |error: io::Error| {
            tool.failed(&Ended::NotStarted(error.to_string()), &super::Tail::default())
        };
        let (mut child, control) =
            spawn(tool, &program, operation.work_dir()).map_err(not_started)?;
        let streams = child.stdout.take().zip(child.stderr.take());
        let (kill, terminate) = (CancellationToken::new(), CancellationToken::new());
        let (report, ended) = oneshot::channel();
        let keeper = Keeper {
            child,
            control,
            input: tool.input.clone(),
            grace: tool.grace,
            terminate: terminate.clone(),
            kill: kill.clone(),
        };
        operation.tools().spawn(async move {
            // Nobody may be left to hear it.
            let _ = report.send(keeper.keep().await);
        });
        Ok(Self { streams, terminate, ended, how: None, _kill: kill.drop_guard() })
    }

    /// Returns standard output and standard error, once.
    pub(super) fn take_streams(&mut self) -> Option<(ChildStdout, ChildStderr)> {
        self.streams.take()
    }

    /// Does `work` on the program's output; gives up shortly after the program's end, which is `None`.
    pub(super) async fn until_silent<T>(
        &mut self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<Option<T>, Failure> {
        let mut work = std::pin::pin!(work);
        tokio::select! {
            done = &mut work => return done.map(Some),
            _ = self.ended() => {}
        }
        timeout(SILENCE_WAIT, work).await.map_or(Ok(None), |done| done.map(Some))
    }

    /// Waits for the program's end.
    pub(super) async fn ended(&mut self) -> Ended {
        if let Some(how) = &self.how {
            return how.clone();
        }
        let how = (&mut self.ended).await.unwrap_or(Ended::Lost);
        self.how.insert(how).clone()
    }

    /// Ends the program: SIGTERM, the grace, SIGKILL. Returns when all of its processes are gone.
    pub(super) async fn stop(&mut self) {
        self.terminate.cancel();
        self.ended().await;
    }
}

/// How a program is told to end.
#[derive(Debug)]
enum Control {
    /// Through its guard.
    Guard(UnixStream),
    /// By signals to its process group.
    Group(Option<Pid>),
}

/// Holds a running program to its end.
struct Keeper {
    child: Child,
    control: Control,
    input: Option<Vec<u8>>,
    grace: Duration,
    terminate: CancellationToken,
    kill: CancellationToken,
}

impl Keeper {
    async fn keep(mut self) -> Ended {
        let (terminate, kill, grace) = (self.terminate.clone(), self.kill.clone(), self.grace);
        tokio::select! {
            ended = self.run() => return ended,
            () = kill.cancelled() => return self.kill().await,
            () = terminate.cancelled() => {}
        }
        self.ask_to_end().await;
        tokio::select! {
            ended = self.wait() => ended,
            () = kill.cancelled() => self.kill().await,
            () = sleep(grace) => self.kill().await,
        }
    }

    async fn run(&mut self) -> Ended {
        self.send_input().await;
        self.wait().await
    }

    async fn send_input(&mut self) {
        let input = self.input.take();
        // A program that does not read all of its input is within its rights; a guard that is gone is noticed next.
        match (&mut self.control, self.child.stdin.take(), input) {
            (Control::Guard(socket), _, input) => {
                let _ = socket.write_all(&guard::encode_input(input.as_deref())).await;
            }
            (Control::Group(_), Some(mut stdin), Some(input)) => {
                let _ = stdin.write_all(&input).await;
            }
            (Control::Group(_), _, _) => {}
        }
    }

    async fn wait(&mut self) -> Ended {
        match &mut self.control {
            Control::Guard(socket) => {
                let mut answer = String::new();
                let _ = socket.read_to_string(&mut answer).await;
                let _ = self.child.wait().await;
                Ended::decode(&answer)
            }
            Control::Group(group) => {
                let status = self.child.wait().await;
                signal(*group, Signal::KILL);
                gone(*group).await;
                status.map_or(Ended::Lost, how)
            }
        }
    }

    async fn ask_to_end(&mut self) {
        match &mut self.control {
            Control::Guard(socket) => drop(socket.write_all(b"T").await),
            Control::Group(group) => signal(*group, Signal::TERM),
        }
    }

    async fn kill(&mut self) -> Ended {
        match &mut self.control {
            Control::Guard(socket) => drop(socket.shutdown().await),
            Control::Group(group) => signal(*group, Signal::KILL),
        }
        timeout(GUARD_WAIT, self.wait()).await.unwrap_or(Ended::Lost)
    }
}

fn signal(group: Option<Pid>, signal: Signal) {
    if let Some(group) = group {
        // A group that is gone needs no signal.
        let _ = kill_process_group(group, signal);
    }
}

/// Waits until a killed group is gone. What nobody collects stays in it as a zombie, so not for long.
async fn gone(group: Option<Pid>) {
    let empty = async {
        while group.is_some_and(|group| test_kill_process_group(group).is_ok()) {
            sleep(Duration::from_millis(1)).await;
        }
    };
    let _ = timeout(GROUP_WAIT, empty).await;
}

fn how(status: std::process::ExitStatus) -> Ended {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(status), _) => Ended::Exit(status),
        (None, Some(signal)) => Ended::Signal(signal),
        (None, None) => Ended::Lost,
    }
}

fn spawn(tool: &Tool, program: &Path, work_dir: &Path) -> io::Result<(Child, Control)> {
    if CAN_GUARD.load(Ordering::SeqCst) {
        return spawn_guarded(tool, program, work_dir);
    }
    let stdin = if tool.input.is_some() { Stdio::piped() } else { Stdio::null() };
    let mut command = command(tool, program, work_dir, stdin);
    let child = command.arg0(&tool.program).args(&tool.arguments).spawn()?;
    let group = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
    Ok((child, Control::Group(group)))
}

fn spawn_guarded(tool: &Tool, program: &Path, work_dir: &Path) -> io::Result<(Child, Control)> {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    let stdin = Stdio::from(OwnedFd::from(theirs));
    let mut command = command(tool, Path::new("/proc/self/exe"), work_dir, stdin);
    command.arg(guard::ARGUMENT).arg(program).arg(&tool.program).args(&tool.arguments);
    Ok((command.spawn()?, Control::Guard(UnixStream::from_std(ours)?)))
}

fn command(tool: &Tool, program: &Path, work_dir: &Path, stdin: Stdio) -> Command {
    #[expect(clippy::disallowed_methods, reason = "this is the tool runner")]
    let mut command = Command::new(program);
    let home = std::env::var_os("HOME").unwrap_or_else(|| OsString::from("/"));
    command
        .env_clear()
        .env("PATH", search_path())
        .env("HOME", home)
        .env("LANG", "C.UTF-8")
        .envs(tool.environment.iter().map(|(name, value)| (name, value)))
        .current_dir(tool.directory.as_deref().unwrap_or(work_dir))
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guards_answer_survives_the_trip() {
        for ended in [
            Ended::Exit(0),
            Ended::Exit(255),
            Ended::Signal(9),
            Ended::NotStarted("exec format error (os error 8)".into()),
            Ended::Lost,
        ] {
            assert_eq!(Ended::decode(&ended.encode()), ended);
        }
        assert_eq!(Ended::decode(""), Ended::Lost);
    }
}
