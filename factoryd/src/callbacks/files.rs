//! The files that deliveries need: a secret to sign with, and users and passwords by host.

use super::Options;
use crate::domain::Secret;
use crate::secret_file;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A file that can't be used. No text shows what is in it.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The secret can't be read, or others may read it.
    #[error("can't use the secret of callbacks")]
    Secret(#[source] secret_file::Error),
    /// There is no secret in it.
    #[error("{} is empty; put a secret into it, such as the output of `openssl rand -hex 32`", .0.display())]
    Empty(PathBuf),
    /// The users and passwords can't be read, or others may read them, or they are written wrong.
    #[error(
        "can't use the credentials of callbacks, a table per host: [\"hooks.example.org\"], user = \"…\", password = \"…\""
    )]
    Credentials(#[source] secret_file::Error),
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
    let text = secret_file::read(path).map_err(FileError::Secret)?;
    match text.trim() {
        "" => Err(FileError::Empty(path.to_owned())),
        secret => Ok(Secret::new(secret)),
    }
}

fn credentials(path: &Path) -> Result<BTreeMap<String, (String, Secret)>, FileError> {
    let read = secret_file::read(path).and_then(|text| secret_file::parse(path, &text));
    let hosts: BTreeMap<String, Table> = read.map_err(FileError::Credentials)?;
    let entry = |(host, Table { user, password }): (String, Table)| {
        (host.to_ascii_lowercase(), (user, Secret::new(password)))
    };
    Ok(hosts.into_iter().map(entry).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::chain;
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
        let readable = load(Some(&file("s3cret", 0o640)), None).unwrap_err();
        assert!(chain(&readable).to_string().contains("chmod 600"));
        assert!(matches!(load(Some(&file(" \n", 0o600)), None), Err(FileError::Empty(_))));
        assert!(matches!(load(Some(Path::new("/nonexistent")), None), Err(FileError::Secret(_))));
        let error = load(None, Some(&file("[\"a\"]\npassword = s3cret", 0o600))).unwrap_err();
        assert!(matches!(error, FileError::Credentials(_)), "{error}");
        assert!(!chain(&error).to_string().contains("s3cret"));
    }
}
