//! What happens to images.

use super::{Artifact, CloudIdentifiers, Failure, ImageId, PackageList, Status};
use std::time::SystemTime;

/// Something that happened to an image.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its number: rises over all events of the store, is never used twice.
    pub cursor: u64,
    /// The image.
    pub image: ImageId,
    /// When.
    pub time: SystemTime,
    /// What.
    pub kind: EventKind,
}

/// What can happen to an image.
#[derive(Debug, Clone, PartialEq)]
pub enum EventKind {
    /// Its status changed.
    Status {
        /// From.
        from: Status,
        /// To.
        to: Status,
        /// Why, if it failed.
        failure: Option<Failure>,
    },
    /// It got further.
    Progress(Progress),
    /// A property was set (as JSON text); `null` removes it.
    Property {
        /// Its name.
        key: String,
        /// Its value, JSON.
        value_json: String,
    },
    /// A line of its log.
    Log(LogLine),
    /// Something to know.
    Warning(Notice),
    /// A file is whole.
    Artifact(Artifact),
    /// Its packages are known.
    Packages(PackageList),
    /// What the provider calls it.
    CloudIdentifiers(CloudIdentifiers),
    /// A resource outside this machine.
    Resource(Resource),
}

/// How far an image is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Progress {
    /// Of the whole image, 0 to 100.
    pub percent: f64,
    /// The part of the work.
    pub phase: String,
    /// What is being done.
    pub activity: String,
    /// Done in this phase.
    pub current: u64,
    /// In all in this phase; 0 if not known.
    pub total: u64,
    /// What is counted.
    pub unit: String,
}

/// How important a line of log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// For who looks for a fault.
    Debug,
    /// Ordinary.
    Info,
    /// Looks wrong, and may be.
    Warn,
    /// Wrong.
    Error,
}

impl LogLevel {
    /// Every level.
    pub const ALL: [Self; 4] = [Self::Debug, Self::Info, Self::Warn, Self::Error];

    /// Answers the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    /// Reads the word for it.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == word)
    }
}

/// A line of log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// How important it is.
    pub level: LogLevel,
    /// The line.
    pub message: String,
    /// Where it came from; may be empty.
    pub source: String,
}

/// Something that the user should know, though the work goes on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notice {
    /// What.
    pub message: String,
    /// What to do about it; may be empty.
    pub hint: String,
    /// Where in the template or the parameters; may be empty.
    pub path: String,
}

/// How far a resource is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceState {
    /// It is about to be created.
    Intent,
    /// It exists.
    Created,
    /// It is gone.
    Deleted,
}

impl ResourceState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Intent, Self::Created, Self::Deleted];

    /// Answers the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Intent => "intent",
            Self::Created => "created",
            Self::Deleted => "deleted",
        }
    }

    /// Reads the word for it.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// A resource outside this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// How far it is.
    pub state: ResourceState,
    /// The plugin's name for it, unique in its operation.
    pub intent_id: String,
    /// What it is; empty unless an intent.
    pub kind: String,
    /// For a person; empty unless an intent.
    pub description: String,
    /// How to find it again, JSON; empty unless an intent.
    pub locator_json: String,
    /// The provider's identifier; empty unless created.
    pub resource_id: String,
    /// Whether it is what the image is, or a part of that, and stays with a complete image; false unless an intent.
    pub lasting: bool,
    /// The plugin that announced it; empty if that was not written down.
    pub plugin: String,
    /// The operation in which it was announced; empty if that was not written down.
    pub operation: String,
}
