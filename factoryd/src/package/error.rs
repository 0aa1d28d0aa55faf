//! Why a package is refused, or can't be made.

use super::signature::InvalidKey;
use std::io;
use std::path::PathBuf;

/// Why a package is refused, or can't be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file can't be read.
    #[error("can't read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file can't be written.
    #[error("can't write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The bytes are not those of an archive.
    #[error("it is no tar archive, compressed by zstd or gzip, that is whole")]
    Archive(#[source] io::Error),
    /// It does not begin with what it is.
    #[error(
        "its first file is not SHA256SUMS: it is no package of a plugin; `factory plugin pack` makes one"
    )]
    NoSums,
    /// What it says of itself makes no sense.
    #[error("SHA256SUMS, line {line}: {why}")]
    Sums {
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// A member may not be there.
    #[error("{path:?} can't be in a package: {why}")]
    Member {
        /// Its path, as far as that is text.
        path: String,
        /// Why.
        why: &'static str,
    },
    /// A file is there that is not in the list.
    #[error("{0:?} is not in SHA256SUMS, or is there twice")]
    Unlisted(String),
    /// A file of the list is not there.
    #[error("{0:?} is in SHA256SUMS, but not in the package")]
    Missing(String),
    /// A file is not what the list says.
    #[error("{path:?} is not what SHA256SUMS says: SHA-256 {found} in place of {expected}")]
    Digest {
        /// The file.
        path: String,
        /// What is listed.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A limit is reached.
    #[error("{what} is more than {max}, which no package of a plugin is")]
    TooLarge {
        /// Of what there is too much.
        what: &'static str,
        /// The limit, in bytes or files.
        max: u64,
    },
    /// It has no `NAME.info` or more than one.
    #[error("{} has {count} .info files, where a package has one", directory.display())]
    Infos {
        /// The directory.
        directory: PathBuf,
        /// How many.
        count: usize,
    },
    /// `NAME.info` lacks something, or says what can't be.
    #[error("{file}: {why}")]
    Info {
        /// The file.
        file: String,
        /// What is wrong.
        why: String,
    },
    /// There is no executable.
    #[error("it has no executable: {0:?} must be a file of it that may be executed")]
    NoExecutable(String),
    /// Programs in it are for different machines.
    #[error(
        "it has programs for {0} and for {1}: make a package of each, or say by --platform what it is for"
    )]
    Platforms(String, String),
    /// Nobody signed it.
    #[error("it is not signed; {0}")]
    Unsigned(&'static str),
    /// A signature can't be read.
    #[error("SHA256SUMS.minisig is no signature of minisign's: {0}")]
    SignatureForm(String),
    /// Nobody who is trusted signed it.
    #[error("it is signed by key {id}, which is not trusted{known}")]
    UnknownKey {
        /// The key, as minisign shows it.
        id: String,
        /// Those that are trusted, in a clause.
        known: String,
    },
    /// The signature is of something else.
    #[error(
        "its signature is not of this package, though it names trusted key {0}: it was changed after it was signed"
    )]
    WrongSignature(String),
    /// It can't be signed.
    #[error("can't sign with {}", path.display())]
    Sign {
        /// The file of the key.
        path: PathBuf,
        /// Why.
        #[source]
        source: InvalidKey,
    },
}

impl Error {
    /// Answers a function that says what can't be read.
    pub(super) fn read(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Read { path, source }
    }

    /// Answers a function that says what can't be written.
    pub(super) fn write(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Write { path, source }
    }
}
