//! Workspaces: the directories of one plugin, below that of all operations of this process. They are its own, so that it can be
//! kept from those of others.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// The directories of one plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Workspace(PathBuf);

impl Workspace {
    /// Answers those of the plugin of that name below `root`.
    pub(super) fn new(root: &Path, plugin: &str) -> Self {
        Self(root.join(plugin))
    }

    /// Answers where its operations have their directories: written to.
    pub(super) fn work(&self) -> PathBuf {
        self.0.join("work")
    }

    /// Answers where its operations find the files of images that they read: not written to.
    pub(super) fn inputs(&self) -> PathBuf {
        self.0.join("inputs")
    }

    /// Answers where its temporary files go.
    pub(super) fn temporary(&self) -> PathBuf {
        self.0.join("tmp")
    }

    /// Makes them, accessible to this user only.
    ///
    /// # Errors
    /// If one can't be made.
    pub(super) fn make(&self) -> io::Result<()> {
        let all = [self.work(), self.inputs(), self.temporary()];
        all.iter().try_for_each(|directory| make(directory))
    }

    /// Removes them, which nobody uses any more.
    pub(super) fn remove(&self) {
        match fs::remove_dir_all(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                let path = self.0.display();
                tracing::warn!(%path, %error, "a plugin's directories stay behind");
            }
            _ => {}
        }
    }
}

/// Makes a directory and those above it, accessible to this user only.
pub(super) fn make(directory: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)
}
