//! Listing what is installed, and whether it is whole.

use super::install::version_in;
use super::{Distribution, Error};
use crate::plugin::Origin;
use std::path::PathBuf;

/// A plugin that is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where it lies.
    pub directory: PathBuf,
    /// What it was installed from, as far as this factory knows.
    pub origin: Option<Origin>,
    /// What is wrong with it; empty if nothing.
    pub fault: String,
}

impl Distribution {
    /// Answers all plugins that are installed, sorted by name. Every file of them is read.
    ///
    /// # Errors
    /// If they can't be listed.
    pub fn list(&self) -> Result<Vec<Listed>, Error> {
        if !self.options.directory.is_dir() {
            return Ok(Vec::new());
        }
        let shelf = self.shelf()?;
        let pins = self.pins.packaged().map_err(Error::Pins)?;
        let mut all = Vec::new();
        for name in shelf.names()? {
            let Some(directory) = shelf.current(&name) else { continue };
            let pin = pins.iter().find(|pin| pin.name == name && pin.directory == directory);
            let fault = match pin {
                Some(pin) => self.pins.difference(pin).unwrap_or_default(),
                None => "it is not accepted in this store's factory.lock".to_owned(),
            };
            let version = version_in(&directory).map(|it| it.to_string()).unwrap_or_default();
            let origin = pin.map(|pin| pin.origin.clone());
            all.push(Listed { name, version, directory, origin, fault });
        }
        Ok(all)
    }
}
