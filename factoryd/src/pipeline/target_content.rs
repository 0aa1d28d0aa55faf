//! What the configuration adds to target images: Image Factory's `target_content.xml`.
//!
//! ```xml
//! <template_includes>
//!   <include target='kvm' os='Debian'>
//!     <packages><package name='qemu-guest-agent'/></packages>
//!   </include>
//! </template_includes>
//! ```
//!
//! Of the includes the one that fits most closely counts: by target, os, version and arch, by the first three, two or one
//! of these, or by nothing.

use super::Result;
use crate::domain::{Failure, Fault, Template};
use crate::tdl;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The longest such file, in bytes.
const LEN_MAX: u64 = 1024 * 1024;

/// What is added to target images. Cheap to clone.
#[derive(Debug, Clone)]
pub struct TargetContent {
    document: Arc<str>,
}

/// A file that says nothing that could be added.
#[derive(Debug, thiserror::Error)]
pub enum InvalidTargetContent {
    /// It can't be read.
    #[error("can't read the target content in {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is written wrong.
    #[error("the target content in {} is not valid", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// All that is wrong with it.
        #[source]
        source: tdl::Problems,
    },
}

impl TargetContent {
    /// Reads a file, and all of its includes: what is wrong with one is told now, and not when a build needs it.
    ///
    /// # Errors
    /// If it can't be read, or is not valid.
    pub fn read(path: &Path) -> std::result::Result<Self, InvalidTargetContent> {
        let failed = |source| InvalidTargetContent::Read { path: path.to_owned(), source };
        let file = std::fs::File::open(path).map_err(failed)?;
        let mut text = String::new();
        let len = file.take(LEN_MAX + 1).read_to_string(&mut text).map_err(failed)?;
        if LEN_MAX < len as u64 {
            return Err(failed(io::Error::other(format!("it is longer than {LEN_MAX} bytes"))));
        }
        Self::parse(&text)
            .map_err(|source| InvalidTargetContent::Invalid { path: path.to_owned(), source })
    }

    /// Reads a document, as [`read`](Self::read) does.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn parse(document: &str) -> std::result::Result<Self, tdl::Problems> {
        tdl::check_target_content(document)?;
        Ok(Self { document: document.into() })
    }

    /// Adds what there is for a target to a template.
    pub(super) fn merge(&self, template: &mut Template, target: &str) -> Result<()> {
        let merged = tdl::merge_target_content(template, &self.document, target);
        merged.map(drop).map_err(|problems| {
            let message = "what the configuration adds to target images can't be used";
            let failure = Failure::new(Fault::Host, "TARGET_CONTENT", message);
            Box::new(failure.detail(problems.to_string()))
        })
    }
}
