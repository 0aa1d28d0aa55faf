//! What can go wrong with the store.

use crate::domain::{IllegalTransition, ImageId, Status};
use crate::filesystem::{Shortage, Space};
use std::io;
use std::path::{Path, PathBuf};

/// The store can't do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// This user may not write there, or nobody can.
    #[error(
        "can't write to the store at {} as user {user}; make it writable or choose another directory",
        path.display()
    )]
    Unwritable {
        /// The file or directory.
        path: PathBuf,
        /// The numeric id of the user.
        user: u32,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The file system is full, or the user's quota is used up.
    #[error("{0}; {hint}", hint = Shortage::HINT)]
    Full(Box<Shortage>),
    /// A later version of the factory has written this store.
    #[error(
        "the store {} has schema {found} and this factory knows no later one than {known}; use the newer factory",
        path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The last schema known here.
        known: i64,
    },
    /// The database is damaged, or it is somebody else's.
    #[error("the store {} can't be read: {what}; restore it from a backup, or move it away", path.display())]
    Corrupt {
        /// The database.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// There is no such image.
    #[error("there is no image {0}")]
    UnknownImage(ImageId),
    /// Other images were made from it, so that its deletion can't begin. Nothing was written.
    #[error("image {image} has {count} image(s) made from it")]
    HasChildren {
        /// The image.
        image: ImageId,
        /// How many.
        count: usize,
    },
    /// An image can't be made from one that is being deleted. Nothing was written.
    #[error("image {parent}, from which it was to be made, is {status}")]
    ParentGone {
        /// The image that goes.
        parent: ImageId,
        /// Its status.
        status: Status,
    },
    /// There is such an image already.
    #[error("there is an image {0} already")]
    Duplicate(ImageId),
    /// An event is not a step that the image can take. Nothing was written.
    #[error("image {image} refuses an event")]
    Illegal {
        /// The image.
        image: ImageId,
        /// The step.
        #[source]
        source: IllegalTransition,
    },
    /// Another process has taken the image over, for it took this one for dead. Nothing was written.
    #[error("image {0} belongs to another process now")]
    Taken(ImageId),
    /// A file can't become a body.
    #[error("{} can't become the body of an image: {why}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// Why.
        why: &'static str,
    },
    /// A file operation failed.
    #[error("failed to {operation} {}", path.display())]
    File {
        /// A verb.
        operation: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A database operation failed.
    #[error("failed to {operation} in {}", path.display())]
    Database {
        /// A verb and its object.
        operation: &'static str,
        /// The database.
        path: PathBuf,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
}

impl Error {
    /// Names what failed while `path` was read.
    pub(super) fn reading(operation: &'static str, path: &Path, source: io::Error) -> Self {
        Self::File { operation, path: path.to_owned(), source }
    }

    /// Names what failed while `path` was written, and tells a full disk and missing rights from the rest.
    pub(super) fn file(operation: &'static str, path: &Path, source: io::Error) -> Self {
        use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
        if let Some(shortage) = Shortage::told_by(path, &source) {
            return Self::Full(Box::new(shortage));
        }
        let path = path.to_owned();
        match source.kind() {
            PermissionDenied | ReadOnlyFilesystem => {
                Self::Unwritable { path, user: user(), source: source.into() }
            }
            _ => Self::File { operation, path, source },
        }
    }

    /// Names what failed in the database, and tells the cases that a user can mend from the rest.
    pub(super) fn database(operation: &'static str, path: &Path, source: sqlx::Error) -> Self {
        let code = code(&source);
        if code.is_some_and(|code| is_shortage(code, path)) {
            return Self::Full(Box::new(Shortage::of(path, 0)));
        }
        let path = path.to_owned();
        match code.map(primary) {
            Some(SQLITE_PERM | SQLITE_READONLY | SQLITE_CANTOPEN) => {
                Self::Unwritable { path, user: user(), source: source.into() }
            }
            Some(SQLITE_CORRUPT | SQLITE_NOTADB) => {
                Self::Corrupt { path, what: source.to_string() }
            }
            _ => Self::Database { operation, path, source },
        }
    }

    /// Adds how many bytes there should have been.
    pub(super) fn needing(self, bytes: u64) -> Self {
        match self {
            Self::Full(shortage) => Self::Full(Box::new(shortage.needing(bytes))),
            other => other,
        }
    }

    /// Tells whether room is all that is lacking.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full(_))
    }
}

const SQLITE_PERM: i32 = 3;
const SQLITE_READONLY: i32 = 8;
const SQLITE_IOERR: i32 = 10;
const SQLITE_CORRUPT: i32 = 11;
const SQLITE_FULL: i32 = 13;
const SQLITE_CANTOPEN: i32 = 14;
const SQLITE_NOTADB: i32 = 26;

/// Answers SQLite's extended result code.
fn code(error: &sqlx::Error) -> Option<i32> {
    error.as_database_error()?.code()?.parse().ok()
}

/// Answers the primary result code: the low byte of the extended one.
fn primary(code: i32) -> i32 {
    code & 0xff
}

/// Tells whether SQLite lacks room. It says FULL only of what it writes itself: that the file of the shared memory could not
/// grow or be made is told as an error of input and output or of opening, so the file system is asked about those.
fn is_shortage(code: i32, database: &Path) -> bool {
    match primary(code) {
        SQLITE_FULL => true,
        SQLITE_IOERR | SQLITE_CANTOPEN => Space::of(database).is_ok_and(|space| space.is_full()),
        _ => false,
    }
}

fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}
