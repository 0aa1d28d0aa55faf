//! Who works on what, when several processes share a store.
//!
//! Every opened store is an owner: a UUID, and a file `owners/<uuid>.lock` that it holds locked (`flock`) for as long as it
//! lives. The kernel lets go of the lock however the process ends, so a lock that can be had means that its owner is dead.

use super::Error;
use rustix::fs::{FlockOperation, flock};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// This process as an owner, until dropped.
pub(super) struct Owner {
    id: String,
    path: PathBuf,
    /// Holds the lock.
    _lock: File,
}

impl Owner {
    /// Becomes an owner with an id that nobody else has and a lock file in `directory`.
    pub(super) fn register(directory: &Path, id: Uuid) -> Result<Self, Error> {
        let id = id.to_string();
        let path = lock_path(directory, &id);
        // Locked under another name first: nobody must see the file without its lock and take us for dead.
        let unready = directory.join(format!("{id}.new"));
        let lock = locked(&unready)
            .and_then(|lock| fs::rename(&unready, &path).map(|()| lock))
            .map_err(|source| Error::file("lock", &path, source))?;
        Ok(Self { id, path, _lock: lock })
    }

    /// Answers the id.
    pub(super) fn id(&self) -> &str {
        &self.id
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // The lock goes with the file's descriptor; a name that stays behind is cleaned up by the next `clean_work`.
        _ = fs::remove_file(&self.path);
    }
}

/// Tells whether the owner `id` is dead.
pub(super) fn is_dead(directory: &Path, id: &str) -> Result<bool, Error> {
    is_free(&lock_path(directory, id))
}

/// Removes the lock files of dead owners. Only for who holds [`lock_store`].
pub(super) fn forget_dead(directory: &Path) -> Result<(), Error> {
    let failed = |source| Error::reading("list", directory, source);
    for entry in fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if is_free(&path)?
            && let Err(source) = fs::remove_file(&path)
            && source.kind() != io::ErrorKind::NotFound
        {
            return Err(Error::file("remove", &path, source));
        }
    }
    Ok(())
}

/// Holds the store for one process while it is set up, until the file is dropped.
pub(super) fn lock_store(path: &Path) -> Result<File, Error> {
    let failed = |source| Error::file("lock", path, source);
    let file = open(path).map_err(failed)?;
    flock(&file, FlockOperation::LockExclusive).map_err(|errno| failed(errno.into()))?;
    Ok(file)
}

/// Holds a directory against others who would lock it, until the file is dropped.
pub(super) fn lock_directory(path: &Path) -> Result<File, Error> {
    let failed = |source| Error::reading("lock", path, source);
    let directory = File::open(path).map_err(failed)?;
    flock(&directory, FlockOperation::LockExclusive).map_err(|errno| failed(errno.into()))?;
    Ok(directory)
}

/// Tells whether nobody holds a lock on `path`.
fn is_free(path: &Path) -> Result<bool, Error> {
    let failed = |source| Error::reading("look at the lock", path, source);
    let file = match File::open(path) {
        Ok(file) => file,
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(source) => return Err(failed(source)),
    };
    // Shared, so that two who look at once don't take each other for the owner.
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(false),
        Err(errno) => Err(failed(errno.into())),
    }
}

fn locked(path: &Path) -> io::Result<File> {
    let file = open(path)?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    Ok(file)
}

fn open(path: &Path) -> io::Result<File> {
    File::options().create(true).truncate(false).write(true).open(path)
}

fn lock_path(directory: &Path, id: &str) -> PathBuf {
    directory.join(format!("{id}.lock"))
}
