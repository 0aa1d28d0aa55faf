//! From an executable to a plugin that has said what it is.
//!
//! ```text
//! Start ──execute──► Silent ──greet──► Launched
//! ```

use super::stdio::{drain_stdio, drain_stdout};
use super::{confined, health};
use crate::confine::{Pipes, Process};
use crate::delegate::Description;
use crate::domain::{Failure, Needs};
use crate::plugin::admission::{Admission, Candidate};
use crate::plugin::channel::{self, within};
use crate::plugin::confinement::Confinement;
use crate::plugin::convert;
use crate::plugin::failure::{LAST_LINES, LAST_LINES_WAIT, StartError, status_text};
use crate::plugin::lines::Lines;
use crate::plugin::log::{self, Tail};
use crate::plugin::options::Options;
use crate::plugin::process::{self, HandshakeError, read_handshake};
use crate::plugin::runtime::{InstanceDir, RuntimeDir};
use crate::plugin::tls::Identity;
use crate::redact::Vault;
use crate::sandbox::Profile;
use factory_proto::description::describe_json;
use factory_proto::handshake::{Bootstrap, Handshake};
use factory_proto::info::{Info, Kind};
use factory_proto::plugin_v1::DescribeRequest;
use factory_proto::plugin_v1::plugin_client::PluginClient;
use serde_json::Value;
use std::fs::File;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::task::JoinSet;
use tonic::transport::Channel;

/// What the factory can do, for plugins that ask.
const HOST_CAPABILITIES: &[&str] = &["acknowledge", "reattach"];
/// How long the exit of a process that just closed its output is waited for.
const EXIT_WAIT: Duration = Duration::from_secs(1);

/// What a start needs to know.
pub(in crate::plugin) struct Start<'a> {
    pub(in crate::plugin) info: &'a Info,
    /// The plugin, as its files are.
    pub(in crate::plugin) candidate: &'a Candidate<'a>,
    /// Its executable, open.
    pub(in crate::plugin) executable: File,
    /// What it said that it needs; `None` if it did not say.
    pub(in crate::plugin) needs: Option<&'a Needs>,
    pub(in crate::plugin) options: &'a Options,
    pub(in crate::plugin) runtime: &'a RuntimeDir,
    pub(in crate::plugin) confinement: &'a Confinement,
    pub(in crate::plugin) admission: &'a Admission,
}

/// A plugin that runs and has said what it is.
pub(super) struct Launched {
    pub(super) process: Process,
    pub(super) directory: InstanceDir,
    pub(super) stdin: ChildStdin,
    pub(super) tail: Tail,
    pub(super) vault: Arc<Vault>,
    pub(super) tasks: JoinSet<()>,
    pub(super) sandbox: Profile,
    pub(super) greeted: Greeted,
}

/// A connection to a plugin, and what it says it is.
pub(super) struct Greeted {
    pub(super) channel: Channel,
    pub(super) description: Description,
    /// What it said, as `PLUGIN describe` prints it.
    pub(super) said: Value,
}

/// A process that runs and has not said anything.
struct Silent {
    process: Process,
    directory: InstanceDir,
    identity: Option<Identity>,
    stdin: ChildStdin,
    stdout: Option<ChildStdout>,
    tail: Tail,
    vault: Arc<Vault>,
    tasks: JoinSet<()>,
    sandbox: Profile,
}

/// Launches a plugin, and answers when it has said what it is.
pub(super) async fn launch(start: &Start<'_>) -> Result<Launched, Failure> {
    let refused = |error: StartError| error.into_failure(start.candidate.name, String::new());
    let mut silent = execute(start).await.map_err(refused)?;
    let greeted = match greet(start, &mut silent).await {
        Ok(greeted) => greeted,
        Err(error) => return Err(explain(start, error, &silent).await),
    };
    let Silent { process, directory, stdin, tail, vault, tasks, sandbox, .. } = silent;
    Ok(Launched { process, directory, stdin, tail, vault, tasks, sandbox, greeted })
}

async fn execute(start: &Start<'_>) -> Result<Silent, StartError> {
    let directory = start.runtime.instance().map_err(StartError::Directory)?;
    let identity = start.options.auto_mtls.then(Identity::generate).transpose()?;
    let needs = start.needs.cloned().unwrap_or_default();
    let Start { candidate, options, admission, .. } = start;
    let sandbox = admission.profile(candidate, &needs, options, directory.path());
    let launched = confined::launch(start, &directory, identity.as_ref(), &sandbox);
    let (process, pipes) = launched.await?;
    let Pipes { stdin, stdout, stderr } = pipes;
    let refused =
        |source| StartError::Execute { path: start.candidate.executable.to_owned(), source };
    let (tail, vault) = (Tail::default(), Arc::<Vault>::default());
    let mut tasks = JoinSet::new();
    let stderr = ChildStderr::from_std(stderr).map_err(refused)?;
    let name = start.candidate.name.to_owned();
    tasks.spawn(log::drain_stderr(name, stderr, tail.clone(), vault.clone()));
    Ok(Silent {
        process,
        directory,
        identity,
        stdin: ChildStdin::from_std(stdin).map_err(refused)?,
        stdout: Some(ChildStdout::from_std(stdout).map_err(refused)?),
        tail,
        vault,
        tasks,
        sandbox,
    })
}

/// Exchanges the first words: bootstrap, handshake, connection, health, description.
async fn greet(start: &Start<'_>, silent: &mut Silent) -> Result<Greeted, StartError> {
    let timing = &start.options.timing;
    let bootstrap = bootstrap(start, &silent.directory);
    if let Err(error) = silent.stdin.write_all(bootstrap.as_bytes()).await {
        // A plugin may close what it does not read.
        tracing::debug!(plugin = start.candidate.name, %error, "the bootstrap was not taken");
    }
    let stdout = silent.stdout.take().ok_or(HandshakeError::Ended)?;
    let mut lines = Lines::new(stdout);
    let name = start.candidate.name;
    let handshake = read_handshake(name, &mut lines, timing.start_timeout).await?;
    silent.tasks.spawn(drain_stdout(name.to_owned(), lines, silent.vault.clone()));
    let channel = connect(&handshake, silent.identity.take(), timing.call_timeout).await?;
    let (tail, vault) = (silent.tail.clone(), silent.vault.clone());
    silent.tasks.spawn(drain_stdio(name.to_owned(), channel.clone(), tail, vault));
    health::check(&channel, timing.call_timeout).await.map_err(StartError::Health)?;
    let described = described(name, start.info.kind, start.options, &channel);
    let (description, said) = described.await?;
    same_needs(start, &description)?;
    Ok(Greeted { channel, description, said })
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

/// Asks a plugin what it is. Answers that, and what it said word for word.
pub(super) async fn described(
    name: &str,
    kind: Kind,
    options: &Options,
    channel: &Channel,
) -> Result<(Description, Value), StartError> {
    let host_capabilities = HOST_CAPABILITIES.iter().map(|&name| name.to_owned()).collect();
    let mut plugin = PluginClient::new(channel.clone())
        .max_decoding_message_size(factory_proto::MESSAGE_SIZE_MAX);
    let call = plugin.describe(DescribeRequest { host_capabilities });
    let answer = within(options.timing.describe_timeout, call).await;
    let answer = answer.map_err(|status| StartError::Describe(status_text(&status)))?;
    for warning in &answer.warnings {
        tracing::warn!(plugin = name, "{warning}");
    }
    if answer.name != name {
        tracing::warn!(plugin = name, says = answer.name, "the plugin has another name");
    }
    let said = describe_json(&answer);
    let description = convert::description(answer, kind);
    Ok((description.map_err(StartError::Describe)?, said))
}

/// What a plugin says now must be what it said when it was accepted: it got no more than that.
fn same_needs(start: &Start<'_>, description: &Description) -> Result<(), StartError> {
    let Some(needs) = start.needs else { return Ok(()) };
    let changes = description.needs.changes(needs);
    if changes.is_empty() { Ok(()) } else { Err(StartError::OtherNeeds(changes.join(", "))) }
}

/// Makes a start's error a failure: if the process ended, that says more than any call.
async fn explain(start: &Start<'_>, error: StartError, silent: &Silent) -> Failure {
    let error = match error {
        StartError::Handshake(HandshakeError::Ended)
        | StartError::Connect(_)
        | StartError::Health(_)
        | StartError::Describe(_) => match silent.process.exited_within(EXIT_WAIT).await {
            Some(exit) => StartError::Exited {
                path: start.candidate.executable.to_owned(),
                how: process::how(&exit),
            },
            None => error,
        },
        error => error,
    };
    silent.tail.settled(LAST_LINES_WAIT).await;
    error.into_failure(start.candidate.name, silent.tail.last(LAST_LINES))
}
