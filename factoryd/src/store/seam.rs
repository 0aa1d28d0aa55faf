//! The seam at which a simulation takes hold of the store.
//!
//! A store that was opened with [`Faults`] makes every call that images need through them: they decide when it is made, and drive it to its
//! end without letting anybody else run, so that a run follows from nothing but its seed. They are asked before every write, and
//! say what time it is. A store without them goes straight to the disk.

use super::{Error, Store};
use async_trait::async_trait;
use futures_util::future::BoxFuture;
use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;
use uuid::Uuid;

/// What a simulation does to a store.
#[async_trait]
pub trait Faults: Send + Sync {
    /// Makes a call of the store: later, as others may run first; to its end, or not at all. Who simulates a crash never returns.
    async fn call(&self, name: &'static str, work: BoxFuture<'_, ()>);

    /// Is told of a write that is about to be made, such as `commit` or `rename`.
    ///
    /// # Errors
    /// What the disk answers instead.
    fn write(&self, what: &'static str) -> io::Result<()>;

    /// Answers what time it is.
    fn now(&self) -> SystemTime;

    /// Answers an id that was never answered before.
    fn id(&self) -> Uuid;
}

thread_local! {
    /// The faults of the store that is at work on this thread.
    static AT_WORK: RefCell<Option<Arc<dyn Faults>>> = const { RefCell::new(None) };
}

impl Store {
    /// Answers what time it is. Whoever records or decides by the time asks here, so that a simulation can set the clock.
    pub fn now(&self) -> SystemTime {
        self.inner.faults.as_ref().map_or_else(SystemTime::now, |faults| faults.now())
    }

    /// Answers an id that nothing has.
    pub fn fresh_id(&self) -> Uuid {
        self.inner.faults.as_ref().map_or_else(Uuid::new_v4, |faults| faults.id())
    }

    /// Makes a call of the store. Whatever a job, a story or a watcher asks of the store goes
    /// through here.
    pub(super) async fn call<T: Send>(
        &self,
        name: &'static str,
        work: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        let Some(faults) = &self.inner.faults else { return work.await };
        let mut answer = None;
        let work = async { answer = Some(work.await) };
        faults.call(name, Box::pin(at_work(faults.clone(), work))).await;
        answer.expect("a call that is not made never returns")
    }
}

/// Does work of a store that has faults.
pub(super) async fn at_work<T>(faults: Arc<dyn Faults>, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    poll_fn(|context| {
        let before = AT_WORK.replace(Some(faults.clone()));
        let polled = work.as_mut().poll(context);
        AT_WORK.set(before);
        polled
    })
    .await
}

/// Tells whether the work on this thread is of a store that has faults: it is done here and now, then.
pub(super) fn is_simulated() -> bool {
    AT_WORK.with_borrow(Option::is_some)
}

/// Says that a file is about to be written, and answers what goes wrong with that.
pub(super) fn write(what: &'static str, path: &Path) -> Result<(), Error> {
    asked(what).map_err(|source| Error::file(what, path, source))
}

/// Says what is about to be written, and answers what goes wrong with that.
pub(super) fn asked(what: &'static str) -> io::Result<()> {
    let faults = AT_WORK.with_borrow(Clone::clone);
    faults.map_or(Ok(()), |faults| faults.write(what))
}
