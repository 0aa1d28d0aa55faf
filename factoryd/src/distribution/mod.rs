//! Distribution: plugins come from a directory, an archive or a registry, are checked, installed, pinned, replaced and removed.
//!
//! ```text
//! STORE/plugins/debian ──► .installed/debian/0.2.0-3c0de1f9a8b7     a link; nothing else is seen by who looks for plugins
//!               .installed/debian/0.1.0-77a1b2c3d4e5                replaced; stays while a factory that runs may start it
//!               .installed/.new-…                                    is being unpacked
//! ```
//!
//! ```text
//! fetch ──► unpack, checked ──► rename to its version ──► ask it what it needs, pin it ──► lead the link there ──► remove the old
//! ```
//!
//! **Invariant:** at any moment the link leads to a whole version that is pinned, or there is none. Whatever ends this process, the
//! next one that installs, updates or removes anything clears away what it left.

mod error;
mod install;
mod list;
mod oci;
mod options;
mod remove;
mod shelf;
mod source;
mod update;

pub use error::Error;
pub use install::{Installed, Request};
pub use list::Listed;
pub use oci::{Mirror, Pushed};
pub use options::{Options, SourceKind};
pub use remove::Removed;
pub use source::Source;
pub use update::{Outcome, Updating};

use self::shelf::Shelf;
use crate::plugin::{self, Pins};
use std::path::PathBuf;

/// Installs plugins.
#[derive(Debug)]
pub struct Distribution {
    options: Options,
    plugins: plugin::Options,
    pins: Pins,
}

impl Distribution {
    /// Makes one that installs for a factory with such plugins.
    ///
    /// # Errors
    /// If that factory remembers nothing of plugins.
    pub fn new(options: Options, plugins: plugin::Options) -> Result<Self, Error> {
        let file = plugins.pins.file.clone().ok_or(Error::NoPins)?;
        Ok(Self { options, plugins, pins: Pins::new(file) })
    }

    /// Opens the place of plugins, for this process alone, and clears away what others left half done.
    fn shelf(&self) -> Result<Shelf, Error> {
        let shelf = Shelf::open(&self.options.directory)?;
        shelf.sweep(&self.pins)?;
        Ok(shelf)
    }
}

/// Answers where plugins of a store are installed.
pub fn directory(store: &std::path::Path) -> PathBuf {
    store.join("plugins")
}
