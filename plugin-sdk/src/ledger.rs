//! What an operation creates outside this machine: announced before, confirmed after, and deleted again unless it is to
//! stay.
//!
//! ```text
//! Operation::create(intent, create, delete)
//!     intent ─► durable ─► create ─► confirmed        the operation ends ─► delete, newest first ─► confirmed
//! ```
//!
//! From the moment that the intent is durable, `delete` is bound to run: when the operation is completed if the intent is
//! temporary, and in any case when it fails, is cancelled, is aborted or panics. What it can't delete stays in the
//! factory's ledger, and [`reconcile`](crate::CloudPlugin::reconcile) gets it later.

use crate::Failure;
use crate::record::Record;
use factory_proto::plugin_v1::{ResourceCreated, ResourceDeleted, ResourceIntent, event::Kind};
use futures_util::future::BoxFuture;
use serde_json::Value;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Something that is about to be created outside this machine.
#[derive(Debug, Clone)]
pub struct Intent {
    pub(crate) inner: ResourceIntent,
}

impl Intent {
    /// Announces a means to an end, which is deleted when the operation ends. `name` is unique in the operation; `kind` is
    /// what a provider calls such a thing: `instance`, `volume`, `object`, `key-pair`, …
    pub fn temporary(name: &str, kind: &str) -> Self {
        let (intent_id, kind) = (name.to_owned(), kind.to_owned());
        Self { inner: ResourceIntent { intent_id, kind, ..Default::default() } }
    }

    /// Announces what the image is, or a part of that: it stays once the operation is completed, until the image is deleted.
    pub fn lasting(name: &str, kind: &str) -> Self {
        let mut intent = Self::temporary(name, kind);
        intent.inner.lasting = true;
        intent
    }

    /// Adds what it is for, for a person.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.inner.description = text.into();
        self
    }

    /// Adds what it takes to find it again without its id: region, bucket, tags. Never a secret.
    pub fn locator(mut self, locator: Value) -> Self {
        self.inner.locator_json = locator.to_string();
        self
    }
}

/// Why something was not created.
#[derive(Debug)]
pub enum NotCreated {
    /// Nothing exists: the provider said so.
    Surely(Failure),
    /// It may exist: the answer was lost, or was no clear one. A plain [`Failure`] counts as this.
    Perhaps(Failure),
}

impl From<Failure> for NotCreated {
    fn from(failure: Failure) -> Self {
        Self::Perhaps(failure)
    }
}

/// Something to be deleted, which may exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Existing {
    /// What it was tagged with, see [`token`].
    pub token: String,
    /// The provider's identifier, if the creation got as far.
    pub id: Option<String>,
}

/// Makes the text that tells a resource from all others for ever: a tag for it, and an idempotency token where the provider
/// takes one.
pub fn token(operation_id: &str, name: &str) -> String {
    format!("{operation_id}/{name}")
}

/// Deletes what may exist; what is gone already counts as deleted.
pub(crate) type Delete =
    Box<dyn FnOnce(Existing) -> BoxFuture<'static, Result<(), Failure>> + Send>;

/// What an operation has created and somebody has to delete, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<Vec<Entry>>);

/// Something that was announced, and how to delete it.
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) kind: String,
    lasting: bool,
    existing: Existing,
    delete: Delete,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, lasting, existing, .. } = self;
        write!(f, "{name} (lasting: {lasting}, {existing:?})")
    }
}

impl Entry {
    pub(crate) fn new(intent: &ResourceIntent, token: String, delete: Delete) -> Self {
        Self {
            name: intent.intent_id.clone(),
            kind: intent.kind.clone(),
            lasting: intent.lasting,
            existing: Existing { token, id: None },
            delete,
        }
    }

    /// Deletes it.
    pub(crate) fn delete(self) -> BoxFuture<'static, Result<(), Failure>> {
        (self.delete)(self.existing)
    }

    /// What a person is told that it is.
    pub(crate) fn label(&self) -> String {
        match &self.existing.id {
            Some(id) => format!("{} {id}", self.kind),
            None => format!("{} {}, which may exist", self.kind, self.existing.token),
        }
    }
}

impl Ledger {
    /// Binds somebody to delete what is about to be created.
    pub(crate) fn enter(&self, entry: Entry) {
        self.lock().push(entry);
    }

    /// Notes that it exists.
    pub(crate) fn created(&self, record: &Record, name: &str, id: &str) {
        let mut entries = self.lock();
        if let Some(entry) = entries.iter_mut().rfind(|entry| entry.name == name) {
            entry.existing.id = Some(id.to_owned());
        }
        let (intent_id, resource_id) = (name.to_owned(), id.to_owned());
        record.write(Kind::ResourceCreated(ResourceCreated { intent_id, resource_id }));
    }

    /// Takes out what is to be deleted now, or does not exist.
    pub(crate) fn take(&self, name: &str) -> Option<Entry> {
        let mut entries = self.lock();
        let index = entries.iter().rposition(|entry| entry.name == name)?;
        Some(entries.remove(index))
    }

    /// Takes out the newest that is to be deleted at the end: of a completed operation, of what does not last.
    pub(crate) fn next(&self, completed: bool) -> Option<Entry> {
        let mut entries = self.lock();
        let index = entries.iter().rposition(|entry| !(completed && entry.lasting))?;
        Some(entries.remove(index))
    }

    /// Tells whether nobody has to delete anything.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Confirms that something is gone, or was never created. Goes out even from an operation that is to stop.
pub(crate) fn confirm_deleted(record: &Record, name: &str) {
    record.write(Kind::ResourceDeleted(ResourceDeleted { intent_id: name.to_owned() }));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger(names: &[(&str, bool)]) -> Ledger {
        let ledger = Ledger::default();
        for (name, lasting) in names {
            let mut intent = Intent::temporary(name, "thing").inner;
            intent.lasting = *lasting;
            let delete: Delete = Box::new(|_| Box::pin(std::future::ready(Ok(()))));
            ledger.enter(Entry::new(&intent, token("op", name), delete));
        }
        ledger
    }

    fn order(ledger: &Ledger, completed: bool) -> Vec<String> {
        std::iter::from_fn(|| ledger.next(completed)).map(|entry| entry.name).collect()
    }

    #[test]
    fn what_is_temporary_goes_newest_first_and_what_lasts_only_if_the_operation_is_not_completed() {
        let names = [("volume", false), ("image", true), ("instance", false)];
        assert_eq!(order(&ledger(&names), true), ["instance", "volume"]);
        assert_eq!(order(&ledger(&names), false), ["instance", "image", "volume"]);
    }

    #[test]
    fn what_was_taken_out_is_not_deleted_again() {
        let ledger = ledger(&[("volume", false), ("instance", false)]);
        assert_eq!(ledger.take("volume").unwrap().name, "volume");
        assert!(ledger.take("volume").is_none());
        assert_eq!(order(&ledger, false), ["instance"]);
    }
}
