//! Pins of plugins that were installed from packages, for who installs and removes them.

use super::packaged::difference;
use super::pins::{Book, Identifier, Origin};
use std::io;
use std::path::{Path, PathBuf};

/// The pins of all plugins.
#[derive(Debug)]
pub struct Pins {
    book: Book,
    identifier: Identifier,
}

/// A plugin that was installed from a package and accepted so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pinned {
    /// Its name.
    pub name: String,
    /// Where it lies.
    pub directory: PathBuf,
    /// What it was installed from.
    pub origin: Origin,
}

impl Pins {
    /// Opens them in a file.
    pub fn new(file: PathBuf) -> Self {
        Self { book: Book::new(Some(file)), identifier: Identifier::default() }
    }

    /// Answers all plugins that were installed from packages: of each the one in use first, then what it replaced.
    ///
    /// # Errors
    /// If the file is there and can't be read.
    pub fn packaged(&self) -> io::Result<Vec<Pinned>> {
        let all = self.book.packaged()?.into_iter().filter_map(|(name, pin)| {
            let directory = pin.executable.path.parent()?.to_owned();
            Some(Pinned { name, directory, origin: pin.package? })
        });
        Ok(all.collect())
    }

    /// Forgets what a plugin was accepted as that lies in this directory.
    ///
    /// # Errors
    /// If the file can't be read or written.
    pub fn forget(&self, name: &str, directory: &Path) -> io::Result<()> {
        self.book.forget(name, directory)
    }

    /// Answers what of a plugin is not as it was installed; `None` if all is.
    pub fn difference(&self, pinned: &Pinned) -> Option<String> {
        difference(&pinned.directory, &pinned.origin.sums, &self.identifier)
    }
}
