//! The store as its users see it.

mod bodies;
mod callbacks;
mod check;
mod events;
mod failures;
mod full;
mod images;
mod import;
mod journal;
mod ledger;
mod lists;
mod owners;
mod reservations;
mod stored;
mod tokens;

use super::{NewArtifact, Options, Store, WorkDir};
use crate::domain::{
    Artifact, CloudIdentifiers, EventKind, Failure, Fault, Image, ImageId, Kind, LogLevel, LogLine,
    Notice, PackageList, Parameters, Progress, Resource, ResourceState, Status,
};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

/// A store in a directory of its own; the directory goes when this goes.
struct Scratch {
    store: Store,
    directory: TempDir,
}

impl std::ops::Deref for Scratch {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

impl Scratch {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { store: open(directory.path()).await, directory }
    }

    /// Opens the same store again, as another process would.
    async fn again(&self) -> Store {
        open(self.directory.path()).await
    }

    /// Records a new image and answers its id.
    async fn record(&self, number: u32) -> ImageId {
        let image = image(number);
        self.insert(&image).await.unwrap();
        image.id
    }

    /// Puts a file into a work directory.
    async fn file(&self, operation: &str, name: &str, content: &[u8]) -> (WorkDir, NewArtifact) {
        let work = self.work_dir(operation).await.unwrap();
        std::fs::write(work.path().join(name), content).unwrap();
        let new = new_artifact(&work, name);
        (work, new)
    }
}

async fn open(root: &Path) -> Store {
    Store::open(Options { root: root.to_owned() }).await.unwrap()
}

fn id(number: u32) -> ImageId {
    ImageId::parse(&format!("0192f3a4-5b6c-7d8e-9f01-{number:012}")).unwrap()
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::new(1_800_000_000 + seconds, 123_456_789)
}

fn image(number: u32) -> Image {
    Image {
        name: "example".to_owned(),
        template_xml: "<template/>".to_owned(),
        ..Image::asked_for(id(number), Kind::Base, at(0))
    }
}

fn step(from: Status, to: Status) -> (SystemTime, EventKind) {
    (at(1), EventKind::Status { from, to, failure: None })
}

/// The steps from one status of `path` to the next, and so on.
fn steps(path: &[Status]) -> Vec<(SystemTime, EventKind)> {
    path.windows(2).map(|pair| step(pair[0], pair[1])).collect()
}

fn failure() -> Failure {
    Failure {
        reason: "NO_TOOL".to_owned(),
        message: "mmdebstrap was not found".to_owned(),
        fault: Fault::Host,
        hint: "install it".to_owned(),
        path: "template/os".to_owned(),
        step: "create_base_image".to_owned(),
        detail: "sh: 1: not found\n".to_owned(),
        retryable: true,
    }
}

fn artifact(role: &str, path: &Path) -> Artifact {
    Artifact {
        role: role.to_owned(),
        path: path.to_owned(),
        format: "raw".to_owned(),
        size: u64::MAX >> 1,
        virtual_size: 10 << 30,
        sha256: "0f".repeat(32),
        media_type: "application/octet-stream".to_owned(),
    }
}

fn log(message: &str) -> (SystemTime, EventKind) {
    let line =
        LogLine { level: LogLevel::Warn, message: message.to_owned(), source: "apt".to_owned() };
    (at(2), EventKind::Log(line))
}

fn progress(percent: f64) -> (SystemTime, EventKind) {
    let progress = Progress {
        percent,
        phase: "install".to_owned(),
        activity: "unpacking ünïcode".to_owned(),
        current: u64::MAX,
        total: 7,
        unit: "bytes".to_owned(),
    };
    (at(3), EventKind::Progress(progress))
}

fn resource(state: ResourceState, intent: &str, provider_id: &str) -> (SystemTime, EventKind) {
    let resource = Resource {
        state,
        intent_id: intent.to_owned(),
        kind: "volume".to_owned(),
        description: "the disk".to_owned(),
        locator_json: "{\"region\":\"x\"}".to_owned(),
        resource_id: provider_id.to_owned(),
        lasting: false,
        plugin: String::new(),
        operation: String::new(),
    };
    (at(4), EventKind::Resource(resource))
}

/// One event of every kind, with something in every field.
fn every_kind(root: &Path) -> Vec<(SystemTime, EventKind)> {
    let (key, value_json) = ("a.b".to_owned(), "{\"x\": [1.1, null]}".to_owned());
    let notice = Notice {
        message: "unsigned".to_owned(),
        hint: "sign it".to_owned(),
        path: "repositories/repository[1]".to_owned(),
    };
    let identifiers = CloudIdentifiers {
        identifier_on_provider: "ami-1".to_owned(),
        provider_account_identifier: "42".to_owned(),
    };
    let from = Status::Building;
    vec![
        step(Status::New, Status::Pending),
        step(Status::Pending, Status::Building),
        progress(33.3),
        (at(5), EventKind::Property { key, value_json }),
        log("line with \"quotes\" and \u{0} and \n"),
        (at(6), EventKind::Warning(notice)),
        (at(7), EventKind::Artifact(artifact("disk", &root.join("images/x/disk.raw")))),
        (at(7), EventKind::Artifact(artifact("archive", Path::new("/elsewhere/a.tar")))),
        (at(8), EventKind::Packages(PackageList { count: 1, icicle_xml: "<icicle/>".to_owned() })),
        (at(9), EventKind::CloudIdentifiers(identifiers)),
        resource(ResourceState::Intent, "volume-1", ""),
        (at(10), EventKind::Status { from, to: Status::Failed, failure: Some(failure()) }),
    ]
}

fn new_artifact(work: &WorkDir, name: &str) -> NewArtifact {
    NewArtifact {
        file: work.path().join(name),
        role: "disk".to_owned(),
        format: "raw".to_owned(),
        virtual_size: 5,
        sha256: String::new(),
        media_type: "application/octet-stream".to_owned(),
    }
}
