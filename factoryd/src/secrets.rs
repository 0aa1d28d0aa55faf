//! Secrets by name: a directory of files that the factory's operator keeps, one secret each.
//!
//! A request names one as `secret:NAME` in place of credentials or of a sensitive parameter's value. The name is recorded, the
//! value never; it is read from its file right before each use, so a changed file counts from the next step on, and
//! work that goes on in another process has its secrets again:
//!
//! ```text
//! image.secrets.again()?        the record: by name, or which ones are gone
//! secrets.value(&given)?        the value, now
//! ```
//!
//! Whoever may ask for images may use every secret here, and send it to the provider that he names: nothing belongs into the
//! directory that not all builders may use. Messages name the secret that was asked for and one that is spelled nearly the
//! same, never the others, and no path: a log line has that.

use crate::domain::{Failure, Fault, GivenSecret, Secret, SecretName};
use crate::report::{chain, closest};
use crate::secret_file;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use tracing::warn;

/// The longest secret, in bytes.
const LEN_MAX: usize = 64 * 1024;

/// The secrets of a factory. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    directory: Option<PathBuf>,
}

/// Why a secret can't be had.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("this factory has no directory of secrets")]
    NoDirectory,
    #[error("there is no secret {0}")]
    Unknown(SecretName),
    #[error("{} can be written by others, who could put secrets into it", .0.display())]
    Shared(PathBuf),
    #[error(transparent)]
    File(#[from] secret_file::Error),
    #[error("{} is empty", .0.display())]
    Empty(PathBuf),
    #[error("{} is longer than {} KiB", .0.display(), LEN_MAX / 1024)]
    TooLong(PathBuf),
}

impl Secrets {
    /// Answers the secrets in a directory; without one there are none.
    pub fn new(directory: Option<PathBuf>) -> Self {
        Self { directory }
    }

    /// Answers the value of a secret as it is now. One line end at a file's end is not part of it.
    ///
    /// # Errors
    /// If there is no such secret, or others than the file's owner may read it; the failure shows no path and no value.
    pub fn resolve(&self, name: &SecretName) -> Result<Secret, Box<Failure>> {
        self.read(name).map_err(|unusable| Box::new(self.failure(name, &unusable)))
    }

    /// Answers the value of a secret that was given by value or by name.
    ///
    /// # Errors
    /// As [`resolve`](Self::resolve).
    pub fn value(&self, given: &GivenSecret) -> Result<Secret, Box<Failure>> {
        match given {
            GivenSecret::Value(value) => Ok(value.clone()),
            GivenSecret::Named(name) => self.resolve(name),
        }
    }

    /// Answers the values of sensitive parameters.
    ///
    /// # Errors
    /// As [`resolve`](Self::resolve); the failure says which parameter.
    pub fn values(
        &self,
        given: &[(String, GivenSecret)],
    ) -> Result<Vec<(String, Secret)>, Box<Failure>> {
        let value = |(name, given): &(String, GivenSecret)| match self.value(given) {
            Ok(value) => Ok((name.clone(), value)),
            Err(failure) => Err(Box::new(failure.path(format!("parameters.{name}")))),
        };
        given.iter().map(value).collect()
    }

    fn read(&self, name: &SecretName) -> Result<Secret, Unusable> {
        let directory = self.directory.as_deref().ok_or(Unusable::NoDirectory)?;
        let path = directory.join(name.as_str());
        match path.metadata() {
            Ok(metadata) if metadata.is_file() => {}
            Ok(_) => return Err(Unusable::Unknown(name.clone())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Unusable::Unknown(name.clone()));
            }
            Err(source) => return Err(secret_file::Error::Read { path, source }.into()),
        }
        if is_shared(directory) {
            return Err(Unusable::Shared(directory.to_owned()));
        }
        let text = secret_file::read(&path)?;
        let value = text.strip_suffix('\n').unwrap_or(&text);
        let value = value.strip_suffix('\r').unwrap_or(value);
        match value.len() {
            0 => Err(Unusable::Empty(path)),
            len if LEN_MAX < len => Err(Unusable::TooLong(path)),
            _ => Ok(Secret::new(value)),
        }
    }

    fn failure(&self, name: &SecretName, unusable: &Unusable) -> Failure {
        warn!(secret = %name, "a secret can't be used: {}", chain(unusable));
        match unusable {
            Unusable::NoDirectory => {
                let message = format!("there is no secret {name}: {unusable}");
                Failure::new(Fault::Host, "SECRET_UNKNOWN", message).hint(
                    "give the factory a directory of secrets (--secrets-dir), or the value itself",
                )
            }
            Unusable::Unknown(_) => {
                let failure = Failure::new(Fault::User, "SECRET_UNKNOWN", unusable.to_string());
                match self.similar(name) {
                    Some(near) => failure.hint(format!("did you mean secret:{near}?")),
                    None => failure.hint(
                        "a secret is a file in the factory's directory of secrets, under its name",
                    ),
                }
            }
            _ => {
                let message = format!("secret {name} can't be used");
                Failure::new(Fault::Host, "SECRET_UNUSABLE", message).hint(
                    "its file must be no longer than 64 KiB, not empty, and for its owner alone; the factory's log says more",
                )
            }
        }
    }

    /// Answers a name that is spelled nearly the same.
    fn similar(&self, name: &SecretName) -> Option<String> {
        let entries = std::fs::read_dir(self.directory.as_deref()?).ok()?;
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let names: Vec<String> = names.filter(|name| SecretName::parse(name).is_ok()).collect();
        closest(name.as_str(), names.iter().map(String::as_str)).map(str::to_owned)
    }
}

/// Whether others than its owner may put files into a directory.
fn is_shared(directory: &Path) -> bool {
    directory.metadata().is_ok_and(|metadata| metadata.mode() & 0o022 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    fn directory() -> (tempfile::TempDir, Secrets) {
        let directory = tempfile::tempdir().unwrap();
        let secrets = Secrets::new(Some(directory.path().to_owned()));
        (directory, secrets)
    }

    fn put(directory: &Path, name: &str, text: &str, mode: u32) {
        let path = directory.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    fn resolve(secrets: &Secrets, name: &str) -> Result<Secret, Box<Failure>> {
        secrets.resolve(&SecretName::parse(name).unwrap())
    }

    #[test]
    fn a_secret_is_what_its_file_says_now() {
        let (directory, secrets) = directory();
        for (text, value) in [("hunter2", "hunter2"), ("a\nb\n", "a\nb"), ("x\r\n", "x")] {
            put(directory.path(), "prod", text, 0o600);
            assert_eq!(resolve(&secrets, "prod").unwrap().expose(), value);
        }
    }

    #[test]
    fn a_secret_that_others_may_read_is_refused_and_nothing_shows() {
        let (directory, secrets) = directory();
        put(directory.path(), "open", "hunter2", 0o644);
        put(directory.path(), "empty", "\n", 0o600);
        put(directory.path(), "long", &"x".repeat(LEN_MAX + 1), 0o600);
        for name in ["open", "empty", "long"] {
            let failure = resolve(&secrets, name).unwrap_err();
            assert_eq!((failure.reason.as_str(), failure.fault), ("SECRET_UNUSABLE", Fault::Host));
            let path = directory.path().display().to_string();
            assert!(!format!("{failure:?}").contains(&path), "{failure:?}");
            assert!(!format!("{failure:?}").contains("hunter2"), "{failure:?}");
        }
        put(directory.path(), "prod", "hunter2", 0o600);
        fs::set_permissions(directory.path(), Permissions::from_mode(0o777)).unwrap();
        assert_eq!(resolve(&secrets, "prod").unwrap_err().reason, "SECRET_UNUSABLE");
    }

    #[test]
    fn a_slip_of_the_pen_is_told_and_nothing_else_of_what_there_is() {
        let (directory, secrets) = directory();
        put(directory.path(), "registry", "hunter2", 0o600);
        put(directory.path(), "other", "hunter2", 0o600);
        fs::create_dir(directory.path().join("folder")).unwrap();
        let failure = resolve(&secrets, "regstry").unwrap_err();
        assert_eq!(failure.message, "there is no secret regstry");
        assert_eq!(failure.hint, "did you mean secret:registry?");
        let failure = resolve(&secrets, "unheard-of").unwrap_err();
        assert!(!failure.hint.contains("registry"), "{failure:?}");
        assert_eq!(resolve(&secrets, "folder").unwrap_err().reason, "SECRET_UNKNOWN");
        let nowhere = resolve(&Secrets::default(), "registry").unwrap_err();
        assert_eq!(
            nowhere.message,
            "there is no secret registry: this factory has no directory of secrets"
        );
    }
}
