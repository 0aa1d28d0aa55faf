//! What is trusted, and where it is got.

use super::oci::Mirror;
use crate::package::{Keyring, Limits};
use std::fmt;
use std::path::PathBuf;

/// What is trusted, and where it is got.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Where plugins are installed.
    pub directory: PathBuf,
    /// Whose signatures are trusted.
    pub keys: Keyring,
    /// From where something may be installed that nobody signed, if somebody says so each time.
    pub unsigned: Vec<SourceKind>,
    /// Where else what registries have is, in the order in which it is looked for.
    pub mirrors: Vec<Mirror>,
    /// Whether registries are never asked themselves, but only their mirrors.
    pub air_gap: bool,
    /// Registries (`HOST` or `HOST:PORT`) that are spoken to without encryption, beside those of this machine.
    pub plain_http: Vec<String>,
    /// A file of credentials in Docker's form, if it is not in a usual place.
    pub auth_file: Option<PathBuf>,
    /// Certificates (PEM) that are trusted besides the machine's.
    pub ca_file: Option<PathBuf>,
    /// How large packages may be.
    pub limits: Limits,
}

/// From where something is installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// A directory.
    Directory,
    /// An archive.
    Archive,
    /// A registry, or a copy of one in a directory.
    Registry,
}

impl SourceKind {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Directory, Self::Archive, Self::Registry];

    /// Answers the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Directory => "directory",
            Self::Archive => "archive",
            Self::Registry => "registry",
        }
    }
}

impl fmt::Display for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
