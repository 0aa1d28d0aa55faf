//! Files that hold secrets: read only if nobody but their owner may, and never quoted in an error.

use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The largest such file, in bytes.
const LEN_MAX: u64 = 1024 * 1024;

/// A file of secrets that can't be used. No text shows what is in it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It can't be read.
    #[error("can't read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Its secrets are none.
    #[error("{} holds secrets, and others may read it; run `chmod 600 {}`", .0.display(), .0.display())]
    Readable(PathBuf),
    /// It is something else.
    #[error("{} is longer than 1 MiB, which no file of secrets is", .0.display())]
    TooLong(PathBuf),
    /// It is written wrong.
    #[error("{}, line {line}: {why}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
}

/// Reads a file of text.
///
/// # Errors
/// If it can't be read, may be read by its group or others, is longer than 1 MiB, or is no text.
pub fn read(path: &Path) -> Result<String, Error> {
    let failed = |source| Error::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.mode() & 0o077 != 0 {
        return Err(Error::Readable(path.to_owned()));
    }
    let mut text = String::new();
    file.take(LEN_MAX + 1).read_to_string(&mut text).map_err(failed)?;
    if LEN_MAX < text.len() as u64 { Err(Error::TooLong(path.to_owned())) } else { Ok(text) }
}

/// Understands the text of a file as TOML.
///
/// # Errors
/// If it is none, or lacks something, or has too much.
pub fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, Error> {
    toml::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start.min(text.len()));
        let line = text.as_bytes()[..start].iter().filter(|byte| **byte == b'\n').count() + 1;
        // The error itself would quote the line, and with it a secret.
        Error::Syntax { path: path.to_owned(), line, why: error.message().to_owned() }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        fs::write(&path, "hunter2").unwrap();
        for (mode, right) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            assert_eq!(read(&path).is_ok(), right, "{mode:o}");
        }
        let refused = read(&path).unwrap_err().to_string();
        assert!(refused.contains("run `chmod 600 ") && !refused.contains("hunter2"), "{refused}");
        assert!(matches!(read(&directory.path().join("x")), Err(Error::Read { .. })));
    }

    #[test]
    fn what_is_too_long_is_refused_and_not_cut() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let fill = |len: u64| fs::write(file.path(), "x".repeat(usize::try_from(len).unwrap()));
        fill(LEN_MAX).unwrap();
        assert!(read(file.path()).is_ok());
        fill(LEN_MAX + 1).unwrap();
        assert!(matches!(read(file.path()), Err(Error::TooLong(_))));
    }

    #[test]
    fn what_is_wrong_is_said_without_showing_it() {
        let parsed: Result<BTreeMap<String, u8>, Error> =
            parse(Path::new("s.toml"), "a = 1\nb = hunter2\n");
        let message = parsed.unwrap_err().to_string();
        assert!(
            message.starts_with("s.toml, line 2: ") && !message.contains("hunter2"),
            "{message}"
        );
    }
}
