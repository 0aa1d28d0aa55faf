//! What is wrong with a document, and where.

use crate::report::Lines;
use std::fmt;
use std::ops::Range;

/// So many problems are told; of the rest only that there are more.
const MAX_PROBLEMS: usize = 100;

/// One thing that is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// Where it starts, in bytes from the start of the document.
    pub offset: usize,
    /// How much of the line it covers, in characters; at least 1.
    pub length: u32,
    /// The element or attribute: `template/os/arch`, `template/files/file[2]/@type`. Empty if it is in none.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub expected: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// The kind of problem: the same word for ever, for programs to compare.
    pub code: &'static str,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)?;
        if !self.path.is_empty() {
            write!(f, ", {}", self.path)?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(expected) = &self.expected {
            write!(f, "; expected {expected}")?;
        }
        self.hint.iter().try_for_each(|hint| write!(f, " ({hint})"))
    }
}

/// All that is wrong with a document, in the order of the document. Displays as one line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// A problem before its line and column are known.
#[derive(Debug)]
pub(super) struct Fault {
    code: &'static str,
    span: Range<usize>,
    path: String,
    message: String,
    expected: Option<String>,
    hint: Option<String>,
}

impl Fault {
    pub(super) fn new(
        code: &'static str,
        span: Range<usize>,
        path: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        let (path, message) = (path.into(), message.into());
        Self { code, span, path, message, expected: None, hint: None }
    }

    pub(super) fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(super) fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }
}

/// Collects faults while a document is read.
#[derive(Debug, Default)]
pub(super) struct Faults {
    told: Vec<Fault>,
    more: bool,
}

impl Faults {
    pub(super) fn add(&mut self, fault: Fault) {
        self.add_with(|| fault);
    }

    /// Adds a fault that takes some work to describe, which is spared if it is not told.
    pub(super) fn add_with(&mut self, fault: impl FnOnce() -> Fault) {
        if self.full() {
            self.more = true;
        } else {
            self.told.push(fault());
        }
    }

    /// Whether a further fault would not be told: then it is no use to look for it.
    pub(super) fn full(&self) -> bool {
        self.told.len() >= MAX_PROBLEMS
    }

    /// Answers the problems, in the order of the document; `Ok` if there are none.
    pub(super) fn into_result(mut self, source: &str) -> Result<(), Problems> {
        if self.told.is_empty() {
            return Ok(());
        }
        self.told.sort_by_key(|fault| fault.span.start);
        if self.more {
            let message = format!("there are more problems than these {MAX_PROBLEMS}");
            self.told.push(Fault::new("more", source.len()..source.len(), "", message));
        }
        let lines = Lines::of(source);
        Err(Problems(self.told.into_iter().map(|fault| locate(fault, &lines)).collect()))
    }
}

fn locate(fault: Fault, lines: &Lines<'_>) -> Problem {
    let place = lines.place(fault.span);
    Problem {
        line: place.line,
        column: place.column,
        offset: place.offset,
        length: place.length,
        path: fault.path,
        message: fault.message,
        expected: fault.expected,
        hint: fault.hint,
        code: fault.code,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_counts_characters_and_an_offset_bytes() {
        let mut faults = Faults::default();
        faults.add(Fault::new("x", 6..9, "", "m"));
        let Problems(list) = faults.into_result("a\näöü!!\n").unwrap_err();
        assert_eq!((list[0].line, list[0].column), (2, 3));
        assert_eq!((list[0].offset, list[0].length), (6, 2));
    }

    #[test]
    fn of_a_flood_of_faults_the_first_are_told() {
        let mut faults = Faults::default();
        (0..250).for_each(|_| faults.add(Fault::new("x", 0..1, "", "m")));
        let Problems(list) = faults.into_result("abc").unwrap_err();
        assert_eq!(list.len(), MAX_PROBLEMS + 1);
        assert_eq!(list[MAX_PROBLEMS].message, "there are more problems than these 100");
    }
}
