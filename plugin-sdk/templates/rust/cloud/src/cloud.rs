//! The cloud: here a directory, in which each image is a file. Yours has an API, and a client for it goes here.

use factory_plugin_sdk::{CloudIdentifiers, Failure, Fault, InputImage, LeftOver, Settled};
use serde_json::{Value, json};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// An account: the directory that the provider's definition names.
#[derive(Debug, Clone)]
pub(crate) struct Cloud {
    directory: PathBuf,
}

/// What a provider's definition is. The factory refuses what does not fit before anything starts.
pub(crate) fn provider_schema() -> Value {
    let directory = json!({"type": "string", "description": "The directory of the images."});
    json!({
        "type": "object", "additionalProperties": false, "required": ["directory"],
        "properties": {"directory": directory}
    })
}

/// Answers the file of an image's disk.
pub(crate) fn disk_of(image: &InputImage) -> Result<PathBuf, Failure> {
    let disk = image.artifacts.iter().find(|artifact| artifact.role == "disk");
    let missing = || Failure::new(Fault::User, "NO_DISK", "the image has no disk");
    disk.map(|disk| PathBuf::from(&disk.path)).ok_or_else(missing)
}

impl Cloud {
    /// Opens the account that a provider's definition names.
    pub(crate) fn open(provider: &str) -> Result<Self, Failure> {
        let definition: Value = serde_json::from_str(provider).unwrap_or_default();
        let directory = definition["directory"].as_str().map(PathBuf::from);
        let found = directory.filter(|directory| directory.is_dir());
        found.map(|directory| Self { directory }).ok_or_else(|| {
            let message = r#"the provider must be {"directory": "/an/existing/directory"}"#;
            Failure::new(Fault::User, "NO_CLOUD", message).path("provider")
        })
    }

    /// Uploads a disk under a tag that no other image ever has, and answers the image's id.
    pub(crate) fn upload(&self, disk: &Path, tag: &str) -> Result<String, Failure> {
        let (part, image) = (self.file(tag).with_extension("part"), self.file(tag));
        let uploaded = fs::copy(disk, &part).and_then(|_| fs::rename(&part, &image));
        uploaded.map_err(|error| failed("upload", &image, &error))?;
        Ok(tag.replace('/', "_"))
    }

    /// Deletes an image by its id or its tag, and what is there of its upload. Answers whether the image was there.
    pub(crate) fn delete(&self, id: &str) -> Result<bool, Failure> {
        let image = self.file(id);
        let _ = fs::remove_file(image.with_extension("part"));
        match fs::remove_file(&image) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(failed("delete", &image, &error)),
        }
    }

    /// Deletes or adopts what an operation left over that nobody works on any more.
    pub(crate) fn settle(&self, left: &LeftOver) -> Result<Settled, Failure> {
        let id = left.token.replace('/', "_");
        if left.adopt && self.file(&id).exists() {
            return Ok(Settled::Adopted(id));
        }
        Ok(if self.delete(&id)? { Settled::Deleted } else { Settled::NotThere })
    }

    /// What the factory keeps to find an image again.
    pub(crate) fn identifiers(&self, id: String) -> CloudIdentifiers {
        CloudIdentifiers {
            identifier_on_provider: id,
            provider_account_identifier: self.directory.display().to_string(),
        }
    }

    fn file(&self, id: &str) -> PathBuf {
        self.directory.join(format!("{}.raw", id.replace('/', "_")))
    }
}

fn failed(what: &str, image: &Path, error: &io::Error) -> Failure {
    let message = format!("can't {what} {}: {error}", image.display());
    Failure::new(Fault::Transient, "CLOUD_BROKEN", message).retryable()
}
