//! The directories of one start of a plugin: for its socket, its temporary files and its operations. Removed with it.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The directories of one start of a plugin.
#[derive(Debug)]
pub(crate) struct Place {
    root: TempDir,
}

impl Place {
    /// Makes them. Their path is short, for a socket's has at most 107 bytes.
    pub(crate) fn make() -> io::Result<Self> {
        let root = tempfile::Builder::new().prefix("fpc").tempdir()?;
        let place = Self { root };
        for directory in [place.sockets(), place.temporary(), place.home(), place.work()] {
            fs::create_dir(&directory)?;
            fs::set_permissions(&directory, fs::Permissions::from_mode(0o700))?;
        }
        Ok(place)
    }

    /// Where the plugin's socket goes.
    pub(crate) fn sockets(&self) -> PathBuf {
        self.root.path().join("s")
    }

    /// The plugin's `TMPDIR`.
    pub(crate) fn temporary(&self) -> PathBuf {
        self.root.path().join("t")
    }

    /// The plugin's working directory.
    pub(crate) fn home(&self) -> PathBuf {
        self.root.path().join("h")
    }

    /// Where the directories of its operations are made.
    pub(crate) fn work(&self) -> PathBuf {
        self.root.path().join("w")
    }

    /// Makes an empty directory for an operation, or for anything else that a case needs.
    pub(crate) fn directory(&self, name: &str) -> io::Result<PathBuf> {
        let path = self.work().join(name);
        fs::create_dir_all(&path)?;
        Ok(path)
    }

    /// Lists what is left where nothing should be: the socket's directory and `TMPDIR`.
    pub(crate) fn left(&self) -> io::Result<Vec<String>> {
        let mut left = Vec::new();
        for (directory, label) in
            [(self.sockets(), "socket directory"), (self.temporary(), "TMPDIR")]
        {
            left.extend(
                names(&directory)?.into_iter().map(|name| format!("{name} in the {label}")),
            );
        }
        Ok(left)
    }
}

/// Lists the names in a directory, sorted.
pub(crate) fn names(directory: &Path) -> io::Result<Vec<String>> {
    let entries = fs::read_dir(directory)?.collect::<io::Result<Vec<_>>>()?;
    let mut names: Vec<_> =
        entries.iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    Ok(names)
}
