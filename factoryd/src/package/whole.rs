//! Whether a package that is installed is whole: what is there is what is listed, to the byte, and nothing else.

use super::sums::{SIGNATURE, SUMS, sha256};
use super::{Error, Limits, Sums};
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What is not as it was installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// A file is not what it was.
    Changed(String),
    /// A file is gone.
    Missing(String),
    /// A file is there that does not belong to the package, or is no regular file.
    Stranger(String),
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed(path) => write!(f, "{path} was changed after it was installed"),
            Self::Missing(path) => write!(f, "{path} is gone that was installed with it"),
            Self::Stranger(path) => write!(f, "{path} is there and was not installed with it"),
        }
    }
}

/// Reads what a package that lies in a directory says of itself, with the SHA-256 of that; `None` if it is none.
///
/// # Errors
/// If it can't be read, or makes no sense.
pub fn read_sums(directory: &Path) -> Result<Option<(Sums, String)>, Error> {
    let path = directory.join(SUMS);
    match fs::metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::read(path)(error)),
        Ok(metadata) if Limits::default().sums < metadata.len() => {
            return Err(Error::TooLarge { what: SUMS, max: Limits::default().sums });
        }
        Ok(_) => {}
    }
    let text = fs::read(&path).map_err(Error::read(path))?;
    Ok(Some((Sums::parse(&text)?, sha256(&text))))
}

/// Compares what lies in a directory with what is listed. `digest` answers the SHA-256 of a file.
///
/// # Errors
/// If something can't be read.
pub fn check(
    directory: &Path,
    sums: &Sums,
    digest: &mut dyn FnMut(&Path) -> io::Result<String>,
) -> Result<Option<Difference>, Error> {
    let mut found = 0;
    let mut left = vec![directory.to_owned()];
    while let Some(next) = left.pop() {
        for entry in fs::read_dir(&next).map_err(Error::read(&next))? {
            let entry = entry.map_err(Error::read(&next))?;
            let kind = entry.file_type().map_err(Error::read(entry.path()))?;
            if kind.is_dir() {
                left.push(entry.path());
                continue;
            }
            let path = entry.path();
            let member = relative(directory, &path);
            let expected = sums.files.get(&member).filter(|_| kind.is_file());
            match expected {
                Some(expected) if digest(&path).map_err(Error::read(&path))? == *expected => {
                    found += 1;
                }
                Some(_) => return Ok(Some(Difference::Changed(member))),
                None if kind.is_file() && [SUMS, SIGNATURE].contains(&member.as_str()) => {}
                None => return Ok(Some(Difference::Stranger(member))),
            }
        }
    }
    if found == sums.files.len() {
        return Ok(None);
    }
    let gone = sums.files.keys().find(|member| !directory.join(member).is_file());
    Ok(gone.map(|member| Difference::Missing(member.clone())))
}

fn relative(directory: &Path, path: &Path) -> String {
    let below: PathBuf = path.strip_prefix(directory).unwrap_or(path).to_owned();
    below.to_string_lossy().into_owned()
}
