//! A plugin's process, from the factory's side: launched through an init, watched to its end, and never left behind.

use super::cgroup::{Events, Group};
use super::channel;
use super::limits::Limits;
use super::spawn::{self, Request};
use super::spec::{Report, Spec, Step};
use rustix::io::Errno;
use rustix::net::{Shutdown, shutdown};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use std::fs::File;
use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, watch};

/// What to launch.
#[derive(Debug)]
pub(crate) struct Launch {
    /// The init: one of our programs with the [argument](super::ARGUMENT), and the plugin's environment and directory.
    pub(crate) init: Command,
    /// What the init is told; of groups it need not say anything.
    pub(crate) spec: Spec,
    /// The plugin's control group, if one can be had.
    pub(crate) group: Option<Group>,
    /// The plugin's executable.
    pub(crate) executable: File,
}

/// A plugin's process and everything below it. All of it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    plugin: Pid,
    init: Arc<Init>,
    exit: watch::Receiver<Option<Exit>>,
}

/// How and when a process ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exit {
    /// How.
    pub(crate) status: ExitStatus,
    /// When.
    pub(crate) at: Instant,
    /// What its limits have done to it.
    pub(crate) events: Events,
}

/// The pipes of a process.
#[derive(Debug)]
pub(crate) struct Pipes {
    /// To its standard input.
    pub(crate) stdin: ChildStdin,
    /// From its standard output.
    pub(crate) stdout: ChildStdout,
    /// From its standard error.
    pub(crate) stderr: ChildStderr,
}

/// Why a plugin was not launched.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LaunchError {
    /// There is no init.
    #[error("the program that watches over a plugin can't be started")]
    Init(#[source] io::Error),
    /// The init ended without a word.
    #[error("the program that watches over the plugin ended at its start: {0}")]
    Ended(ExitStatus),
    /// The init can't do its part.
    #[error("the program that watches over the plugin can't {}", step.as_str())]
    Step {
        /// What it can't do.
        step: Step,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl LaunchError {
    /// Tells whether a namespace could not be had.
    pub(crate) fn is_of_namespace(&self) -> bool {
        let refusals = [Errno::PERM, Errno::NOSPC, Errno::INVAL].map(Errno::raw_os_error);
        match self {
            Self::Step { step, .. } => *step == Step::Namespace,
            Self::Init(error) => error.raw_os_error().is_some_and(|one| refusals.contains(&one)),
            Self::Ended(_) => false,
        }
    }
}

impl Process {
    /// Launches a plugin, and answers when it executes.
    ///
    /// # Errors
    /// If there is no init, or the init can't start the plugin.
    pub(crate) async fn launch(launch: Launch) -> Result<(Self, Pipes), LaunchError> {
        let Launch { init: mut command, mut spec, group, executable } = launch;
        spec.groups = group.as_ref().map(Group::entrances).unwrap_or_default();
        let (socket, inits) = channel::pair().map_err(LaunchError::Init)?;
        let stdin = order(&socket, &spec, &executable).map_err(LaunchError::Init)?;
        command.stdin(inits).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let request = Request { command, pid_namespace: spec.pid_namespace };
        let mut child = spawn::spawn(request).await.map_err(LaunchError::Init)?.into_child();
        let streams = child.stdout.take().zip(child.stderr.take());
        let init = Arc::new(Init::new(child, socket, group, spec.pid_namespace));
        let (sender, exit) = watch::channel(None);
        // From here on, dropping it ends it.
        let mut process = Self { plugin: init.pid, init, exit };
        process.plugin = process.watch(sender).await?;
        let (stdout, stderr) = streams.expect("both were asked to be pipes");
        Ok((process, Pipes { stdin: OwnedFd::from(stdin).into(), stdout, stderr }))
    }

    /// Answers the plugin's number.
    pub(crate) fn pid(&self) -> u32 {
        self.plugin.as_raw_nonzero().get().unsigned_abs()
    }

    /// Answers how it ended, if it has and nothing of it is left.
    pub(crate) fn exit(&self) -> Option<Exit> {
        *self.exit.borrow()
    }

    /// Answers what it may take.
    pub(crate) fn limits(&self) -> Limits {
        self.init.group.as_ref().map(Group::limits).unwrap_or_default()
    }

    /// Answers what its limits have done to it so far.
    pub(crate) fn events(&self) -> Events {
        self.exit().map_or_else(|| self.init.events(), |exit| exit.events)
    }

    /// Waits for its end.
    pub(crate) async fn exited(&self) -> Exit {
        let mut exit = self.exit.clone();
        match exit.wait_for(Option::is_some).await.map(|exit| *exit) {
            Ok(Some(exit)) => exit,
            // The watcher always reports; were it not so, nothing would be known of the process.
            _ => std::future::pending().await,
        }
    }

    /// Waits for its end, for some time at most.
    pub(crate) async fn exited_within(&self, time: Duration) -> Option<Exit> {
        tokio::time::timeout(time, self.exited()).await.ok()
    }

    /// Tells the plugin's process group to end: SIGTERM.
    pub(crate) fn terminate(&self) {
        self.init.signal(Signal::TERM);
    }

    /// Kills the plugin and everything below it.
    pub(crate) fn kill(&self) {
        self.init.kill();
    }

    /// Ends it: SIGTERM to the plugin's group, after `grace` everything is killed.
    pub(crate) async fn end(&self, grace: Duration) -> Exit {
        self.terminate();
        if let Some(exit) = self.exited_within(grace).await {
            return exit;
        }
        self.kill();
        self.exited().await
    }

    /// Has a thread of its own listen to the init, and waits until the plugin executes.
    async fn watch(&self, exit: watch::Sender<Option<Exit>>) -> Result<Pid, LaunchError> {
        let (sender, started) = oneshot::channel();
        let init = Arc::clone(&self.init);
        let watch = move || {
            let status = init.keep(sender);
            let events = init.events();
            if let Some(group) = &init.group {
                group.end();
            }
            exit.send_replace(Some(Exit { status, at: Instant::now(), events }));
        };
        let thread = std::thread::Builder::new().name("plugin-watcher".to_owned());
        thread.spawn(watch).map_err(LaunchError::Init)?;
        started.await.map_err(|gone| LaunchError::Init(io::Error::other(gone)))?
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Sends what the init is to do, before there is one. Answers the plugin's standard input.
fn order(socket: &OwnedFd, spec: &Spec, executable: &File) -> io::Result<PipeWriter> {
    let (reader, writer): (PipeReader, PipeWriter) = io::pipe()?;
    let message = channel::encode(spec)?;
    channel::send(socket.as_fd(), &message, &[reader.as_fd(), executable.as_fd()])?;
    Ok(writer)
}

/// The process between us and the plugin.
#[derive(Debug)]
struct Init {
    pid: Pid,
    socket: OwnedFd,
    group: Option<Group>,
    pid_namespace: bool,
    /// As long as the child is here nobody has waited for it, and its number is its own.
    child: Mutex<Option<Child>>,
}

impl Init {
    fn new(child: Child, socket: OwnedFd, group: Option<Group>, pid_namespace: bool) -> Self {
        let pid = Pid::from_child(&child);
        Self { pid, socket, group, pid_namespace, child: Mutex::new(Some(child)) }
    }

    fn events(&self) -> Events {
        self.group.as_ref().map(Group::events).unwrap_or_default()
    }

    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        // The option is whole between any two statements, so a panic of another holder does no harm.
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn signal(&self, signal: Signal) {
        if self.child().is_some() {
            let _ = kill_process(self.pid, signal);
        }
    }

    fn kill(&self) {
        if let Some(group) = &self.group {
            group.kill();
        }
        // It ends everything when its socket does. One that a plugin has stopped has to be woken for that.
        let _ = shutdown(&self.socket, Shutdown::Write);
        self.signal(if self.pid_namespace { Signal::KILL } else { Signal::CONT });
    }

    /// Listens to the init until nothing is left of it and the plugin; says first whether the plugin executes.
    fn keep(&self, started: oneshot::Sender<Result<Pid, LaunchError>>) -> ExitStatus {
        let (plugin, ended) = match self.started() {
            Ok(plugin) => (Ok(plugin), None),
            Err(unheard) => {
                self.kill();
                let own = self.reap();
                (Err(unheard.unwrap_or(LaunchError::Ended(own))), Some(own))
            }
        };
        if started.send(plugin).is_err() {
            // Nobody waits for it any more.
            self.kill();
        }
        ended.unwrap_or_else(|| {
            let reported = self.ended();
            let own = self.reap();
            reported.unwrap_or(own)
        })
    }

    /// Waits until the plugin executes. An error of `None` is an init that ended without a word.
    fn started(&self) -> Result<Pid, Option<LaunchError>> {
        let mut plugin = None;
        while let Ok(Some(received)) = channel::receive::<Report>(&self.socket) {
            match received.message {
                Report::Forked => plugin = received.sender,
                Report::Started => return plugin.ok_or(None),
                Report::Failed { step, errno, error } => {
                    let source = match errno {
                        0 => io::Error::other(error),
                        errno => io::Error::from_raw_os_error(errno),
                    };
                    return Err(Some(LaunchError::Step { step, source }));
                }
                Report::Ended(_) => break,
            }
        }
        Err(None)
    }

    /// Waits for the report of the plugin's end; `None` if the init ended without one.
    fn ended(&self) -> Option<ExitStatus> {
        while let Ok(Some(received)) = channel::receive::<Report>(&self.socket) {
            if let Report::Ended(status) = received.message {
                return Some(ExitStatus::from_raw(status));
            }
        }
        None
    }

    /// Waits for the end of the init.
    fn reap(&self) -> ExitStatus {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while let Err(Errno::INTR) = waitid(WaitId::Pid(self.pid), options) {}
        let ended = self.child().take().map(|mut child| child.wait());
        ended.and_then(Result::ok).unwrap_or_default()
    }
}
