//! The files that deliveries need: a secret to sign with, and users and passwords by host.

use super::Options;
use crate::domain::Secret;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The largest such file, in bytes.
const LEN_MAX: u64 = 1024 * 1024;

/// A file that can't be used. No text shows what is in it.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It can't be read.
    #[error("can't read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is no secret.
    #[error("{} holds secrets, and others may read it; run `chmod 600 {}`", .0.display(), .0.display())]
    Readable(PathBuf),
    /// There is no secret in it.
    #[error("{} is empty; put a secret into it, such as the output of `openssl rand -hex 32`", .0.display())]
    Empty(PathBuf),
    /// It is written wrong.
    #[error(
        "{}, line {line}: {why}; write a table per host: [\"hooks.example.org\"], user = \"…\", password = \"…\"",
        path.display()
    )]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
}

/// What the files hold.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    /// What deliveries are signed with.
    pub signing: Option<Secret>,
    /// User and password by host, in lower case.
    pub credentials: BTreeMap<String, (String, Secret)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    user: String,
    password: String,
}

impl Options {
    /// Reads the files.
    ///
    /// # Errors
    /// If one can't be read, may be read by others, or is not as it must be.
    pub fn load(&self) -> Result<Secrets, FileError> {
        let signing = self.secret.as_deref().map(signing).transpose()?;
        let credentials = self.credentials.as_deref().map(credentials).transpose()?;
        Ok(Secrets { signing, credentials: credentials.unwrap_or_default() })
    }
}

fn signing(path: &Path) -> Result<Secret, FileError> {
    let text = private(path)?;
    match text.trim() {
        "" => Err(FileError::Empty(path.to_owned())),
        secret => Ok(Secret::new(secret)),
    }
}

fn credentials(path: &Path) -> Result<BTreeMap<String, (String, Secret)>, FileError> {
    let text = private(path)?;
    let hosts: BTreeMap<String, Table> = toml::from_str(&text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start.min(text.len()));
        let line = text.as_bytes()[..start].iter().filter(|byte| **byte == b'\n').count() + 1;
        // The error itself would quote the line, and with it a secret.
        FileError::Syntax { path: path.to_owned(), line, why: error.message().to_owned() }
    })?;
    let entry = |(host, Table { user, password }): (String, Table)| {
        (host.to_ascii_lowercase(), (user, Secret::new(password)))
    };
    Ok(hosts.into_iter().map(entry).collect())
}

/// Reads a file, which must be readable by its owner alone.
fn private(path: &Path) -> Result<String, FileError> {
    let failed = |source| FileError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.mode() & 0o077 != 0 {
        return Err(FileError::Readable(path.to_owned()));
    }
    let mut text = String::new();
    file.take(LEN_MAX).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn file(text: &str, mode: u32) -> tempfile::TempPath {
        let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    fn load(secret: Option<&Path>, credentials: Option<&Path>) -> Result<Secrets, FileError> {
        let owned = |path: Option<&Path>| path.map(Path::to_owned);
        Options { secret: owned(secret), credentials: owned(credentials) }.load()
    }

    #[test]
    fn secrets_are_read_from_files_of_their_owner_alone() {
        let secret = file("s3cret\n", 0o600);
        let hosts = file("[\"Hooks.Test\"]\nuser = 'me'\npassword = 'p'\n", 0o400);
        let loaded = load(Some(&secret), Some(&hosts)).unwrap();
        assert_eq!(loaded.signing, Some(Secret::new("s3cret")));
        assert_eq!(loaded.credentials["hooks.test"], ("me".to_owned(), Secret::new("p")));
        assert!(load(None, None).unwrap().signing.is_none());
    }

    #[test]
    fn what_is_wrong_is_said_without_showing_a_secret() {
        let error = load(Some(&file("s3cret", 0o640)), None).unwrap_err().to_string();
        assert!(error.contains("chmod 600"), "{error}");
        assert!(matches!(load(Some(&file(" \n", 0o600)), None), Err(FileError::Empty(_))));
        assert!(matches!(load(Some(Path::new("/nonexistent")), None), Err(FileError::Read { .. })));
        let error = load(None, Some(&file("[\"a\"]\npassword = s3cret", 0o600))).unwrap_err();
        assert!(matches!(error, FileError::Syntax { line: 2, .. }), "{error}");
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
}
