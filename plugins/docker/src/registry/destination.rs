//! The provider of an image: a registry, and the image's name there.

use crate::reference::{ImageName, is_registry, is_repository, is_tag};
use oci_client::Reference;
use serde::Deserialize;
use std::net::IpAddr;
use std::path::PathBuf;

/// Why a provider can't be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It begins with `{` and is not such an object.
    #[error("the provider is no JSON object with registry, repository, tag, insecure, ca_file")]
    Json(#[source] serde_json::Error),
    /// It names no registry.
    #[error("provider {0:?} names no registry")]
    NoRegistry(String),
    /// The repository is none that registries accept.
    #[error("{0:?} is not a repository name")]
    Repository(String),
    /// The tag is none that registries accept.
    #[error("{0:?} is not a tag")]
    Tag(String),
    /// An image's identifier is not `registry/repository@sha256:…`.
    #[error("image identifier {0:?} is not of the form registry/repository@sha256:digest")]
    Identifier(String),
}

/// How to fix any of them.
pub const HINT: &str = "write registry.example.org:5000/repository:tag, \
     or {\"registry\": \"registry.example.org:5000\", \"repository\": \"team/image\"}";

/// Where an image goes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Destination {
    /// Host and port.
    pub registry: String,
    /// The repository; the image's own otherwise.
    pub repository: Option<String>,
    /// The tag; the image's own otherwise.
    pub tag: Option<String>,
    /// Plain HTTP. Without it, HTTP is spoken to this machine only (and not if `ca_file` is given), HTTPS to all others.
    pub insecure: Option<bool>,
    /// A file of PEM certificates to trust in addition.
    pub ca_file: Option<PathBuf>,
    /// Another repository of the registry that may hold the same layers, to take them from.
    pub mount_from: Option<String>,
}

impl Destination {
    /// Reads a provider: `registry/repository:tag` (repository and tag may be absent), or a JSON object.
    ///
    /// # Errors
    /// If it names no registry, or a part is one that registries refuse.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let destination = match text.starts_with('{') {
            true => serde_json::from_str(text).map_err(Error::Json)?,
            false => Self::parse_reference(text)?,
        };
        destination.checked(text)
    }

    fn parse_reference(text: &str) -> Result<Self, Error> {
        let text = text.strip_prefix("docker://").unwrap_or(text);
        let (registry, rest) = match text.split_once('/') {
            Some((registry, rest)) => (registry, Some(rest)),
            None => (text, None),
        };
        let (repository, tag) = match rest.and_then(|rest| rest.rsplit_once(':')) {
            Some((repository, tag)) => (Some(repository), Some(tag)),
            None => (rest, None),
        };
        Ok(Self {
            registry: registry.to_owned(),
            repository: repository.map(str::to_owned),
            tag: tag.map(str::to_owned),
            insecure: None,
            ca_file: None,
            mount_from: None,
        })
    }

    fn checked(self, text: &str) -> Result<Self, Error> {
        if !is_registry(&self.registry) || self.registry.contains(['/', '@', ' ']) {
            return Err(Error::NoRegistry(text.to_owned()));
        }
        let bad = |name: &&String| !is_repository(&format!("{}/{name}", self.registry));
        if let Some(name) = [&self.repository, &self.mount_from].into_iter().flatten().find(bad) {
            return Err(Error::Repository(name.clone()));
        }
        match self.tag.as_ref().filter(|tag| !is_tag(tag)) {
            Some(tag) => Err(Error::Tag(tag.clone())),
            None => Ok(self),
        }
    }

    /// Returns whether it is spoken to without encryption.
    pub fn is_plain(&self) -> bool {
        let unsaid = self.ca_file.is_none() && is_loopback(&self.registry);
        self.insecure.unwrap_or(unsaid)
    }

    /// Returns the name of an image there, which has its own name unless the destination says another.
    pub fn reference(&self, own: &ImageName) -> Reference {
        let repository = self.repository.clone().unwrap_or_else(|| own.path().to_owned());
        let tag = self.tag.clone().unwrap_or_else(|| own.tag.clone());
        Reference::with_tag(self.registry.clone(), repository, tag)
    }
}

/// Splits what a push answered: `registry/repository@sha256:…`.
///
/// # Errors
/// If it is something else.
pub fn parse_identifier(text: &str) -> Result<Reference, Error> {
    let wrong = || Error::Identifier(text.to_owned());
    let (name, digest) = text.split_once('@').ok_or_else(wrong)?;
    let (registry, repository) = name.split_once('/').ok_or_else(wrong)?;
    let hex = digest.strip_prefix("sha256:").ok_or_else(wrong)?;
    let whole = hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !whole || !is_registry(registry) || !is_repository(name) {
        return Err(wrong());
    }
    Ok(Reference::with_digest(registry.to_owned(), repository.to_owned(), digest.to_owned()))
}

fn is_loopback(registry: &str) -> bool {
    let host = match registry.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => registry,
    };
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> ImageName {
        ImageName { repository: "team/debian".into(), tag: "v1".into() }
    }

    #[test]
    fn what_the_provider_does_not_say_the_image_says() {
        for (provider, reference) in [
            ("127.0.0.1:5000", "127.0.0.1:5000/team/debian:v1"),
            ("registry.example.org/os/base", "registry.example.org/os/base:v1"),
            ("localhost/os:v2", "localhost/os:v2"),
            (r#"{"registry": "h:1", "tag": "v3"}"#, "h:1/team/debian:v3"),
        ] {
            let destination = Destination::parse(provider).unwrap();
            assert_eq!(destination.reference(&name()).to_string(), reference);
        }
    }

    #[test]
    fn only_this_machine_is_spoken_to_in_the_clear_unless_told() {
        for (provider, plain) in [
            ("127.0.0.1:5000/a", true),
            ("localhost:5000/a", true),
            ("127.8.9.1/a", true),
            ("[::1]:5000/a", true),
            ("192.0.2.1:5000/a", false),
            ("registry.example.org/a", false),
            (r#"{"registry": "192.0.2.1:5000", "insecure": true}"#, true),
            (r#"{"registry": "127.0.0.1:5000", "insecure": false}"#, false),
            (r#"{"registry": "127.0.0.1:5000", "ca_file": "/ca.pem"}"#, false),
        ] {
            assert_eq!(Destination::parse(provider).unwrap().is_plain(), plain, "{provider}");
        }
    }

    #[test]
    fn bad_providers_are_refused_with_what_is_wrong() {
        for (provider, message) in [
            ("", "provider \"\" names no registry"),
            ("debian", "provider \"debian\" names no registry"),
            ("team/debian:v1", "provider \"team/debian:v1\" names no registry"),
            ("h.example/A", "\"A\" is not a repository name"),
            ("h.example/a:-", "\"-\" is not a tag"),
            (
                r#"{"host": "x"}"#,
                "the provider is no JSON object with registry, repository, tag, insecure, ca_file",
            ),
        ] {
            assert_eq!(Destination::parse(provider).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn identifiers_are_split() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        let reference = parse_identifier(&format!("127.0.0.1:5000/a/b@{digest}")).unwrap();
        assert_eq!((reference.registry(), reference.repository()), ("127.0.0.1:5000", "a/b"));
        assert_eq!(reference.digest(), Some(digest.as_str()));
        for text in ["", "h:1/a", "h:1/a@sha256:12", "a/b@sha256:", "h:1/a:v1"] {
            assert!(parse_identifier(text).is_err(), "{text}");
        }
    }
}
