//! Pins: which plugins may run, by the SHA-256 of what they are.
//!
//! A plugin is its executable and its `.info` file, and of a [`package`](crate::package) every file of it. What was accepted is in a
//! file ([`book`]) with what the plugin said then of itself; whatever differs from it is refused until somebody accepts it. What is
//! executed is the open file that was read.
//!
//! ```text
//!   not in the book ──trust first-use──► accepted ──its bytes change──► refused ──factory plugins accept──► accepted
//!                   └─trust locked─────► refused ──────────────────────────────────────────────────────────────┘
//! ```

mod book;
mod digest;
mod inspect;
mod origin;
mod written;

pub(super) use book::{Book, Pin};
pub(super) use digest::{Fingerprint, Identified, Identifier, fingerprint_of_text};
pub(super) use inspect::{Described, read as read_description};
pub use origin::Origin;

use std::fmt;
use std::path::PathBuf;

/// How executables of plugins are trusted.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The file that says what was accepted. Without one, everything is run that is found, and nothing is remembered.
    pub file: Option<PathBuf>,
    /// What becomes of a plugin that is not in it.
    pub trust: Trust,
}

/// What becomes of a plugin that was never seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Trust {
    /// It is accepted as it is when it is first used.
    #[default]
    FirstUse,
    /// It is refused until somebody accepts it.
    Locked,
}

impl Trust {
    /// Answers the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FirstUse => "first-use",
            Self::Locked => "locked",
        }
    }
}

impl fmt::Display for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a plugin's files are to the book.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Verdict {
    /// They are what was accepted.
    Accepted(Box<Pin>),
    /// The plugin is not in the book.
    New,
    /// They are not what was accepted: this was.
    Changed(Box<Pin>),
}

/// Compares what there is with what was accepted.
pub(super) fn judge(
    pin: Option<Pin>,
    executable: &Fingerprint,
    info: Option<&Fingerprint>,
) -> Verdict {
    let Some(pin) = pin else { return Verdict::New };
    let same = pin.executable.sha256 == executable.sha256
        && info.is_none_or(|info| pin.info.sha256 == info.sha256);
    if same { Verdict::Accepted(Box::new(pin)) } else { Verdict::Changed(Box::new(pin)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(sha256: &str) -> Fingerprint {
        Fingerprint { sha256: sha256.to_owned(), ..Fingerprint::default() }
    }

    #[test]
    fn a_plugin_is_what_was_accepted_only_if_both_its_files_are() {
        let pin = Pin { executable: print("a"), info: print("b"), ..Pin::default() };
        let judged =
            |executable, info| judge(Some(pin.clone()), &print(executable), Some(&print(info)));
        assert!(matches!(judged("a", "b"), Verdict::Accepted(_)));
        assert!(matches!(judged("x", "b"), Verdict::Changed(_)));
        assert!(matches!(judged("a", "x"), Verdict::Changed(_)));
        assert_eq!(judge(None, &print("a"), None), Verdict::New);
    }
}
