//! One running process of a plugin and the connection to it.

mod attached;
mod body;
mod confined;
mod health;
mod launch;
mod stdio;

pub(super) use attached::Attach;
pub(super) use launch::Start;

use super::channel::within;
use super::failure::{self, LAST_LINES, LAST_LINES_WAIT};
use super::lock::lock;
use super::log::Tail;
use super::options::{Options, Timing};
use super::runtime::InstanceDir;
use crate::confine::{Events, Exit};
use crate::delegate::Description;
use crate::domain::{Failure, Fault};
use crate::redact::{InUse, Redactor, Vault};
use crate::sandbox::Profile;
use body::Body;
use factory_proto::goplugin::grpc_controller_client::GrpcControllerClient;
use launch::{Greeted, Launched};
use serde_json::Value;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::process::ChildStdin;
use tokio::task::JoinSet;
use tonic::Code;
use tonic::transport::Channel;
use zeroize::Zeroizing;

/// One running process of a plugin and the connection to it. All of it ends when this is dropped.
pub(in crate::plugin) struct Instance {
    name: String,
    // The order matters when an instance is dropped: first the tasks, then the process, then its directory.
    tasks: Mutex<JoinSet<()>>,
    process: Body,
    channel: Channel,
    description: Description,
    said: Value,
    sandbox: Profile,
    tail: Tail,
    vault: Arc<Vault>,
    timing: Timing,
    started: Instant,
    useful: AtomicBool,
    life: Mutex<Life>,
    /// Open as long as we live: the end of its standard input tells the plugin that we are gone.
    _child: Option<(ChildStdin, InstanceDir)>,
}

/// What comes with a process that was launched here.
#[derive(Default)]
struct Keeps {
    tail: Tail,
    vault: Arc<Vault>,
    tasks: JoinSet<()>,
    child: Option<(ChildStdin, InstanceDir)>,
}

struct Life {
    operations: usize,
    heard: Instant,
    cause: Option<Cause>,
}

/// Why we ended a process ourselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::plugin) enum Cause {
    /// The factory stops.
    Stopped,
    /// It did not answer.
    Hung(String),
    /// It went on with that operation after it was told to stop.
    IgnoredCancellation(String),
}

impl Instance {
    /// Launches a plugin, and answers when it has said what it is.
    pub(in crate::plugin) async fn start(start: &Start<'_>) -> Result<Arc<Self>, Failure> {
        let started = Instant::now();
        let Launched { process, directory, stdin, tail, vault, tasks, sandbox, greeted } =
            launch::launch(start).await?;
        let keeps = Keeps { tail, vault, tasks, child: Some((stdin, directory)) };
        let (name, body) = (start.candidate.name, Body::Child(process));
        let instance = Self::with(name, body, greeted, sandbox, start.options, keeps);
        let (pid, version) = (instance.pid(), &instance.description.version);
        tracing::info!(plugin = name, pid, version, took = ?started.elapsed(), "plugin started");
        Ok(instance)
    }

    fn new(
        name: &str,
        process: Body,
        greeted: Greeted,
        sandbox: Profile,
        options: &Options,
    ) -> Arc<Self> {
        Self::with(name, process, greeted, sandbox, options, Keeps::default())
    }

    fn with(
        name: &str,
        process: Body,
        greeted: Greeted,
        sandbox: Profile,
        options: &Options,
        keeps: Keeps,
    ) -> Arc<Self> {
        let started = Instant::now();
        let instance = Arc::new(Self {
            name: name.to_owned(),
            tasks: Mutex::new(keeps.tasks),
            process,
            channel: greeted.channel,
            description: greeted.description,
            said: greeted.said,
            sandbox,
            tail: keeps.tail,
            vault: keeps.vault,
            timing: options.timing.clone(),
            started,
            useful: AtomicBool::new(false),
            life: Mutex::new(Life { operations: 0, heard: started, cause: None }),
            _child: keeps.child,
        });
        instance.spawn(health::watch(Arc::downgrade(&instance)));
        instance
    }

    pub(in crate::plugin) fn name(&self) -> &str {
        &self.name
    }

    pub(in crate::plugin) fn pid(&self) -> u32 {
        self.process.pid()
    }

    pub(in crate::plugin) fn channel(&self) -> Channel {
        self.channel.clone()
    }

    pub(in crate::plugin) fn description(&self) -> &Description {
        &self.description
    }

    /// Answers what it said it is, as `PLUGIN describe` prints it.
    pub(in crate::plugin) fn said(&self) -> &Value {
        &self.said
    }

    /// Answers what it may do.
    pub(in crate::plugin) fn sandbox(&self) -> &Profile {
        &self.sandbox
    }

    pub(in crate::plugin) fn timing(&self) -> &Timing {
        &self.timing
    }

    /// Hides secrets that the plugin is about to be given in all that it says from now on, and in the factory's log.
    pub(in crate::plugin) fn hide(&self, secrets: Vec<Zeroizing<String>>) -> [InUse; 2] {
        [self.vault.hide(secrets.clone()), Vault::of_process().hide(secrets)]
    }

    /// Answers what hides the secrets that the plugin was given.
    pub(in crate::plugin) fn redactor(&self) -> Redactor {
        self.vault.redactor()
    }

    /// Answers how the process ended, if it has.
    pub(in crate::plugin) fn exit(&self) -> Option<Exit> {
        self.process.exit()
    }

    /// Answers what limits have done to the process and all below it so far.
    pub(in crate::plugin) fn events(&self) -> Events {
        self.process.events()
    }

    /// Says what a limit had to do with a failure, given what limits had done before.
    pub(in crate::plugin) fn limited(&self, before: Events, failure: Failure) -> Failure {
        failure::limited(&self.name, self.process.limits(), (before, self.events()), failure)
    }

    /// Waits for the end of the process.
    pub(in crate::plugin) async fn exited(&self) -> Exit {
        self.process.exited().await
    }

    /// Waits for the end of the process, for some time at most.
    pub(in crate::plugin) async fn exited_within(&self, time: Duration) -> Option<Exit> {
        self.process.exited_within(time).await
    }

    /// Tells how long the process lived, and whether an operation came to its own end in it.
    pub(in crate::plugin) fn lived(&self, exit: Exit) -> (Duration, bool) {
        let lived = exit.at.saturating_duration_since(self.started);
        (lived, self.useful.load(Ordering::Relaxed))
    }

    /// Answers why we ended the process, if we did.
    pub(in crate::plugin) fn cause(&self) -> Option<Cause> {
        lock(&self.life).cause.clone()
    }

    /// Counts an operation in, until what is answered is dropped.
    pub(in crate::plugin) fn begin(self: &Arc<Self>) -> Running {
        let mut life = lock(&self.life);
        life.operations += 1;
        life.heard = Instant::now();
        Running(Arc::clone(self))
    }

    /// Notes a sign of life.
    pub(in crate::plugin) fn heard(&self) {
        lock(&self.life).heard = Instant::now();
    }

    /// Does something that outlives who wants it done, but not the instance.
    pub(in crate::plugin) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = lock(&self.tasks);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(work);
    }

    /// Says how the process, which has ended, came to its end.
    pub(in crate::plugin) async fn ending(&self) -> Failure {
        let exit = self.exited().await;
        self.tail.settled(LAST_LINES_WAIT).await;
        let detail = self.tail.last(LAST_LINES);
        let name = &self.name;
        match self.cause() {
            None => failure::crashed(name, self.process.limits(), exit, detail),
            Some(Cause::Hung(how)) => {
                let message = format!("plugin {name} hung and was killed: {how}");
                Failure::new(Fault::Plugin, failure::HUNG, message).detail(detail)
            }
            Some(Cause::Stopped) => {
                let message = format!("the factory stopped plugin {name}");
                Failure::new(Fault::Factory, Failure::INTERRUPTED, message)
            }
            Some(Cause::IgnoredCancellation(operation)) => {
                let message = format!(
                    "plugin {name} was killed, since it ignored the cancellation of {operation}"
                );
                let mut failure = Failure::new(Fault::Plugin, Failure::PLUGIN_CRASHED, message);
                failure.retryable = true;
                failure
            }
        }
    }

    /// Ends the process for that reason: SIGTERM to its group, then everything below it is killed.
    pub(in crate::plugin) async fn end(&self, cause: Cause) {
        lock(&self.life).cause.get_or_insert(cause);
        self.process.end(self.timing.stop_grace.min(Duration::from_secs(2))).await;
    }

    /// Asks the plugin to end, then tells it, then kills it. Answers whether it had to be killed.
    pub(in crate::plugin) async fn stop(&self, deadline: Duration) -> bool {
        lock(&self.life).cause.get_or_insert(Cause::Stopped);
        if self.process.is_foreign() {
            self.process.terminate();
            return false;
        }
        let grace = self.timing.stop_grace.min(deadline / 2);
        let asked = async {
            if self.shut_down(grace).await { self.exited_within(grace).await } else { None }
        };
        if tokio::time::timeout(grace, asked).await.ok().flatten().is_some() {
            tracing::info!(plugin = self.name, "plugin stopped");
            return false;
        }
        self.process.terminate();
        if self.process.exited_within(grace).await.is_some() {
            tracing::info!(plugin = self.name, "plugin ended on SIGTERM");
            return false;
        }
        self.process.kill();
        self.process.exited().await;
        tracing::warn!(plugin = self.name, "plugin did not stop and was killed");
        true
    }

    /// Calls `Shutdown`. Answers whether it is worth waiting for the end.
    async fn shut_down(&self, timeout: Duration) -> bool {
        let mut controller = GrpcControllerClient::new(self.channel());
        match within(timeout, controller.shutdown(())).await {
            Err(status) if status.code() == Code::Unimplemented => false,
            // Often the plugin is gone before its answer is: any other answer, or none, is a yes.
            _ => true,
        }
    }

    /// Kills the process, which does not answer.
    fn hang(&self, how: &str) {
        let silent = self.timing.quiet_max.as_secs_f32();
        let how = format!("it was silent for {silent} s, and then {how}");
        tracing::error!(plugin = self.name, how, "plugin hangs");
        lock(&self.life).cause.get_or_insert(Cause::Hung(how));
        self.process.kill();
    }

    /// Tells whether operations run and nothing was heard of any for too long.
    fn is_quiet(&self) -> bool {
        let life = lock(&self.life);
        0 < life.operations && self.timing.quiet_max < life.heard.elapsed()
    }
}

/// An operation that runs in an instance.
pub(in crate::plugin) struct Running(Arc<Instance>);

impl Running {
    /// Notes that the operation came to its own end.
    pub(in crate::plugin) fn was_useful(&self) {
        self.0.useful.store(true, Ordering::Relaxed);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        lock(&self.0.life).operations -= 1;
    }
}
