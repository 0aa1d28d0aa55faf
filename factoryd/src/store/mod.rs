//! What is kept: records, events and bodies.
//!
//! A store is a directory. Several processes may have it open at once: a daemon, and `factory` on the command line.
//!
//! ```text
//! factory.db                     records and events: SQLite with a write-ahead log (factory.db-wal, factory.db-shm)
//! images/<image>/<file>          bodies: whole, synchronised, read-only; shared ones are hard links
//! work/<owner>/<operation>/      the directory of an operation under way; its files become bodies by renaming
//! kept/<image>/<step>/           what a step of the work on an image that is not complete leaves to the steps after it
//! quarantine/<image>/<file>      bodies that were found damaged; nothing is served from here
//! owners/<owner>.lock            locked for as long as the process with the store open lives
//! reserve                        room that is given up when the disk is full, for what ends and deletes images
//! store.lock                     locked while a process opens the store
//! ```
//!
//! Paths in the database are relative to the store, so that it can be moved.
//!
//! **Invariants:** every change of an image is an event, written in one transaction with the image as it is after it
//! ([`Image::apply`](crate::domain::Image::apply)). Cursors rise in the order in which events become visible, and are never used
//! twice. A write that was acknowledged survives `kill -9`. Nothing in
//! `images/` is ever partial or changed. An image that is not settled has exactly one owner, and when that is dead exactly
//! one other process gets it ([`Store::abandoned`]); nobody else can write that image ([`Error::Taken`]).
//! Every call that images need goes through one seam ([`Faults`]), where a simulation takes hold of it.
//!
//! **A power cut** may undo the last writes, never their order, and none before the last of these, which is synchronised
//! before the call that writes it returns, and all earlier writes with it: an event of the ledger, the end of an image (COMPLETE,
//! FAILED, DELETED, DELETEFAILED), the beginning of a deletion, the beginning of a step that acts outside this machine or
//! removes files ([`StepChange::Begin`]), and whatever lets a file go. All else may be lost and repeated: so a reader may have seen
//! the last events of an image that was not settled yet, and not find them after a power cut. What comes instead has
//! higher cursors, so that whoever goes on reading misses nothing of that.

mod append;
mod bodies;
mod callbacks;
mod check;
mod content;
mod deletions;
mod error;
mod events;
mod image_row;
mod images;
mod import;
mod journal;
mod kept;
mod ledger;
mod lists;
mod news;
mod owner;
mod ownership;
mod readers;
mod reservations;
mod reserve;
mod resources;
mod rows;
mod schema;
mod seam;
mod secret_row;
mod signed_ahead;
mod step_row;
mod tokens;
mod work;
mod writer;

#[cfg(test)]
mod tests;

pub use bodies::NewArtifact;
pub use callbacks::{Callback, CallbackState, NewCallback};
pub use check::{CheckOptions, Checked, Finding, Remedy, Severity};
pub use error::Error;
pub use events::EventQuery;
pub use import::{Heard, Taking};
pub use journal::StepChange;
pub use ledger::{LedgerEntry, LedgerFilter, Left, Postponed};
pub use lists::{ImageFilter, Listed, Page};
pub use news::News;
pub use seam::Faults;
pub use signed_ahead::SignedAhead;
pub use work::WorkDir;

use news::Herald;
use owner::Owner;
use readers::{Reader, Readers};
use reserve::Reserve;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use uuid::Uuid;
use writer::Writer;

/// Where a store is.
#[derive(Debug, Clone)]
pub struct Options {
    /// Its directory; made if it does not exist.
    pub root: PathBuf,
}

/// An open store. Clones are the same store and the same owner; the last one dropped gives the ownership up.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    root: PathBuf,
    database: PathBuf,
    owner: Owner,
    reserve: Reserve,
    writer: Writer,
    readers: Readers,
    herald: Herald,
    faults: Option<Arc<dyn Faults>>,
    boot: String,
}

impl Store {
    /// Opens the store, makes it if there is none, and brings an older one up to date.
    ///
    /// # Errors
    /// If it can't be written, is newer than this program, or is damaged.
    pub async fn open(options: Options) -> Result<Self, Error> {
        Self::set_up(options.root, None).await
    }

    /// Opens the store as [`open`](Self::open) does, at the mercy of a simulation.
    ///
    /// # Errors
    /// As there.
    pub async fn open_with(options: Options, faults: Arc<dyn Faults>) -> Result<Self, Error> {
        seam::at_work(faults.clone(), Self::set_up(options.root, Some(faults))).await
    }

    async fn set_up(root: PathBuf, faults: Option<Arc<dyn Faults>>) -> Result<Self, Error> {
        let reserve = Reserve::of(&root);
        loop {
            let opened = Self::open_once(root.clone(), faults.clone()).await;
            if !reserve.helps(&opened).await {
                let store = opened?;
                reserve.refill().await;
                return Ok(store);
            }
        }
    }

    async fn open_once(root: PathBuf, faults: Option<Arc<dyn Faults>>) -> Result<Self, Error> {
        let owner = faults.as_ref().map_or_else(Uuid::now_v7, |faults| faults.id());
        let (root, owner, _setup) = blocking(move || prepare(&root, owner)).await?;
        let database = root.join("factory.db");
        let boot = kept::this_boot();
        let writer = Writer::open(database.clone(), &boot).await?;
        let readers = Readers::open(&database).await?;
        let (reserve, herald) = (Reserve::of(&root), Herald::default());
        let inner = Inner { root, database, owner, reserve, writer, readers, herald, faults, boot };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Closes the database, so that all of it is in one file. Clones can't be used after that. A store that is not closed
    /// loses nothing.
    pub async fn close(self) {
        self.inner.readers.close().await;
        self.inner.writer.close().await;
    }

    /// Answers the store's directory, absolute.
    pub fn root(&self) -> &Path {
        &self.inner.root
    }

    fn images_dir(&self) -> PathBuf {
        self.root().join("images")
    }

    /// Answers a connection to read with.
    async fn reader(&self) -> Result<Reader<'_>, Error> {
        self.inner.readers.reader().await
    }

    fn damaged(&self, damage: &rows::Damage) -> Error {
        Error::Corrupt { path: self.inner.database.clone(), what: damage.to_string() }
    }

    fn failed(&self, operation: &'static str) -> impl Fn(sqlx::Error) -> Error {
        let path = self.inner.database.clone();
        move |source| Error::database(operation, &path, source)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Empty, since work directories keep the store open; if not, the next `clean_work` sees to it.
        _ = fs::remove_dir(self.root.join("work").join(self.owner.id()));
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("root", &self.inner.root).finish_non_exhaustive()
    }
}

/// Makes the directories, becomes an owner, and holds the store while the database is set up.
fn prepare(root: &Path, owner: Uuid) -> Result<(PathBuf, Owner, fs::File), Error> {
    make_dir(root)?;
    let root = root.canonicalize().map_err(|source| Error::reading("find", root, source))?;
    for name in ["images", "work", "owners"] {
        make_dir(&root.join(name))?;
    }
    let setup = owner::lock_store(&root.join("store.lock"))?;
    let owner = Owner::register(&root.join("owners"), owner)?;
    Ok((root, owner, setup))
}

fn make_dir(path: &Path) -> Result<(), Error> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|source| Error::file("make the directory", path, source))
}

/// Runs file operations where they may block. They run to their end even if the caller goes away.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    if seam::is_simulated() {
        return work();
    }
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(failed) => match failed.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => panic!("the runtime went away under a task that waits on it"),
        },
    }
}
