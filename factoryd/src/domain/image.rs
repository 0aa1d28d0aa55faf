//! Images and their files.

use super::{Failure, Parameters, SecretSources, Status};
use std::fmt;
use std::path::PathBuf;
use std::time::SystemTime;

/// The id of an image: a UUID in its usual form, so that it is safe in paths and addresses.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ImageId(String);

/// Text that is no image id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an image id (a UUID such as 0192f3a4-5b6c-7d8e-9f01-23456789abcd)")]
pub struct InvalidImageId(pub String);

impl ImageId {
    /// Reads an id.
    ///
    /// # Errors
    /// If it is not a UUID in its usual lower- or upper-case form with hyphens.
    pub fn parse(text: &str) -> Result<Self, InvalidImageId> {
        let hyphens = [8, 13, 18, 23];
        let valid = text.len() == 36
            && text.bytes().enumerate().all(|(index, byte)| {
                if hyphens.contains(&index) { byte == b'-' } else { byte.is_ascii_hexdigit() }
            });
        if !valid {
            return Err(InvalidImageId(text.chars().take(64).collect()));
        }
        Ok(Self(text.to_ascii_lowercase()))
    }

    /// Wraps a UUID.
    pub fn from_uuid(id: uuid::Uuid) -> Self {
        Self(id.hyphenated().to_string())
    }

    /// Answers the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ImageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What kind of image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Installed from a template.
    Base,
    /// A base image made fit for one cloud or hypervisor.
    Target,
    /// An image in an account of a provider.
    Provider,
}

impl Kind {
    /// Answers the word for it: `base`, `target`, `provider`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Target => "target",
            Self::Provider => "provider",
        }
    }

    /// Reads the word for it.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Base, Self::Target, Self::Provider].into_iter().find(|kind| kind.as_str() == word)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An image as it is now.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    /// Its id.
    pub id: ImageId,
    /// Its kind.
    pub kind: Kind,
    /// Its status.
    pub status: Status,
    /// How much of the build is done, 0 to 100; never falls within one try.
    pub percent: f64,
    /// What is being done, one line.
    pub activity: String,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// The template's name.
    pub name: String,
    /// The template with passwords blanked; a pushed provider image has its target's.
    pub template_xml: String,
    /// The base image of a target image, the target image of a provider image.
    pub parent: Option<ImageId>,
    /// The target, of target and provider images.
    pub target: Option<String>,
    /// The provider, of provider images.
    pub provider: Option<String>,
    /// True for a provider image made inside the account.
    pub snapshot: bool,
    /// What the provider calls it.
    pub identifiers: CloudIdentifiers,
    /// Its files; the first is its body.
    pub artifacts: Vec<Artifact>,
    /// Its properties.
    pub properties: Parameters,
    /// Its parameters, without the sensitive ones.
    pub parameters: Parameters,
    /// Where its secrets come from: names, never values.
    pub secrets: SecretSources,
    /// Its packages (ICICLE).
    pub icicle_xml: Option<String>,
    /// Which try this is, from 1.
    pub attempt: u32,
    /// When it was recorded.
    pub created: SystemTime,
    /// When it last changed.
    pub updated: SystemTime,
    /// The cursor of its last event.
    pub last_cursor: u64,
}

impl Image {
    /// Makes an image that was just asked for: NEW, with nothing but its kind.
    pub fn asked_for(id: ImageId, kind: Kind, now: SystemTime) -> Self {
        Self {
            id,
            kind,
            status: Status::New,
            percent: 0.0,
            activity: String::new(),
            failure: None,
            name: String::new(),
            template_xml: String::new(),
            parent: None,
            target: None,
            provider: None,
            snapshot: false,
            identifiers: CloudIdentifiers::default(),
            artifacts: Vec::new(),
            properties: Parameters::default(),
            parameters: Parameters::default(),
            secrets: SecretSources::default(),
            icicle_xml: None,
            attempt: 1,
            created: now,
            updated: now,
            last_cursor: 0,
        }
    }
}

impl Image {
    /// Answers the image as it was when it was asked for, from which its events lead to what it is.
    pub fn as_asked_for(&self) -> Self {
        Self {
            name: self.name.clone(),
            template_xml: self.template_xml.clone(),
            parent: self.parent.clone(),
            target: self.target.clone(),
            provider: self.provider.clone(),
            snapshot: self.snapshot,
            parameters: self.parameters.clone(),
            secrets: self.secrets.clone(),
            ..Self::asked_for(self.id.clone(), self.kind, self.created)
        }
    }
}

/// A file of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// What it is to the image: `disk`, `rootfs`, `archive`, …
    pub role: String,
    /// Where it is: absolute.
    pub path: PathBuf,
    /// Its format.
    pub format: String,
    /// Its size in bytes.
    pub size: u64,
    /// The size a guest sees, in bytes; 0 if that means nothing.
    pub virtual_size: u64,
    /// SHA-256, 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// Its media type; may be empty.
    pub media_type: String,
}

/// What a provider calls an image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CloudIdentifiers {
    /// The image; empty if not known.
    pub identifier_on_provider: String,
    /// The account it is in; empty if not known.
    pub provider_account_identifier: String,
}

/// The packages in an image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackageList {
    /// How many there are.
    pub count: usize,
    /// All of them, as ICICLE (XML).
    pub icicle_xml: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_can_be_nothing_but_a_uuid() {
        let id = "0192F3A4-5b6c-7d8e-9f01-23456789abcd";
        assert_eq!(ImageId::parse(id).unwrap().as_str(), id.to_lowercase());
        for bad in [
            "",
            "..",
            "0192f3a4-5b6c-7d8e-9f01-23456789abc/",
            "0192f3a45b6c7d8e9f0123456789abcd0000",
        ] {
            assert!(ImageId::parse(bad).is_err(), "{bad}");
        }
    }
}
