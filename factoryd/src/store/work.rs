//! Directories of operations under way, and what is left of them.

use super::{Error, Store, blocking, owner, seam};
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The directory of one operation. Removed when dropped, as far as that goes; [`WorkDir::remove`] says how far.
#[derive(Debug)]
pub struct WorkDir {
    path: PathBuf,
    removed: bool,
    /// Keeps this process the owner: a directory of a dead owner may be cleaned up by anybody.
    store: Store,
}

impl WorkDir {
    /// Answers where it is: absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it and everything in it.
    ///
    /// # Errors
    /// If something in it can't be removed.
    pub async fn remove(mut self) -> Result<(), Error> {
        self.removed = true;
        let path = self.path.clone();
        let store = self.store.clone();
        store.call("remove_work_dir", blocking(move || remove_tree(&path))).await
    }
}

impl Drop for WorkDir {
    fn drop(&mut self) {
        if self.removed {
            return;
        }
        if let Err(error) = remove_tree(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "a work directory stays behind");
        }
    }
}

impl Store {
    /// Makes an empty directory for an operation, accessible to this user only.
    ///
    /// # Errors
    /// If the operation's id is no file name, it has a directory already, or none can be made.
    pub async fn work_dir(&self, operation: &str) -> Result<WorkDir, Error> {
        let parent = self.own_work_dir();
        let path = parent.join(operation);
        let named = is_file_name(operation);
        let store = self.clone();
        let made = blocking(move || {
            let made = if named {
                make(&parent, &path)
            } else {
                Err(io::ErrorKind::InvalidFilename.into())
            };
            made.map_err(|source| Error::file("make the work directory", &path, source))?;
            Ok(WorkDir { path, removed: false, store })
        });
        self.call("work_dir", made).await
    }

    /// Removes what dead processes left in the work directory, their locks, the files of images that were never
    /// recorded, and what is kept for images that need it no more.
    ///
    /// # Errors
    /// If something can't be removed; the rest is, all the same.
    pub async fn clean_work(&self) -> Result<(), Error> {
        self.call("clean_work", self.remove_leftovers()).await
    }

    async fn remove_leftovers(&self) -> Result<(), Error> {
        let (root, owners) = (self.root().to_owned(), self.owners_dir());
        let unrecorded = self.remove_unrecorded().await.and(self.remove_needless().await);
        let cleaned = blocking(move || {
            let work = root.join("work");
            let cleaned = {
                let _only_cleaner = owner::lock_directory(&work)?;
                remove_dead(&work, &owners)
            };
            // Nobody becomes an owner meanwhile: a lock file is not yet locked when it is made.
            let _setup = owner::lock_store(&root.join("store.lock"))?;
            cleaned.and(owner::forget_dead(&owners))
        })
        .await;
        cleaned.and(unrecorded)
    }

    /// Answers the directory for all operations of this process; it need not be there yet.
    pub fn workspace(&self) -> PathBuf {
        self.own_work_dir()
    }

    /// Answers the directory for all operations of this process.
    pub(super) fn own_work_dir(&self) -> PathBuf {
        self.root().join("work").join(self.inner.owner.id())
    }
}

/// Removes a directory and everything in it, if it is there.
pub(super) fn remove_tree(path: &Path) -> Result<(), Error> {
    let failed = |source| Error::file("remove", path, source);
    seam::write("remove", path)?;
    match fs::remove_dir_all(path) {
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) if source.kind() == io::ErrorKind::PermissionDenied => {
            remove_in_user_namespace(path).map_err(|reason| Error::File {
                operation: "remove",
                path: path.to_owned(),
                source: io::Error::new(source.kind(), format!("{source}; {reason}")),
            })
        }
        other => other.map_err(failed),
    }
}

/// Removes a tree whose files belong to users that an ordinary user has only inside a user namespace. A root file
/// system that was unpacked without privileges is full of them.
fn remove_in_user_namespace(path: &Path) -> Result<(), String> {
    let mut reasons = Vec::new();
    // Without `--map-auto` (no subordinate ids set up) there are no such users, but there can be unwritable directories.
    for mapping in [["--map-root-user", "--map-auto"].as_slice(), &["--map-root-user"]] {
        let removal = Command::new("unshare")
            .arg("--user")
            .args(mapping)
            .args(["--", "rm", "-rf", "--"])
            .arg(path)
            .stdin(Stdio::null())
            .output();
        match removal {
            Ok(output) if output.status.success() => return Ok(()),
            Ok(output) => reasons.push(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
            Err(error) => reasons.push(format!("unshare: {error}")),
        }
    }
    Err(reasons.join("; "))
}

/// Removes the work directories of dead owners, all that can be; answers the first failure.
fn remove_dead(work: &Path, owners: &Path) -> Result<(), Error> {
    let failed = |source| Error::reading("list", work, source);
    let mut result = Ok(());
    for entry in fs::read_dir(work).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let id = entry.file_name();
        if owner::is_dead(owners, &id.to_string_lossy())? {
            result = result.and(remove_tree(&entry.path()));
        }
    }
    result
}

fn make(parent: &Path, path: &Path) -> io::Result<()> {
    seam::asked("make the work directory")?;
    DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    DirBuilder::new().mode(0o700).create(path)
}

fn is_file_name(text: &str) -> bool {
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=200).contains(&text.len()) && !text.starts_with('.') && text.bytes().all(safe)
}
