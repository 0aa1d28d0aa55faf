//! A cloud that is a directory: each resource is a file `KIND-ID.json`, tagged as the factory's ledger wants it, so that
//! leaks can be counted.
//!
//! If there is a file `.credentials`, nothing is done without credentials that are the same text.

use factory_plugin_sdk::{Failure, Fault, Secret};
use serde_json::{Value, json};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A cloud in a directory.
#[derive(Debug, Clone)]
pub struct Cloud {
    directory: PathBuf,
}

impl Cloud {
    /// Opens the cloud that a provider's definition names, `{"directory": "/…"}`; `None` for a provider that is only a name.
    ///
    /// # Errors
    /// If the directory is no absolute path or not there, or the credentials are not the directory's.
    pub fn open(provider: &str, credentials: &Secret) -> Result<Option<Self>, Failure> {
        let definition: Value = serde_json::from_str(provider).unwrap_or_default();
        let Some(directory) = definition["directory"].as_str().map(PathBuf::from) else {
            return Ok(None);
        };
        if !directory.is_absolute() || !directory.is_dir() {
            let message = format!("{} is no absolute path of a directory", directory.display());
            return Err(Failure::new(Fault::User, "NO_CLOUD", message).path("provider"));
        }
        match fs::read_to_string(directory.join(".credentials")) {
            Ok(wanted) if wanted.trim() != credentials.value.trim() => {
                let message = "the credentials are not those of this cloud";
                Err(Failure::new(Fault::Auth, "WRONG_CREDENTIALS", message).path("credentials"))
            }
            _ => Ok(Some(Self { directory })),
        }
    }

    /// Creates a resource; one with the same tag is there already, and is not created again. Answers its id.
    ///
    /// # Errors
    /// If the directory can't be read or written.
    pub fn create(&self, kind: &str, tag: &str) -> Result<String, Failure> {
        if let Some(id) = self.find(tag)? {
            return Ok(id);
        }
        let id = format!("{kind}-{}", uuid::Uuid::new_v4());
        let hidden = self.directory.join(format!(".{id}"));
        let resource = json!({"id": id, "kind": kind, "tag": tag}).to_string();
        fs::write(&hidden, resource).map_err(|error| failed("write", &hidden, &error))?;
        let shown = self.file(&id);
        fs::rename(&hidden, &shown).map_err(|error| failed("make", &shown, &error))?;
        Ok(id)
    }

    /// Answers the id of the resource with a tag.
    ///
    /// # Errors
    /// If the directory can't be read.
    pub fn find(&self, tag: &str) -> Result<Option<String>, Failure> {
        let entries = fs::read_dir(&self.directory);
        let entries = entries.map_err(|error| failed("list", &self.directory, &error))?;
        for entry in entries.flatten() {
            // One that is just being deleted is no more.
            let text = fs::read_to_string(entry.path()).unwrap_or_default();
            let resource: Value = serde_json::from_str(&text).unwrap_or_default();
            if resource["tag"] == tag {
                return Ok(resource["id"].as_str().map(str::to_owned));
            }
        }
        Ok(None)
    }

    /// Deletes a resource. Answers whether it was there.
    ///
    /// # Errors
    /// If it can't be deleted.
    pub fn delete(&self, id: &str) -> Result<bool, Failure> {
        let file = self.file(id);
        match fs::remove_file(&file) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(failed("remove", &file, &error)),
        }
    }

    fn file(&self, id: &str) -> PathBuf {
        // An id is made of letters, digits and dashes; whatever else is asked for is not there.
        let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        self.directory.join(if plain { format!("{id}.json") } else { ".none".to_owned() })
    }
}

fn failed(what: &str, path: &Path, error: &io::Error) -> Failure {
    let message = format!("can't {what} {}: {error}", path.display());
    Failure::new(Fault::Transient, "CLOUD_BROKEN", message).retryable()
}
