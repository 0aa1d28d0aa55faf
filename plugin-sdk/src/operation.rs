//! The handle through which a running operation reports.

use crate::artifact;
use crate::ledger::{self, Entry, Existing, Intent, Ledger, NotCreated};
use crate::record::Record;
use crate::request;
use crate::resource::ResourceGuard;
use crate::{Failure, Fault, Parameters};
use factory_proto::plugin_v1::{self as proto, event::Kind, log_line::Level};
use futures_util::future::BoxFuture;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long a line of log may be, in bytes.
const LINE_BYTES_MAX: usize = 64 * 1024;
/// How large an event may be, in bytes, so that a batch of them stays within what any gRPC peer accepts.
const EVENT_BYTES_MAX: usize = 3 * 1024 * 1024;

/// A running operation, as its plugin sees it. Everything reported here reaches the user while it happens.
#[derive(Debug)]
pub struct Operation {
    id: String,
    work_dir: PathBuf,
    image: proto::ImageContext,
    parameters: Parameters,
    record: Arc<Record>,
    tools: TaskTracker,
    ledger: Arc<Ledger>,
    roles: Mutex<HashSet<String>>,
}

impl Operation {
    /// Starts from the head of a request.
    ///
    /// # Errors
    /// If the work directory is none, or the parameters are no JSON object.
    pub(crate) fn new(
        record: Arc<Record>,
        header: proto::OperationHeader,
    ) -> Result<Self, Failure> {
        let work_dir = PathBuf::from(&header.work_dir);
        if !work_dir.is_absolute() || !work_dir.is_dir() {
            let message = format!("work_dir is {work_dir:?}, but must be an absolute directory");
            return Err(request::invalid(message, "header.work_dir"));
        }
        Ok(Self {
            id: header.operation_id,
            work_dir,
            image: header.image.unwrap_or_default(),
            parameters: Parameters::new(&header.parameters_json, header.secret_parameters)?,
            record,
            tools: TaskTracker::new(),
            ledger: Arc::default(),
            roles: Mutex::default(),
        })
    }

    /// Answers the operation's id, unique for ever: a name or tag for what it creates elsewhere.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Answers the directory where artifacts and temporary files go: this operation's own, removed by the factory.
    pub fn work_dir(&self) -> &Path {
        &self.work_dir
    }

    /// Answers the id of the image being worked on.
    pub fn image_id(&self) -> &str {
        &self.image.id
    }

    /// Answers which try this is, from 1.
    pub fn attempt(&self) -> u32 {
        self.image.attempt.max(1)
    }

    /// Answers the parameters.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Answers the token that fires when the operation is to stop.
    pub fn cancellation(&self) -> &CancellationToken {
        self.record.cancellation()
    }

    /// Reports how far it is. At most ten reports a second go out; the newest wins.
    ///
    /// # Errors
    /// [`Failure::cancelled`] once the operation is to stop.
    pub async fn progress(&self, progress: Progress) -> Result<(), Failure> {
        self.record.progress(progress.inner).await
    }

    /// Sets a property of the image.
    ///
    /// # Errors
    /// [`Failure::cancelled`] once the operation is to stop.
    pub async fn property(
        &self,
        key: &str,
        value: impl Into<serde_json::Value>,
    ) -> Result<(), Failure> {
        let value_json = value.into().to_string();
        self.report(Kind::Property(proto::Property { key: key.to_owned(), value_json })).await
    }

    /// Adds a line to the build's log; `source` names the tool or part it comes from. Text with line ends becomes several
    /// lines.
    ///
    /// # Errors
    /// [`Failure::cancelled`] once the operation is to stop; the line is added all the same.
    pub async fn log(
        &self,
        level: Level,
        source: &str,
        message: impl Into<String>,
    ) -> Result<(), Failure> {
        for line in message.into().lines() {
            self.note(Kind::Log(proto::LogLine {
                level: level.into(),
                message: cut(line).to_owned(),
                source: source.to_owned(),
            }))
            .await?;
        }
        Ok(())
    }

    /// Tells the user something worth knowing, and what to do about it.
    ///
    /// # Errors
    /// [`Failure::cancelled`] once the operation is to stop; the warning goes out all the same.
    pub async fn warning(&self, message: impl Into<String>, hint: &str) -> Result<(), Failure> {
        let message = cut(&message.into()).to_owned();
        let warning = proto::Warning { message, hint: hint.to_owned(), path: String::new() };
        self.note(Kind::Warning(warning)).await
    }

    /// Announces a file. Its size, and its SHA-256 unless given, are read from it, off the async threads. From then on the
    /// file must not change.
    ///
    /// # Errors
    /// If the file is not a regular one directly inside the work directory, can't be read, or its role was announced
    /// before; [`Failure::cancelled`] once the operation is to stop.
    pub async fn artifact(&self, file: ArtifactFile) -> Result<(), Failure> {
        let cancellation = self.cancellation().clone();
        let artifact = artifact::measure(&self.work_dir, file.inner, cancellation).await?;
        self.claim_role(&artifact.role)?;
        self.report(Kind::Artifact(artifact)).await
    }

    /// Announces the packages in the image.
    ///
    /// # Errors
    /// [`Failure::cancelled`] once the operation is to stop.
    pub async fn packages(&self, packages: proto::PackageList) -> Result<(), Failure> {
        self.report(Kind::Packages(packages)).await
    }

    /// Creates something outside this machine, and answers the provider's identifier that `create` answers.
    ///
    /// `create` runs once the factory has made the intent durable, and gets what to tag the resource with
    /// ([`token`](crate::token)). `delete` runs at the end of the operation, or of the process that tries it: if the
    /// intent is temporary, or the operation does not complete; also if `create` fails, unless
    /// [surely](NotCreated::Surely) nothing exists. It outlives the method, so it owns what it needs, and it must take what
    /// is gone already for deleted.
    ///
    /// # Errors
    /// What `create` says; [`Failure::cancelled`] once the operation is to stop.
    pub async fn create<C, D>(
        &self,
        intent: Intent,
        create: impl FnOnce(String) -> C,
        delete: impl FnOnce(Existing) -> D + Send + 'static,
    ) -> Result<String, Failure>
    where
        C: Future<Output = Result<String, NotCreated>>,
        D: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        let name = intent.inner.intent_id.clone();
        let token = ledger::token(&self.id, &name);
        let delete =
            Box::new(move |existing| -> BoxFuture<'static, _> { Box::pin(delete(existing)) });
        let entry = Entry::new(&intent.inner, token.clone(), delete);
        let announced = ResourceGuard::announce(self.record.clone(), intent.inner).await?;
        announced.handed_over();
        self.ledger.enter(entry);
        match create(token).await {
            Ok(id) => {
                self.ledger.created(&self.record, &name, &id);
                Ok(id)
            }
            Err(NotCreated::Surely(failure)) => {
                self.ledger.take(&name);
                ledger::confirm_deleted(&self.record, &name);
                Err(failure)
            }
            Err(NotCreated::Perhaps(failure)) => Err(failure),
        }
    }

    /// Deletes now what [`create`](Self::create) created under a name, and would delete at the end.
    ///
    /// # Errors
    /// What its `delete` says; the factory's ledger then keeps it.
    pub async fn delete(&self, name: &str) -> Result<(), Failure> {
        if let Some(entry) = self.ledger.take(name) {
            entry.delete().await?;
            ledger::confirm_deleted(&self.record, name);
        }
        Ok(())
    }

    /// Announces something that is about to be created outside this machine, and waits until the factory has made that
    /// durable. [`create`](Self::create) does that and all that follows.
    ///
    /// # Errors
    /// [`Failure::cancelled`] once the operation is to stop; then nothing may be created.
    pub async fn resource(&self, intent: proto::ResourceIntent) -> Result<ResourceGuard, Failure> {
        ResourceGuard::announce(self.record.clone(), intent).await
    }

    /// Announces what the provider calls the image. It exists now, so this goes out even if a cancellation came meanwhile.
    pub(crate) fn announce(&self, identifiers: proto::CloudIdentifiers) {
        self.record.write(Kind::CloudIdentifiers(identifiers));
    }

    /// Reports what became of something that another operation left over.
    pub(crate) fn record(&self) -> &Record {
        &self.record
    }

    /// Returns what this operation has created.
    pub(crate) fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// Returns the tracker of everything that runs a program for this operation.
    pub(crate) fn tools(&self) -> &TaskTracker {
        &self.tools
    }

    fn claim_role(&self, role: &str) -> Result<(), Failure> {
        let mut roles = self.roles.lock().unwrap_or_else(PoisonError::into_inner);
        if roles.insert(role.to_owned()) {
            return Ok(());
        }
        let message = format!("role {role} was announced twice");
        Err(Failure::new(Fault::Plugin, "ARTIFACT_ROLE_REPEATED", message))
    }

    async fn report(&self, kind: Kind) -> Result<(), Failure> {
        check_size(&kind)?;
        self.record.report(kind).await.map(drop)
    }

    /// Reports what is worth having even from an operation that cleans up.
    async fn note(&self, kind: Kind) -> Result<(), Failure> {
        if self.cancellation().is_cancelled() {
            self.record.write(kind);
            return Err(Failure::cancelled());
        }
        self.report(kind).await
    }
}

/// How far an operation is.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    pub(crate) inner: proto::Progress,
}

impl Progress {
    /// Starts with the part of the work, short and stable.
    pub fn phase(phase: &str) -> Self {
        Self { inner: proto::Progress { phase: phase.to_owned(), ..Default::default() } }
    }
    /// Adds what is being done now.
    pub fn activity(mut self, activity: impl Into<String>) -> Self {
        self.inner.activity = activity.into();
        self
    }
    /// Adds how much of the whole operation is done, 0 to 100. A smaller value than before is raised to that.
    pub fn percent(mut self, percent: f64) -> Self {
        self.inner.percent = Some(percent);
        self
    }
    /// Adds how much of this phase is done.
    pub fn amount(mut self, current: u64, total: u64, unit: &str) -> Self {
        self.inner.amount = Some(proto::progress::Amount { current, total, unit: unit.to_owned() });
        self
    }
}

/// A file to announce: whole, final, inside the work directory.
#[derive(Debug, Clone, Default)]
pub struct ArtifactFile {
    pub(crate) inner: proto::Artifact,
}

impl ArtifactFile {
    /// Names the role, the file (relative to the work directory, no directories) and the format.
    pub fn new(role: &str, file: &str, format: &str) -> Self {
        let inner = proto::Artifact {
            role: role.to_owned(),
            path: file.to_owned(),
            format: format.to_owned(),
            ..Default::default()
        };
        Self { inner }
    }
    /// Sets the size that a guest sees, in bytes.
    pub fn virtual_size(mut self, bytes: u64) -> Self {
        self.inner.virtual_size = bytes;
        self
    }
    /// Sets the SHA-256 where the plugin knows it already; else the SDK reads the file.
    pub fn sha256(mut self, hex: &str) -> Self {
        self.inner.sha256 = hex.to_owned();
        self
    }
    /// Sets the media type.
    pub fn media_type(mut self, media_type: &str) -> Self {
        self.inner.media_type = media_type.to_owned();
        self
    }
}

fn check_size(kind: &Kind) -> Result<(), Failure> {
    let bytes = kind.encoded_len();
    if bytes <= EVENT_BYTES_MAX {
        return Ok(());
    }
    let message = format!("an event of {bytes} bytes is more than the {EVENT_BYTES_MAX} allowed");
    Err(Failure::new(Fault::Plugin, "EVENT_TOO_LARGE", message)
        .hint("write large data to a file and announce it as an artifact"))
}

/// Cuts a text to the longest one that may be in a line of log.
fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(LINE_BYTES_MAX)).unwrap_or(text)
}
