//! What is wrong with the settings, and where.

use crate::report::{Lines, Place, Snippet};
use std::fmt;
use std::ops::Range;

/// Of each kind of problem so many are told.
pub(super) const PROBLEMS_MAX: usize = 100;

/// All that is wrong with the settings, as a compiler shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(pub(super) Vec<Problem>);

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    /// What is wrong.
    pub(super) message: String,
    /// Where.
    pub(super) spot: Spot,
    /// What would be right.
    pub(super) expected: Option<String>,
    /// What to do about it.
    pub(super) hint: Option<String>,
}

/// Where a value comes from, close enough to point at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Spot {
    /// A flag, such as `--listen`.
    Flag(String),
    /// An environment variable.
    Variable(String),
    /// A socket that the service manager passed.
    Socket,
    /// A place in a file.
    File {
        /// The file.
        file: String,
        /// Where in it.
        place: Place,
        /// The line's text.
        text: String,
    },
    /// A line of a file that is not to be shown.
    Line {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
    },
    /// Nobody said it.
    Default,
}

impl Spot {
    /// Answers the spot of a range of bytes in a file's text.
    pub(super) fn file(file: &str, text: &str, span: Range<usize>) -> Self {
        let lines = Lines::of(text);
        let place = lines.place(span);
        Self::File { file: file.to_owned(), place, text: lines.text(place.line).to_owned() }
    }
}

impl Problem {
    /// Says what is wrong where.
    pub(super) fn new(spot: Spot, message: impl Into<String>) -> Self {
        Self { message: message.into(), spot, expected: None, hint: None }
    }

    /// Says what would be right.
    pub(super) fn expected(self, expected: impl Into<String>) -> Self {
        Self { expected: Some(expected.into()), ..self }
    }

    /// Says what to do about it.
    pub(super) fn hint(self, hint: Option<String>) -> Self {
        Self { hint, ..self }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let notes = [("expected", self.expected.as_deref()), ("hint", self.hint.as_deref())];
        let notes: Vec<(&str, &str)> =
            notes.into_iter().filter_map(|(word, note)| Some((word, note?))).collect();
        writeln!(f, "error: {}", self.message)?;
        match &self.spot {
            Spot::File { file, place, text } => {
                let snippet = Snippet { file, text, place: *place, notes: &notes };
                return write!(f, "{snippet}");
            }
            Spot::Line { file, line } => writeln!(f, " --> {file}:{line}")?,
            Spot::Flag(flag) => writeln!(f, " --> {flag}")?,
            Spot::Variable(name) => writeln!(f, " --> environment variable {name}")?,
            Spot::Socket => writeln!(f, " --> a socket of the service manager")?,
            Spot::Default => {}
        }
        notes.iter().try_for_each(|(word, note)| writeln!(f, "  = {word}: {note}"))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let problems: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(problems.join("\n").trim_end())?;
        match problems.len() {
            0 | 1 => Ok(()),
            PROBLEMS_MAX.. => write!(f, "\n\nthe settings have {PROBLEMS_MAX} problems or more"),
            count => write!(f, "\n\nthe settings have {count} problems"),
        }
    }
}

impl std::error::Error for Error {}
