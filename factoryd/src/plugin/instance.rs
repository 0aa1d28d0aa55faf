//! One running process of a plugin and the connection to it.

use super::channel::{self, within};
use super::convert;
use super::failure::{self, LAST_LINES, LAST_LINES_WAIT, StartError, status_text};
use super::lines::{Lines, Splitter};
use super::lock::lock;
use super::log::{self, Log, Tail};
use super::options::{Options, Timing};
use super::process::{Exit, HandshakeError, Launch, Pipes, Process, command, read_handshake};
use super::runtime::{InstanceDir, RuntimeDir};
use super::tls::Identity;
use crate::delegate::Description;
use crate::domain::{Failure, Fault};
use factory_proto::goplugin::grpc_controller_client::GrpcControllerClient;
use factory_proto::goplugin::grpc_stdio_client::GrpcStdioClient;
use factory_proto::goplugin::stdio_data::Channel as Output;
use factory_proto::handshake::{Bootstrap, HEALTH_SERVICE, Handshake};
use factory_proto::info::Info;
use factory_proto::plugin_v1::DescribeRequest;
use factory_proto::plugin_v1::plugin_client::PluginClient;
use rustix::process::Signal;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::task::JoinSet;
use tonic::Code;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

/// What the factory can do, for plugins that ask.
const HOST_CAPABILITIES: &[&str] = &["acknowledge", "reattach"];
/// How long the exit of a process that just closed its output is waited for.
const EXIT_WAIT: Duration = Duration::from_secs(1);

/// One running process of a plugin and the connection to it. All of it ends when this is dropped.
pub(super) struct Instance {
    name: String,
    // The order matters when an instance is dropped: first the tasks, then the process, then its directory.
    tasks: Mutex<JoinSet<()>>,
    process: Process,
    channel: Channel,
    description: Description,
    tail: Tail,
    timing: Timing,
    started: Instant,
    useful: AtomicBool,
    life: Mutex<Life>,
    /// Open as long as we live: its end tells the plugin that we are gone.
    _stdin: ChildStdin,
    _directory: InstanceDir,
}

struct Life {
    operations: usize,
    heard: Instant,
    cause: Option<Cause>,
}

/// Why we ended a process ourselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cause {
    /// The factory stops.
    Stopped,
    /// It did not answer.
    Hung(String),
    /// It went on with that operation after it was told to stop.
    IgnoredCancellation(String),
}

/// What a start needs to know.
pub(super) struct Start<'a> {
    pub(super) name: &'a str,
    pub(super) info: &'a Info,
    pub(super) executable: &'a Path,
    pub(super) options: &'a Options,
    pub(super) runtime: &'a RuntimeDir,
}

/// A process that is launched but has not yet said anything.
struct Launched {
    process: Process,
    directory: InstanceDir,
    identity: Option<Identity>,
    stdin: ChildStdin,
    stdout: Option<ChildStdout>,
    tail: Tail,
    tasks: JoinSet<()>,
}

/// A connection to a process that has said what it is.
struct Greeted {
    channel: Channel,
    description: Description,
}

impl Instance {
    /// Launches a plugin, and answers when it has said what it is.
    pub(super) async fn start(start: &Start<'_>) -> Result<Arc<Self>, Failure> {
        let begun = Instant::now();
        let refused = |error: StartError| error.into_failure(start.name, String::new());
        let mut launched = launch(start).await.map_err(refused)?;
        let Greeted { channel, description } = match greet(start, &mut launched).await {
            Ok(greeted) => greeted,
            Err(error) => return Err(explain(start.name, error, &launched).await),
        };
        let Launched { process, directory, stdin, tail, mut tasks, .. } = launched;
        tasks.spawn(drain_stdio(start.name.to_owned(), channel.clone(), tail.clone()));
        let instance = Arc::new(Self {
            name: start.name.to_owned(),
            tasks: Mutex::new(tasks),
            process,
            channel,
            description,
            tail,
            timing: start.options.timing.clone(),
            started: begun,
            useful: AtomicBool::new(false),
            life: Mutex::new(Life { operations: 0, heard: begun, cause: None }),
            _stdin: stdin,
            _directory: directory,
        });
        instance.spawn(watch(Arc::downgrade(&instance)));
        tracing::info!(
            plugin = instance.name,
            pid = instance.pid(),
            version = instance.description.version,
            took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            "plugin started"
        );
        Ok(instance)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.pid()
    }

    pub(super) fn channel(&self) -> Channel {
        self.channel.clone()
    }

    pub(super) fn description(&self) -> &Description {
        &self.description
    }

    pub(super) fn timing(&self) -> &Timing {
        &self.timing
    }

    /// Answers how the process ended, if it has.
    pub(super) fn exit(&self) -> Option<Exit> {
        self.process.exit()
    }

    /// Waits for the end of the process.
    pub(super) async fn exited(&self) -> Exit {
        self.process.exited().await
    }

    /// Waits for the end of the process, for some time at most.
    pub(super) async fn exited_within(&self, time: Duration) -> Option<Exit> {
        self.process.exited_within(time).await
    }

    /// Tells how long the process lived, and whether an operation came to its own end in it.
    pub(super) fn lived(&self, exit: Exit) -> (Duration, bool) {
        let lived = exit.at.saturating_duration_since(self.started);
        (lived, self.useful.load(Ordering::Relaxed))
    }

    /// Answers why we ended the process, if we did.
    pub(super) fn cause(&self) -> Option<Cause> {
        lock(&self.life).cause.clone()
    }

    /// Counts an operation in, until what is answered is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> Running {
        let mut life = lock(&self.life);
        life.operations += 1;
        life.heard = Instant::now();
        Running(Arc::clone(self))
    }

    /// Notes a sign of life.
    pub(super) fn heard(&self) {
        lock(&self.life).heard = Instant::now();
    }

    /// Does something that outlives who wants it done, but not the instance.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = lock(&self.tasks);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(work);
    }

    /// Says how the process, which has ended, came to its end.
    pub(super) async fn ending(&self) -> Failure {
        let exit = self.exited().await;
        self.tail.settled(LAST_LINES_WAIT).await;
        let detail = self.tail.last(LAST_LINES);
        let name = &self.name;
        match self.cause() {
            None => failure::crashed(name, exit, detail),
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

    /// Ends the process for that reason: SIGTERM to its group, then SIGKILL.
    pub(super) async fn end(&self, cause: Cause) {
        lock(&self.life).cause.get_or_insert(cause);
        self.process.end(self.timing.stop_grace.min(Duration::from_secs(2))).await;
    }

    /// Asks the plugin to end, then tells it, then kills it. Answers whether it had to be killed.
    pub(super) async fn stop(&self, deadline: Duration) -> bool {
        lock(&self.life).cause.get_or_insert(Cause::Stopped);
        let grace = self.timing.stop_grace.min(deadline / 2);
        let asked = async {
            if self.shut_down(grace).await { self.exited_within(grace).await } else { None }
        };
        if tokio::time::timeout(grace, asked).await.ok().flatten().is_some() {
            tracing::info!(plugin = self.name, "plugin stopped");
            return false;
        }
        self.process.signal(Signal::TERM);
        if self.process.exited_within(grace).await.is_some() {
            tracing::info!(plugin = self.name, "plugin ended on SIGTERM");
            return false;
        }
        self.process.signal(Signal::KILL);
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

    /// Tells whether operations run and nothing was heard of any for too long.
    fn is_quiet(&self) -> bool {
        let life = lock(&self.life);
        0 < life.operations && self.timing.quiet_max < life.heard.elapsed()
    }
}

/// An operation that runs in an instance.
pub(super) struct Running(Arc<Instance>);

impl Running {
    /// Notes that the operation came to its own end.
    pub(super) fn was_useful(&self) {
        self.0.useful.store(true, Ordering::Relaxed);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        lock(&self.0.life).operations -= 1;
    }
}

async fn launch(start: &Start<'_>) -> Result<Launched, StartError> {
    let Options { auto_mtls, environment, .. } = start.options;
    let directory = start.runtime.instance().map_err(StartError::Directory)?;
    let identity = auto_mtls.then(Identity::generate).transpose()?;
    let command = command(&Launch {
        executable: start.executable,
        directory: directory.path(),
        certificate_pem: identity.as_ref().map(Identity::pem),
        environment,
    });
    let refused = |source| StartError::Execute { path: start.executable.to_owned(), source };
    let (process, pipes) = Process::launch(command).await.map_err(refused)?;
    let Pipes { stdin, stdout, stderr } = pipes;
    let tail = Tail::default();
    let mut tasks = JoinSet::new();
    let stderr = ChildStderr::from_std(stderr).map_err(refused)?;
    tasks.spawn(log::drain_stderr(start.name.to_owned(), stderr, tail.clone()));
    Ok(Launched {
        process,
        directory,
        identity,
        stdin: ChildStdin::from_std(stdin).map_err(refused)?,
        stdout: Some(ChildStdout::from_std(stdout).map_err(refused)?),
        tail,
        tasks,
    })
}

/// Exchanges the first words: bootstrap, handshake, connection, health, description.
async fn greet(start: &Start<'_>, launched: &mut Launched) -> Result<Greeted, StartError> {
    let timing = &start.options.timing;
    let bootstrap = bootstrap(start, &launched.directory);
    if let Err(error) = launched.stdin.write_all(bootstrap.as_bytes()).await {
        // A plugin may close what it does not read.
        tracing::debug!(plugin = start.name, %error, "the bootstrap was not taken");
    }
    let stdout = launched.stdout.take().ok_or(HandshakeError::Ended)?;
    let mut lines = Lines::new(stdout);
    let handshake = read_handshake(start.name, &mut lines, timing.start_timeout).await?;
    launched.tasks.spawn(drain_stdout(start.name.to_owned(), lines));
    let channel = connect(&handshake, launched.identity.take(), timing.call_timeout).await?;
    check_health(&channel, timing.call_timeout).await.map_err(StartError::Health)?;
    let description = describe(start, &channel).await?;
    Ok(Greeted { channel, description })
}

fn bootstrap(start: &Start<'_>, directory: &InstanceDir) -> String {
    let bootstrap = Bootstrap {
        schema_version: 1,
        instance_id: directory.id().to_owned(),
        runtime_dir: directory.path().to_owned(),
        log_level: start.options.log_level.clone(),
        host_capabilities: HOST_CAPABILITIES.iter().map(|&name| name.to_owned()).collect(),
    };
    let mut line = serde_json::to_string(&bootstrap).unwrap_or_default();
    line.push('\n');
    line
}

async fn connect(
    handshake: &Handshake,
    identity: Option<Identity>,
    timeout: Duration,
) -> Result<Channel, StartError> {
    let tls = match (identity, &handshake.certificate) {
        (Some(identity), Some(certificate)) => Some(identity.trust(certificate)?),
        (Some(_), None) => return Err(StartError::NoCertificate),
        (None, _) => None,
    };
    channel::connect(&handshake.address, tls, timeout).await.map_err(StartError::Connect)
}

async fn check_health(channel: &Channel, timeout: Duration) -> Result<(), String> {
    let request = HealthCheckRequest { service: HEALTH_SERVICE.to_owned() };
    let mut health = HealthClient::new(channel.clone());
    let answer = within(timeout, health.check(request)).await;
    match answer.map(|answer| answer.status()) {
        Ok(ServingStatus::Serving) => Ok(()),
        Ok(other) => Err(format!("it answers {}", other.as_str_name())),
        Err(status) => Err(status_text(&status)),
    }
}

async fn describe(start: &Start<'_>, channel: &Channel) -> Result<Description, StartError> {
    let host_capabilities = HOST_CAPABILITIES.iter().map(|&name| name.to_owned()).collect();
    let mut plugin = PluginClient::new(channel.clone())
        .max_decoding_message_size(factory_proto::MESSAGE_SIZE_MAX);
    let call = plugin.describe(DescribeRequest { host_capabilities });
    let answer = within(start.options.timing.describe_timeout, call).await;
    let answer = answer.map_err(|status| StartError::Describe(status_text(&status)))?;
    for warning in &answer.warnings {
        tracing::warn!(plugin = start.name, "{warning}");
    }
    if answer.name != start.name {
        tracing::warn!(plugin = start.name, says = answer.name, "the plugin has another name");
    }
    convert::description(answer, start.info.kind).map_err(StartError::Describe)
}

/// Makes a start's error a failure: if the process ended, that says more than any call.
async fn explain(name: &str, error: StartError, launched: &Launched) -> Failure {
    let error = match error {
        StartError::Handshake(HandshakeError::Ended)
        | StartError::Connect(_)
        | StartError::Health(_)
        | StartError::Describe(_) => match launched.process.exited_within(EXIT_WAIT).await {
            Some(exit) => StartError::Exited(super::process::describe(exit.status)),
            None => error,
        },
        error => error,
    };
    launched.tail.settled(LAST_LINES_WAIT).await;
    error.into_failure(name, launched.tail.last(LAST_LINES))
}

async fn drain_stdout(plugin: String, mut lines: Lines<ChildStdout>) {
    while let Some(line) = lines.next().await {
        log::output(&plugin, &line);
    }
}

/// Reads what a plugin prints after the handshake: go-plugin's servers take their standard streams over and would
/// block on a stream that nobody reads.
async fn drain_stdio(plugin: String, channel: Channel, tail: Tail) {
    let mut stdio = GrpcStdioClient::new(channel);
    let mut stream = match stdio.stream_stdio(()).await {
        Ok(answer) => answer.into_inner(),
        Err(status) => return tracing::debug!(plugin, ?status, "no standard streams over gRPC"),
    };
    let mut stderr = Log::new(plugin.clone(), tail);
    let (mut out, mut err) = (Splitter::default(), Splitter::default());
    while let Ok(Some(piece)) = stream.message().await {
        match piece.channel() {
            Output::Stderr => err.feed_all(&piece.data, |line| stderr.line(&line)),
            _ => out.feed_all(&piece.data, |line| log::output(&plugin, &line)),
        }
    }
}

/// Kills a plugin that has operations, is silent and does not answer.
async fn watch(instance: Weak<Instance>) {
    loop {
        let Some(pause) = instance.upgrade().map(|it| it.timing.quiet_max / 2) else { return };
        tokio::time::sleep(pause).await;
        let Some(instance) = instance.upgrade() else { return };
        if instance.exit().is_some() {
            return;
        }
        if !instance.is_quiet() {
            continue;
        }
        match check_health(&instance.channel, instance.timing.call_timeout).await {
            Ok(()) => instance.heard(),
            Err(how) => instance.hang(&how),
        }
    }
}

impl Instance {
    fn hang(&self, how: &str) {
        let how =
            format!("it was silent for {} s, and then {how}", self.timing.quiet_max.as_secs_f32());
        tracing::error!(plugin = self.name, how, "plugin hangs");
        lock(&self.life).cause.get_or_insert(Cause::Hung(how));
        self.process.signal(Signal::KILL);
    }
}
