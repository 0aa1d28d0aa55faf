//! A look into the journal of a daemon that is stopped or dead. It is a look at a copy: whoever opened the store itself would do
//! what the next daemon has to do.

use factoryd::domain::{Status, StepName, StepState};
use factoryd::store::{ImageFilter, Options, Page, Store};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What the journal says.
pub(super) struct Look {
    images: BTreeMap<String, Status>,
    begun: BTreeSet<(String, StepName)>,
}

impl Look {
    /// Tells whether an image is in a step.
    pub(super) fn is_in(&self, image: &str, step: StepName) -> bool {
        self.begun.contains(&(image.to_owned(), step))
    }

    /// Answers where an image is in its life; `None` if it is deleted.
    pub(super) fn status(&self, image: &str) -> Option<Status> {
        self.images.get(image).copied()
    }
}

/// Looks into a store, with a place for the copy.
pub(super) async fn look(store: &Path, elsewhere: &Path) -> Look {
    let copy = tempfile::Builder::new().prefix("factory-e2e-").tempdir_in(elsewhere).unwrap();
    // The index of the write-ahead log is made anew, as after a crash.
    for name in ["factory.db", "factory.db-wal"] {
        if store.join(name).exists() {
            std::fs::copy(store.join(name), copy.path().join(name)).unwrap();
        }
    }
    let copied = Store::open(Options { root: copy.path().to_owned() }).await.unwrap();
    let mut look = Look { images: BTreeMap::new(), begun: BTreeSet::new() };
    for image in copied.images(&ImageFilter::default(), &Page::default()).await.unwrap().items {
        look.images.insert(image.id.to_string(), image.status);
        if image.status.is_settled() {
            continue;
        }
        let steps = copied.steps(&image.id).await.unwrap();
        let begun = steps.into_iter().filter(|step| step.state == StepState::Begun);
        look.begun.extend(begun.map(|step| (image.id.to_string(), step.name)));
    }
    copied.close().await;
    look
}
