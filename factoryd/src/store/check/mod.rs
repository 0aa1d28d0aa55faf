//! Looking whether all that is recorded is there and whole, and nothing else.
//!
//! | what | findings | what repair does |
//! |---|---|---|
//! | `rows` | a damaged database; rows and entries of the ledger without their image | removes such rows; the rest is for a backup |
//! | `bodies` | bodies that are missing or not what was recorded | marks the image FAILED |
//! | `files` | files of no image, work and locks of the dead, permissions | removes the files, sets the permissions |
//!
//! A check may run beside factories at work. What they are about to record looks like a finding, so only images that are settled
//! are looked into, and whatever would be removed is looked at once more in a transaction, which keeps every other writer out.
//!
//! **Invariant:** a body that is not what was recorded is never served again. It is put aside, to `quarantine/<image>/`, as soon
//! as it is found, with or without a repair, and its image becomes FAILED.

mod bodies;
mod files;
mod rows;

use super::{Error, Store};
use crate::domain::ImageId;
use std::path::PathBuf;

/// What to look at, and what to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckOptions {
    /// Whether to put right what can be.
    pub repair: bool,
    /// Whether to read all bodies and compare their digests, and not their sizes alone.
    pub digests: bool,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It costs room, or is untidy.
    Note,
    /// It may do harm.
    Warning,
    /// Something is lost or wrong.
    Error,
}

impl Severity {
    /// Answers the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What became of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// It was put right; how.
    Done(&'static str),
    /// A repair would put it right; how.
    Possible(&'static str),
    /// Only a person can; what to do.
    ByHand(&'static str),
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// A stable name, such as `BODY_DAMAGED`.
    pub reason: &'static str,
    /// The image that it is about, if it is about one.
    pub image: Option<ImageId>,
    /// The file or directory that it is about, if it is about one.
    pub path: Option<PathBuf>,
    /// A lower-case fragment.
    pub message: String,
    /// What became of it.
    pub remedy: Remedy,
}

impl Finding {
    fn new(severity: Severity, reason: &'static str, message: String, remedy: Remedy) -> Self {
        Self { severity, reason, image: None, path: None, message, remedy }
    }

    fn of(self, image: &ImageId) -> Self {
        Self { image: Some(image.clone()), ..self }
    }

    fn at(self, path: impl Into<PathBuf>) -> Self {
        Self { path: Some(path.into()), ..self }
    }

    /// Tells whether something is still wrong.
    pub fn remains(&self) -> bool {
        Severity::Note < self.severity && !matches!(self.remedy, Remedy::Done(_))
    }
}

/// What was looked at, and what was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// What is not as it should be, in the order of the looking.
    pub findings: Vec<Finding>,
    /// How many images were looked at.
    pub images: usize,
    /// How many bodies were looked at.
    pub bodies: usize,
    /// How many bytes of them were compared with their digests, holes included; what several images share counts once.
    pub bytes: u64,
}

impl Store {
    /// Looks at everything there is. What is found is an answer, too.
    ///
    /// # Errors
    /// If something can't be looked at, or can't be put right.
    pub async fn check(&self, options: CheckOptions) -> Result<Checked, Error> {
        let mut checked = Checked::default();
        self.check_rows(options, &mut checked).await?;
        self.check_bodies(options, &mut checked).await?;
        self.check_files(options, &mut checked).await?;
        Ok(checked)
    }
}

/// Answers what became of something that a repair puts right.
fn remedy(options: CheckOptions, how: &'static str) -> Remedy {
    if options.repair { Remedy::Done(how) } else { Remedy::Possible(how) }
}
