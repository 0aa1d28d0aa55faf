//! What must be true when everything has come to rest.

use crate::body;
use crate::cloud::Cloud;
use crate::disk;
use crate::machine::Machine;
use crate::readers::Reader;
use factoryd::domain::{Event, EventKind, Image, ImageId, Kind, Status};
use factoryd::store::{EventQuery, ImageFilter, LedgerFilter, Page, Store};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

/// Everything that is recorded.
pub(crate) struct Record {
    pub(crate) images: Vec<Image>,
    pub(crate) events: Vec<Event>,
    /// What the ledger has open: the image, and the plugin's name for the resource.
    pub(crate) ledger: Vec<(ImageId, String)>,
}

impl Record {
    pub(crate) async fn read(store: &Store) -> Self {
        let filter = ImageFilter { include_deleted: true, ..ImageFilter::default() };
        let images = store.images(&filter, &Page::default()).await.unwrap().items;
        let query = EventQuery { limit: usize::MAX, ..EventQuery::default() };
        let events = store.events(&query).await.unwrap();
        let filter = LedgerFilter { kept: true, ..LedgerFilter::default() };
        let ledger = store.ledger(&filter).await.unwrap();
        let ledger = ledger.into_iter().map(|entry| (entry.image, entry.resource.intent_id));
        Self { images, events, ledger: ledger.collect() }
    }
}

/// Looks for promises that were broken.
pub(crate) struct Promises<'a> {
    pub(crate) machine: &'a Machine,
    pub(crate) record: &'a Record,
    pub(crate) cloud: &'a Cloud,
}

impl Promises<'_> {
    /// Checks what must be true whenever no image is being worked on.
    pub(crate) fn check(&self, readers: &[Arc<Reader>], granted: &[(ImageId, Kind)]) {
        self.cursors_rise();
        readers.iter().for_each(|reader| reader.check(&self.record.events));
        for (id, kind) in granted {
            if !self.record.images.iter().any(|image| image.id == *id && image.kind == *kind) {
                self.machine.wrong(format!("{kind} image {id} was promised and is not there"));
            }
        }
        for image in &self.record.images {
            self.is_its_events(image);
            self.is_settled(image);
            self.is_whole(image);
            self.is_published_once(image);
        }
        self.families_are_kept_together();
        self.files_are_known();
        self.things_are_in_the_ledger();
        self.ledger_is_true();
    }

    fn cursors_rise(&self) {
        if !self.record.events.is_sorted_by(|one, next| one.cursor < next.cursor) {
            self.machine.wrong("cursors do not rise");
        }
    }

    /// An image is what its events make of it; each is a legal step, and percent never falls.
    fn is_its_events(&self, image: &Image) {
        let mut told = image.as_asked_for();
        let mut percent = 0.0;
        for event in self.record.events.iter().filter(|event| event.image == image.id) {
            if let Err(illegal) = told.apply(event) {
                self.machine.wrong(format!("image {}: {illegal}", image.id));
            }
            let again = matches!(event.kind, EventKind::Status { to: Status::Pending, .. });
            if told.percent < percent && !again {
                self.machine.wrong(format!("percent of image {} fell", image.id));
            }
            percent = told.percent;
        }
        if told != *image {
            self.machine.wrong(format!("image {} is not what was told of it: {told:?}", image.id));
        }
    }

    /// Checks that the bodies of all images are whole, whatever is being done with these.
    pub(crate) fn bodies_are_whole(&self) {
        self.record.images.iter().for_each(|image| self.is_whole_as_recorded(image));
    }

    /// Checks that no image waits for ever.
    pub(crate) fn nothing_is_stuck(&self) {
        self.record.images.iter().for_each(|image| self.is_settled(image));
    }

    fn is_settled(&self, image: &Image) {
        if !image.status.is_settled() {
            self.machine.wrong(format!("image {} is stuck in {}", image.id, image.status));
        }
        if image.failure.as_ref().is_some_and(|failure| failure.reason == "FACTORY_PANIC") {
            self.machine.wrong(format!("the factory panicked over image {}", image.id));
        }
    }

    fn is_whole(&self, image: &Image) {
        self.is_whole_as_recorded(image);
        let needs_body = image.kind == Kind::Base && image.status == Status::Complete;
        if needs_body && image.artifacts.is_empty() {
            self.machine.wrong(format!("image {} is complete without a file", image.id));
        }
    }

    fn is_whole_as_recorded(&self, image: &Image) {
        use Status::{DeleteFailed, Deleted, Deleting};
        if [Deleting, Deleted, DeleteFailed].contains(&image.status) {
            return;
        }
        for artifact in &image.artifacts {
            let bytes = body::read(&artifact.path);
            let whole = bytes.is_some_and(|bytes| {
                bytes.len() as u64 == artifact.size && body::sha256(&bytes) == artifact.sha256
            });
            if !whole {
                self.machine
                    .wrong(format!("the {} of image {} is not whole", artifact.role, image.id));
            }
        }
    }

    /// The deletion of an image begins only when that of all made from it has, and nothing is made from it after that.
    fn families_are_kept_together(&self) {
        let parent = |id: &ImageId| {
            let found = self.record.images.iter().find(|image| image.id == *id);
            found.and_then(|image| image.parent.clone())
        };
        let goes = |status: &Status| matches!(status, Status::Deleting | Status::Deleted);
        let mut now: BTreeMap<&ImageId, Status> = BTreeMap::new();
        for event in &self.record.events {
            let EventKind::Status { to, .. } = &event.kind else { continue };
            let orphan = match to {
                Status::New => parent(&event.image).filter(|of| now.get(of).is_some_and(goes)),
                Status::Deleting => {
                    let mut all = now.iter().filter(|(_, status)| !goes(status));
                    let child = all.find(|(id, _)| parent(id).as_ref() == Some(&event.image));
                    child.map(|(id, _)| (*id).clone())
                }
                _ => None,
            };
            if let Some(other) = orphan {
                let (id, at) = (&event.image, event.cursor);
                self.machine.wrong(format!("image {id} is {to} at {at} in spite of {other}"));
            }
            now.insert(&event.image, *to);
        }
    }

    fn is_published_once(&self, image: &Image) {
        let things = self.cloud.things();
        let published: Vec<_> = things
            .iter()
            .filter(|thing| thing.image == image.id.as_str() && thing.intent == "image")
            .collect();
        let (id, status) = (&image.id, image.status);
        if published.len() > 1 {
            self.machine.wrong(format!("image {id} was published {} times", published.len()));
        }
        let expected = image.kind == Kind::Provider && status == Status::Complete;
        let name = &image.identifiers.identifier_on_provider;
        if expected && !published.iter().any(|thing| thing.id == *name) {
            self.machine.wrong(format!("image {id} is {status} and not in the cloud"));
        }
    }

    /// Below `images/` there is nothing but whole files.
    fn files_are_known(&self) {
        let images = self.machine.root().join("images");
        for file in disk::files(&images) {
            if body::read(&images.join(&file)).is_none() {
                self.machine.wrong(format!("images/{} is not whole", file.display()));
            }
        }
    }

    /// What the ledger has is in the cloud, each once; but for images of which it is not known how far their deletion got.
    fn ledger_is_true(&self) {
        let things = self.cloud.things();
        for image in &self.record.images {
            let of = |id: &str| id == image.id.as_str();
            let there = things.iter().filter(|thing| of(&thing.image)).count();
            let told = self.record.ledger.iter().filter(|(id, _)| of(id.as_str())).count();
            let uncertain = image.status == Status::DeleteFailed && there <= told;
            if there != told && !uncertain {
                let (id, status) = (&image.id, image.status);
                let text =
                    format!("image {id}, {status}: {there} in the cloud, {told} in the ledger");
                self.machine.wrong(text);
            }
        }
    }

    fn things_are_in_the_ledger(&self) {
        for thing in self.cloud.things() {
            let known = self.record.ledger.iter();
            if !known
                .into_iter()
                .any(|(image, intent)| image.as_str() == thing.image && *intent == thing.intent)
            {
                let (id, image) = (thing.id, thing.image);
                self.machine
                    .wrong(format!("{id} of image {image} is in the cloud and in no ledger"));
            }
        }
    }

    /// Checks that nothing is left of images that are all deleted.
    pub(crate) fn nothing_is_left(&self) {
        for image in &self.record.images {
            if image.status != Status::Deleted {
                self.machine
                    .wrong(format!("image {} can't be deleted: {}", image.id, image.status));
            }
        }
        if !self.record.ledger.is_empty() || !self.cloud.things().is_empty() {
            let (things, ledger) = (self.cloud.things(), &self.record.ledger);
            self.machine.wrong(format!("left in the cloud {things:?}, in the ledger {ledger:?}"));
        }
        let files = disk::files(&self.machine.root().join("images"));
        if !files.is_empty() {
            self.machine.wrong(format!("files are left in images/: {files:?}"));
        }
    }

    /// Checks that nothing is left of a process that has ended.
    pub(crate) fn process_is_gone(machine: &Machine) {
        let known = BTreeSet::from(
            ["factory.db", "factory.db-shm", "factory.db-wal", "reserve", "store.lock"]
                .map(PathBuf::from),
        );
        let left: Vec<PathBuf> =
            disk::files(&machine.root()).into_iter().filter(|file| !known.contains(file)).collect();
        let left: Vec<_> = left.iter().filter(|file| !file.starts_with("images")).collect();
        if !left.is_empty() {
            machine.wrong(format!("files are left of a process that has ended: {left:?}"));
        }
    }
}
