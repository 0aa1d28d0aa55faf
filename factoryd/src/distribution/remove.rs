//! Removing: first nobody finds the plugin any more, then it is gone.

use super::{Distribution, Error};
use std::path::PathBuf;

/// A plugin that was removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// Its name.
    pub name: String,
    /// Where it was.
    pub directory: PathBuf,
    /// Whether a factory that runs may still start it; it is cleared away by the next command after that.
    pub in_use: bool,
}

impl Distribution {
    /// Removes plugins; with `dry_run` only says which.
    ///
    /// # Errors
    /// If one is not installed, before any is removed; or if one can't be removed.
    pub fn remove(&self, names: &[String], dry_run: bool) -> Result<Vec<Removed>, Error> {
        let shelf = self.shelf()?;
        let mut found = Vec::new();
        for name in names {
            let directory = shelf.current(name).ok_or_else(|| self.not_installed(&shelf, name))?;
            found.push(Removed { name: name.clone(), directory, in_use: false });
        }
        for removed in found.iter_mut().filter(|_| !dry_run) {
            shelf.unlink(&removed.name)?;
            removed.in_use = !shelf.discard(&removed.name, &removed.directory, &self.pins)?;
        }
        shelf.sweep(&self.pins)?;
        Ok(found)
    }

    pub(super) fn not_installed(&self, shelf: &super::Shelf, name: &str) -> Error {
        let known = shelf.names().unwrap_or_default();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Error::NotInstalled { name: name.to_owned(), known }
    }
}
