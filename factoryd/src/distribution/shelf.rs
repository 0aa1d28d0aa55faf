//! The place of installed plugins: versions side by side, and for each plugin a link to the one that counts.

use super::Error;
use crate::package::Identity;
use crate::plugin::Pins;
use rustix::fs::{FlockOperation, flock, syncfs};
use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Where versions are, below the place of plugins.
const VERSIONS: &str = ".installed";
/// What is being unpacked.
const NEW: &str = ".new-";
/// What is being removed.
const OLD: &str = ".old-";
/// So much of a package's digest is in the name of its directory that no two contents share one.
const DIGEST_LEN: usize = 12;

/// The place of installed plugins, locked for this process.
#[derive(Debug)]
pub(super) struct Shelf {
    root: PathBuf,
    versions: PathBuf,
    _lock: File,
}

impl Shelf {
    /// Opens the place, or makes it, and waits until nobody else changes it.
    pub(super) fn open(directory: &Path) -> Result<Self, Error> {
        let versions = directory.join(VERSIONS);
        // The store may not be there yet, and is its owner's alone.
        let mut private = DirBuilder::new();
        private.recursive(true).mode(0o700);
        private.create(&versions).map_err(Error::io("make", &versions))?;
        let root = directory.canonicalize().map_err(Error::io("use", directory))?;
        let versions = root.join(VERSIONS);
        let lock = File::open(&versions).map_err(Error::io("open", &versions))?;
        flock(&lock, FlockOperation::LockExclusive)
            .map_err(|errno| Error::io("lock", &versions)(errno.into()))?;
        Ok(Self { root, versions, _lock: lock })
    }

    /// Clears away what was left half done, and versions that no link leads to and nobody uses.
    pub(super) fn sweep(&self, pins: &Pins) -> Result<Vec<PathBuf>, Error> {
        let mut kept = Vec::new();
        for path in entries(&self.versions)? {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.starts_with(NEW) || name.starts_with(OLD) {
                fs::remove_dir_all(&path).map_err(Error::io("remove", &path))?;
                continue;
            }
            let current = self.current(&name);
            for version in entries(&path)? {
                if current.as_ref() != Some(&version) && !self.discard(&name, &version, pins)? {
                    kept.push(version);
                }
            }
            // It stays as long as something is in it.
            let _ = fs::remove_dir(&path);
        }
        Ok(kept)
    }

    /// Makes a directory to unpack into.
    pub(super) fn stage(&self) -> Result<TempDir, Error> {
        let made = tempfile::Builder::new().prefix(NEW).tempdir_in(&self.versions);
        made.map_err(Error::io("write into", &self.versions))
    }

    /// Answers the names of plugins that are installed, sorted.
    pub(super) fn names(&self) -> Result<Vec<String>, Error> {
        let names = entries(&self.root)?.into_iter().filter_map(|path| {
            let name = path.file_name()?.to_str()?.to_owned();
            self.current(&name).map(|_| name)
        });
        Ok(names.collect())
    }

    /// Answers the version of a plugin that its link leads to.
    pub(super) fn current(&self, name: &str) -> Option<PathBuf> {
        let target = fs::read_link(self.root.join(name)).ok()?;
        let version = self.root.join(target);
        (version.parent() == Some(&self.versions.join(name))).then_some(version)
    }

    /// Sees that a link of that name could be made or led elsewhere.
    pub(super) fn see_free(&self, name: &str) -> Result<(), Error> {
        let link = self.root.join(name);
        match fs::symlink_metadata(&link) {
            Ok(_) if self.current(name).is_none() => Err(Error::InTheWay(link)),
            _ => Ok(()),
        }
    }

    /// Answers where a version goes: where nothing is, though the same may be there already and be damaged.
    pub(super) fn place(&self, identity: &Identity, digest: &str) -> PathBuf {
        let digest = digest.get(..DIGEST_LEN).unwrap_or(digest);
        let name = format!("{}-{digest}", identity.version);
        let names = std::iter::once(name.clone()).chain((1..).map(|n| format!("{name}.{n}")));
        let mut places = names.map(|name| self.versions.join(&identity.name).join(name));
        places.find(|place| !place.exists()).unwrap_or_default()
    }

    /// Moves what was unpacked to where its version goes. It is on the disk then.
    pub(super) fn settle(&self, staged: TempDir, place: &Path) -> Result<(), Error> {
        let parent = place.parent().unwrap_or(&self.versions);
        fs::create_dir_all(parent).map_err(Error::io("make", parent))?;
        let readable = Permissions::from_mode(0o755);
        fs::set_permissions(staged.path(), readable).map_err(Error::io("change", staged.path()))?;
        syncfs(&self._lock).map_err(|errno| Error::io("write to the disk", place)(errno.into()))?;
        fs::rename(staged.path(), place).map_err(Error::io("make", place))?;
        // It is nobody's to remove any more.
        let _ = staged.keep();
        sync(parent)
    }

    /// Leads the link of a plugin to a version of it, in one step.
    pub(super) fn lead(&self, name: &str, place: &Path) -> Result<(), Error> {
        let link = self.root.join(name);
        let target = place.strip_prefix(&self.root).unwrap_or(place);
        let new = self.stage()?;
        let made = new.path().join(name);
        symlink(target, &made).map_err(Error::io("make", &made))?;
        fs::rename(&made, &link).map_err(Error::io("make", &link))?;
        sync(&self.root)
    }

    /// Removes the link of a plugin.
    pub(super) fn unlink(&self, name: &str) -> Result<(), Error> {
        let link = self.root.join(name);
        fs::remove_file(&link).map_err(Error::io("remove", &link))?;
        sync(&self.root)
    }

    /// Removes a version and its pin, unless a factory that runs may start it. Answers whether it is gone.
    pub(super) fn discard(&self, name: &str, version: &Path, pins: &Pins) -> Result<bool, Error> {
        let held = File::open(version).map_err(Error::io("open", version))?;
        if flock(&held, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Ok(false);
        }
        pins.forget(name, version).map_err(Error::Pins)?;
        let old = tempfile::Builder::new().prefix(OLD).tempdir_in(&self.versions);
        let old = old.map_err(Error::io("write into", &self.versions))?;
        fs::rename(version, old.path().join("x")).map_err(Error::io("remove", version))?;
        let path = old.path().to_owned();
        old.close().map_err(Error::io("remove", path))?;
        Ok(true)
    }
}

fn entries(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let read = fs::read_dir(directory).map_err(Error::io("read", directory))?;
    let paths = read.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = paths.collect::<io::Result<Vec<_>>>().map_err(Error::io("read", directory))?;
    paths.sort();
    Ok(paths)
}

fn sync(directory: &Path) -> Result<(), Error> {
    let synced = File::open(directory).and_then(|directory| directory.sync_all());
    synced.map_err(Error::io("write to the disk", directory))
}
