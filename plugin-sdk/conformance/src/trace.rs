//! What happened in a case, for who wants to reproduce it: the environment, the requests and what came back.

use std::sync::{Arc, Mutex, PoisonError};

/// How many lines are kept.
const LINES_MAX: usize = 400;
/// How long a line may be, in bytes.
const LINE_BYTES_MAX: usize = 2000;

/// What happened in a case, line by line.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trace(Arc<Mutex<Vec<String>>>);

impl Trace {
    /// Adds a line.
    pub(crate) fn say(&self, line: impl Into<String>) {
        let mut line = line.into();
        line.truncate(line.floor_char_boundary(LINE_BYTES_MAX));
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() < LINES_MAX {
            lines.push(line);
        }
    }

    /// Returns all lines.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
