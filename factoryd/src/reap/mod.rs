//! Settling what plugins left over outside this machine: after a crash, a cancellation, a failure, or a deletion that did not
//! work.
//!
//! ```text
//! left over ─► claimed ─► the plugin is asked (Reconcile) ─► deleted or adopted: closed
//!     ▲                          │ it remains
//!     └── 1 s, 2 s, 4 s, … ◄─────┘          never given up, also over the death of any process
//! ```
//!
//! The store's ledger says what is left over ([`LedgerEntry`]); one process at a time claims an
//! entry. What a plugin says of it is an event of the image, and durable before the plugin hears that it was.
//!
//! **Credentials** of a request live in the memory of the process that took it; those that have a name are looked up. If
//! neither is to be had, an entry waits until somebody gives them: [`Reaper::reap`].
//!
//! **Who:** a daemon settles what it and dead processes left over. A command line in its own process settles only what it
//! worked on itself, or is told to.

mod attempt;
mod schedule;
mod service;
mod sink;

pub use service::{Scope, Service};

use attempt::Tried;

use crate::delegate::Delegates;
use crate::domain::{GivenSecret, ImageId};
use crate::secrets::Secrets;
use crate::store::{self, LedgerEntry, Store};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Settles what is left over. Cheap to clone.
#[derive(Clone)]
pub struct Reaper(Arc<Inner>);

struct Inner {
    store: Store,
    delegates: Arc<dyn Delegates>,
    secrets: Secrets,
    /// The images that this process works or worked on, with the credentials it was given for them.
    known: Mutex<BTreeMap<ImageId, GivenSecret>>,
    /// Tries that have ended, and of which that could not be recorded yet.
    unrecorded: Mutex<Vec<Tried>>,
    hurry: Notify,
}

impl Reaper {
    /// Makes a reaper. A [`Service`] does the work.
    pub fn new(store: Store, delegates: Arc<dyn Delegates>, secrets: Secrets) -> Self {
        let (known, unrecorded, hurry) = (Mutex::default(), Mutex::default(), Notify::new());
        Self(Arc::new(Inner { store, delegates, secrets, known, unrecorded, hurry }))
    }

    /// Makes what must run for anything to be settled.
    pub fn service(&self, scope: Scope) -> Service {
        Service::new(self.clone(), scope)
    }

    /// Notes that this process works on an image, and with which credentials; without any, those that it knows stay.
    pub fn remember(&self, image: &ImageId, credentials: GivenSecret) {
        let mut known = self.known();
        let is_new = !known.contains_key(image);
        if is_new || credentials.source().is_some() {
            known.insert(image.clone(), credentials);
        }
    }

    /// Tries to settle entries now rather than later, with these credentials if some are given. Answers at once.
    ///
    /// # Errors
    /// If the store can't be written.
    pub async fn reap(
        &self,
        entries: &[LedgerEntry],
        credentials: &GivenSecret,
    ) -> Result<(), store::Error> {
        entries.iter().for_each(|entry| self.remember(&entry.image, credentials.clone()));
        let numbers: Vec<u64> = entries.iter().map(|entry| entry.number).collect();
        self.0.store.hasten(&numbers).await?;
        self.0.hurry.notify_one();
        Ok(())
    }

    /// Tries once to settle what earlier tries of an image that this process works on left over: it may be in the way of the
    /// next. What remains is settled later.
    ///
    /// # Errors
    /// If the store can't be read or written.
    pub async fn settle_first(
        &self,
        image: &ImageId,
        stop: &CancellationToken,
    ) -> Result<(), store::Error> {
        for group in service::by_operation(self.0.store.claim_of(image).await?) {
            self.attempt(group, stop.clone()).await;
        }
        Ok(())
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<ImageId, GivenSecret>> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
