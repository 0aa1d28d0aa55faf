//! A record of calls: lines of JSON, each a request, a response or the end of a call.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// A line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// When, as RFC 3339 writes it.
    pub time: String,
    /// Which call, from 1.
    pub call: u64,
    /// The method, such as `Plugin/Describe`.
    pub method: String,
    /// `request` (to the plugin), `response` or `end`.
    pub direction: Direction,
    /// The message with secrets blanked; of an end `{"code", "message", "failure"}`.
    pub message: Value,
}

/// Which way a line went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// To the plugin.
    Request,
    /// From it.
    Response,
    /// The call is over.
    End,
}

/// Why a record can't be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file can't be opened, written or read.
    #[error("record {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A line is none.
    #[error("{}:{line} is no line of a record", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Its number.
        line: usize,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// It does not tell which plugin it is of.
    #[error("{} has no answer to Plugin/Describe: record it from the plugin's start", .0.display())]
    NoDescription(PathBuf),
}

/// A record that is being written; only its owner may read the file.
#[derive(Debug)]
pub(super) struct Writer(Mutex<File>);

impl Writer {
    /// Begins a new file.
    pub(super) fn create(path: &Path) -> Result<Self, Error> {
        use std::os::unix::fs::OpenOptionsExt;
        let file = File::options().write(true).create_new(true).mode(0o600).open(path);
        let file = file.map_err(|source| Error::File { path: path.to_owned(), source })?;
        Ok(Self(Mutex::new(file)))
    }

    /// Adds a line, whole or not at all.
    pub(super) fn add(&self, line: &Line) {
        let mut text = serde_json::to_string(line).unwrap_or_default();
        text.push('\n');
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = file.write_all(text.as_bytes()) {
            tracing::error!(%error, "the record can't be written");
        }
    }
}

/// Reads a record.
///
/// # Errors
/// If the file can't be read, or a line is none.
pub(super) fn read(path: &Path) -> Result<Vec<Line>, Error> {
    let failed = |source| Error::File { path: path.to_owned(), source };
    let lines = BufReader::new(File::open(path).map_err(failed)?).lines();
    let read = |(number, text): (usize, io::Result<String>)| {
        serde_json::from_str(&text.map_err(failed)?).map_err(|source| Error::Line {
            path: path.to_owned(),
            line: number + 1,
            source,
        })
    };
    lines.enumerate().map(read).collect()
}
