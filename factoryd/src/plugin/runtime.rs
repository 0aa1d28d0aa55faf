//! Short-lived directories for sockets: one of the host's own, one below it for each start of a plugin.

use rustix::fs::{FlockOperation, flock};
use std::fs::{self, DirBuilder, File, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// The longest path of a directory in which plugins can make sockets: `sun_path` is 108 bytes with its end, and
/// go-plugin's own names are 16 long.
const DIRECTORY_LEN_MAX: usize = 108 - 1 - 32;

/// How the directories of hosts are told from those of others: this, and as many hexadecimal digits.
const PREFIX: &str = "fp-";
const NAME_LEN: usize = 8;

/// Why there is no directory for sockets.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It can't be made.
    #[error("runtime directory {} can't be used", path.display())]
    Unusable {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Someone else could put a socket of theirs in the place of a plugin's.
    #[error(
        "runtime directory {} belongs to, or is writable for, someone else; remove it or choose another",
        path.display()
    )]
    NotOurs {
        /// The directory.
        path: PathBuf,
    },
    /// Sockets in it would have names that are too long.
    #[error(
        "runtime directory {} is too long for sockets: it may have at most {max} bytes; choose a shorter one",
        path.display()
    )]
    TooLong {
        /// The directory.
        path: PathBuf,
        /// The limit.
        max: usize,
    },
}

/// The host's own directory. Gone with it.
#[derive(Debug)]
pub(super) struct RuntimeDir {
    path: PathBuf,
    /// Holds the lock that tells other hosts that the directory is in use.
    _lock: File,
}

/// The directory of one start of a plugin. Gone with it.
#[derive(Debug)]
pub(super) struct InstanceDir {
    path: PathBuf,
    id: String,
}

impl RuntimeDir {
    /// Makes the host's directory below `parent`, and removes those of hosts that are no more.
    pub(super) fn new(parent: &Path) -> Result<Self, Error> {
        let unusable = |source| Error::Unusable { path: parent.to_owned(), source };
        create(parent, true).map_err(unusable)?;
        if !is_safe(parent).map_err(unusable)? {
            return Err(Error::NotOurs { path: parent.to_owned() });
        }
        let parent = &parent.canonicalize().map_err(unusable)?;
        let path = parent.join(format!("{PREFIX}{}", name()));
        let max = DIRECTORY_LEN_MAX - (1 + PREFIX.len() + NAME_LEN) - (1 + NAME_LEN);
        if max < parent.as_os_str().len() {
            return Err(Error::TooLong { path: parent.to_owned(), max });
        }
        // Directories are made locked, so that no other host takes this one for abandoned.
        let all = lock(parent, FlockOperation::LockExclusive).map_err(unusable)?;
        sweep(parent);
        create(&path, false).map_err(unusable)?;
        let own = lock(&path, FlockOperation::LockExclusive).map_err(unusable)?;
        drop(all);
        Ok(Self { path, _lock: own })
    }

    /// Answers where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the directory of one start.
    pub(super) fn instance(&self) -> io::Result<InstanceDir> {
        let id = name();
        let path = self.path.join(&id);
        create(&path, false)?;
        Ok(InstanceDir { path, id })
    }
}

impl InstanceDir {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Answers the name of this start.
    pub(super) fn id(&self) -> &str {
        &self.id
    }
}

impl Drop for RuntimeDir {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

impl Drop for InstanceDir {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

fn name() -> String {
    uuid::Uuid::new_v4().simple().to_string()[..NAME_LEN].to_owned()
}

fn create(path: &Path, parents: bool) -> io::Result<()> {
    DirBuilder::new().mode(0o700).recursive(parents).create(path)
}

fn lock(path: &Path, operation: FlockOperation) -> io::Result<File> {
    let directory = File::open(path)?;
    flock(&directory, operation)?;
    Ok(directory)
}

/// Removes the directories of hosts that were killed: nobody holds their locks.
fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        let is_hosts = path.file_name().and_then(|name| name.to_str()).is_some_and(is_name_of_host);
        if is_hosts && lock(&path, FlockOperation::NonBlockingLockExclusive).is_ok() {
            remove(&path);
        }
    }
}

fn is_name_of_host(name: &str) -> bool {
    let digits = name.strip_prefix(PREFIX).unwrap_or_default();
    digits.len() == NAME_LEN && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Tells whether nobody but us and root can take away what is in a directory.
fn is_safe(directory: &Path) -> io::Result<bool> {
    const WRITABLE_FOR_OTHERS: u32 = 0o022;
    const STICKY: u32 = 0o1000;
    let us = rustix::process::getuid().as_raw();
    let trusted = |metadata: &Metadata| [us, 0].contains(&metadata.uid());
    let (link, metadata) = (directory.symlink_metadata()?, directory.metadata()?);
    let mode = metadata.mode();
    let private = mode & WRITABLE_FOR_OTHERS == 0 || mode & STICKY != 0;
    Ok(trusted(&link) && trusted(&metadata) && private)
}

fn remove(path: &Path) {
    if let Err(error) = fs::remove_dir_all(path) {
        tracing::debug!(path = %path.display(), %error, "runtime directory is left behind");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn directories_are_private_and_gone_with_their_owner() {
        let parent = tempfile::tempdir().unwrap();
        let host = RuntimeDir::new(parent.path()).unwrap();
        let instance = host.instance().unwrap();
        let path = instance.path().to_owned();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        drop(instance);
        assert!(!path.exists());
        drop(host);
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_a_killed_host_left_is_removed_and_a_living_ones_is_not() {
        let parent = tempfile::tempdir().unwrap();
        let living = RuntimeDir::new(parent.path()).unwrap();
        let abandoned = parent.path().join("fp-0badcafe");
        fs::create_dir_all(abandoned.join("sub")).unwrap();
        let others =
            ["0badcafe", "fp-sendmail", "fp-0badcafe0"].map(|name| parent.path().join(name));
        others.iter().for_each(|path| fs::create_dir(path).unwrap());
        let _next = RuntimeDir::new(parent.path()).unwrap();
        assert!(!abandoned.exists());
        assert!(others.iter().all(|path| path.exists()), "what is not ours stays");
        assert!(living.path.exists());
    }

    #[test]
    fn a_directory_that_others_can_write_to_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let modes = [(0o777, false), (0o770, false), (0o1777, true), (0o755, true)];
        for (mode, accepted) in modes {
            fs::set_permissions(parent.path(), fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(RuntimeDir::new(parent.path()).is_ok(), accepted, "{mode:o}");
        }
    }

    #[test]
    fn a_directory_too_long_for_sockets_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let long = parent.path().join("x".repeat(100));
        let error = RuntimeDir::new(&long).unwrap_err().to_string();
        assert!(error.contains("too long for sockets: it may have at most 54 bytes"), "{error}");
    }
}
