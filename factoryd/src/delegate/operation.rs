//! One call of a delegate's method: its identity, its directory, its way back.

use crate::domain::{
    CloudIdentifiers, Failure, ImageId, Kind, LogLine, Notice, PackageList, Parameters, Progress,
    Resource, Secret,
};
use async_trait::async_trait;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio_util::sync::CancellationToken;

/// The id of an operation: the image, the cursor at which the work began and the step, so that it is unique for ever and
/// readable in a log.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OperationId(String);

impl OperationId {
    /// Names the operation that does `step` in the work on an image that began at `cursor`.
    pub fn new(image: &ImageId, cursor: u64, step: &str) -> Self {
        Self(format!("{image}.{cursor}.{step}"))
    }

    /// Names the `attempt`th try to settle what an operation left over.
    pub fn reconcile(of: &str, attempt: u32) -> Self {
        Self(format!("{of}.reconcile.{attempt}"))
    }

    /// Answers the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One call of a delegate's method.
#[derive(Clone)]
pub struct Operation {
    /// Its id.
    pub id: OperationId,
    /// The image worked on.
    pub image: ImageId,
    /// What kind of image.
    pub kind: Kind,
    /// Which try, from 1.
    pub attempt: u32,
    /// The operation's own directory: exists, empty, on the store's file system.
    pub work_dir: PathBuf,
    /// Parameters without the sensitive ones.
    pub parameters: Parameters,
    /// The sensitive ones.
    pub secrets: Vec<(String, Secret)>,
    /// Fires when the operation is to stop. The delegate then cancels it in the plugin and waits for its end.
    pub cancellation: CancellationToken,
    /// How long the plugin has to clean up after that before its process is ended.
    pub cancel_grace: Duration,
    /// Where events go.
    pub sink: Arc<dyn EventSink>,
}

/// Something a plugin announced.
#[derive(Debug, Clone, PartialEq)]
pub struct OperationEvent {
    /// Its number within the operation.
    pub seq: u64,
    /// When, by the plugin's clock.
    pub time: SystemTime,
    /// What.
    pub what: Announced,
}

/// What a plugin can announce.
#[derive(Debug, Clone, PartialEq)]
pub enum Announced {
    /// It got further. `percent` is of the operation; `None` if not known.
    Progress {
        /// Of the whole operation.
        percent: Option<f64>,
        /// The rest; its own `percent` means nothing here.
        progress: Progress,
    },
    /// A property of the image.
    Property {
        /// Its name.
        key: String,
        /// Its value, valid JSON.
        value_json: String,
    },
    /// A line of log.
    Log(LogLine),
    /// Something to know.
    Warning(Notice),
    /// A whole file in the work directory; `file` is a bare file name.
    Artifact {
        /// What it is to the image.
        role: String,
        /// Its name in the work directory.
        file: String,
        /// Its format.
        format: String,
        /// The size a guest sees, in bytes.
        virtual_size: u64,
        /// SHA-256 as the plugin says; empty if it does not.
        sha256: String,
        /// Its media type.
        media_type: String,
    },
    /// The packages in the image.
    Packages(PackageList),
    /// What the provider calls the image.
    CloudIdentifiers(CloudIdentifiers),
    /// A resource outside this machine. An intent is acknowledged to the plugin once the sink has taken it.
    Resource(Resource),
    /// Something that was left over could not be settled. Only while that is tried.
    ResourceRemains {
        /// The plugin's name for it.
        intent_id: String,
        /// Why.
        why: Box<Failure>,
    },
}

/// Takes what a plugin announces. When `accept` returns, the events are durable and the plugin may be told so.
#[async_trait]
pub trait EventSink: Send + Sync {
    /// Takes some events, in order.
    ///
    /// # Errors
    /// If they can't be kept; the operation is then cancelled.
    async fn accept(&self, events: Vec<OperationEvent>) -> Result<(), SinkError>;
}

/// Events can't be kept, or can't be believed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SinkError(pub Box<Failure>);
