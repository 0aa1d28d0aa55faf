//! Writes down what a plugin announces, as events of its image, before the plugin is told that it was heard.

use super::step::Step;
use super::store_failed;
use crate::delegate::{Announced, EventSink, OperationEvent, SinkError};
use crate::domain::{Artifact, EventKind, Failure, Fault, ImageId, Progress};
use crate::store::{NewArtifact, Store};
use async_trait::async_trait;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// What becomes of the files a step announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bodies {
    /// They belong to the image: they move into the store.
    Adopt,
    /// They are on their way to another step: they stay in the work directory.
    Collect,
    /// They are nobody's, and go with the work directory.
    Drop,
}

/// Writes down what one operation announces.
pub(super) struct Recorder {
    store: Store,
    image: ImageId,
    work_dir: PathBuf,
    step: Step,
    state: Mutex<State>,
}

struct State {
    percent: f64,
    announced: Vec<Artifact>,
}

impl Recorder {
    /// Makes a recorder for one step of an image.
    pub(super) fn new(store: Store, image: ImageId, work_dir: PathBuf, step: Step) -> Self {
        let state = State { percent: step.percent.0, announced: Vec::new() };
        Self { store, image, work_dir, step, state: Mutex::new(state) }
    }

    /// Answers the files that were announced, where they are now.
    pub(super) fn announced(&self) -> Vec<Artifact> {
        self.state().announced.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Maps a percentage of the operation onto its part of the image; one that is unknown or falls stays where it was.
    fn percent(&self, of_operation: Option<f64>) -> f64 {
        let (from, to) = self.step.percent;
        let mut state = self.state();
        if let Some(percent) = of_operation.filter(|percent| percent.is_finite()) {
            let mapped = from + percent.clamp(0.0, 100.0) * (to - from) / 100.0;
            state.percent = state.percent.max(mapped);
        }
        state.percent
    }

    async fn kind(&self, what: Announced) -> Result<Option<EventKind>, SinkError> {
        Ok(Some(match what {
            Announced::Progress { percent, progress } => {
                EventKind::Progress(Progress { percent: self.percent(percent), ..progress })
            }
            Announced::Property { key, value_json } => EventKind::Property { key, value_json },
            Announced::Log(line) => EventKind::Log(line),
            Announced::Warning(notice) => EventKind::Warning(notice),
            Announced::Packages(packages) => EventKind::Packages(packages),
            Announced::CloudIdentifiers(identifiers) => EventKind::CloudIdentifiers(identifiers),
            Announced::Resource(resource) => EventKind::Resource(resource),
            // Nothing that this operation was asked.
            Announced::ResourceRemains { .. } => return Ok(None),
            Announced::Artifact { role, file, format, virtual_size, sha256, media_type } => {
                let file = self.work_dir.join(file);
                let new = NewArtifact { file, role, format, virtual_size, sha256, media_type };
                return self.artifact(new).await;
            }
        }))
    }

    async fn artifact(&self, new: NewArtifact) -> Result<Option<EventKind>, SinkError> {
        match self.step.bodies {
            Bodies::Drop => Ok(None),
            Bodies::Collect => {
                let artifact = collect(new).map_err(SinkError)?;
                self.state().announced.push(artifact);
                Ok(None)
            }
            Bodies::Adopt => {
                let adopted = self.store.adopt(&self.image, new).await;
                let artifact = adopted.map_err(|error| SinkError(store_failed(&error)))?;
                self.state().announced.push(artifact.clone());
                Ok(Some(EventKind::Artifact(artifact)))
            }
        }
    }
}

/// Describes a file that stays where it is.
fn collect(new: NewArtifact) -> Result<Artifact, Box<Failure>> {
    let metadata = std::fs::symlink_metadata(&new.file).ok().filter(std::fs::Metadata::is_file);
    let Some(metadata) = metadata else {
        let message =
            format!("artifact {} names {}, which is no file", new.role, new.file.display());
        return Err(Box::new(Failure::new(Fault::Plugin, "PROTOCOL_VIOLATION", message)));
    };
    Ok(Artifact {
        role: new.role,
        path: new.file,
        format: new.format,
        size: metadata.len(),
        virtual_size: new.virtual_size,
        sha256: new.sha256,
        media_type: new.media_type,
    })
}

/// Describes a collected file as one to adopt.
pub(super) fn as_new(artifact: &Artifact) -> NewArtifact {
    NewArtifact {
        file: artifact.path.clone(),
        role: artifact.role.clone(),
        format: artifact.format.clone(),
        virtual_size: artifact.virtual_size,
        sha256: artifact.sha256.clone(),
        media_type: artifact.media_type.clone(),
    }
}

#[async_trait]
impl EventSink for Recorder {
    async fn accept(&self, events: Vec<OperationEvent>) -> Result<(), SinkError> {
        let mut batch: Vec<(SystemTime, EventKind)> = Vec::with_capacity(events.len());
        for event in events {
            if let Some(kind) = self.kind(event.what).await? {
                batch.push((event.time, kind));
            }
        }
        if batch.is_empty() {
            return Ok(());
        }
        let written = self.store.append(&self.image, batch).await;
        written.map(drop).map_err(|error| SinkError(store_failed(&error)))
    }
}
