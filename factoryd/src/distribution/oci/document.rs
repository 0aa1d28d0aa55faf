//! Manifests and indexes: as much of them as counts here.

use super::hashing::Hashing;
use super::{ARTIFACT, EMPTY, INDEX, LAYERS, MANIFEST};
use crate::package::{Identity, Platform};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// A manifest or an index.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Document {
    /// Several manifests.
    Index(Index),
    /// One.
    Manifest(Manifest),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Index {
    schema_version: u32,
    #[serde(default)]
    media_type: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    artifact_type: String,
    pub(super) manifests: Vec<Descriptor>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest {
    schema_version: u32,
    #[serde(default)]
    media_type: String,
    #[serde(default)]
    artifact_type: String,
    config: Descriptor,
    layers: Vec<Descriptor>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor {
    pub(super) media_type: String,
    pub(super) digest: String,
    pub(super) size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) platform: Option<Runs>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) annotations: BTreeMap<String, String>,
}

/// What a manifest of an index is for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Runs {
    os: String,
    architecture: String,
}

/// The config of what has none: `{}`.
pub(super) const EMPTY_CONFIG: &[u8] = b"{}";

/// Answers the digest of bytes, as OCI writes it.
pub(super) fn digest(bytes: &[u8]) -> String {
    let mut hashing = Hashing::new(io::sink());
    // What goes nowhere can't fail.
    let _ = hashing.write_all(bytes);
    hashing.digest()
}

/// Tells whether a text is a digest that can be checked here.
pub(super) fn is_digest(text: &str) -> bool {
    let hexadecimal = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.strip_prefix("sha256:").is_some_and(|it| it.len() == 64 && it.bytes().all(hexadecimal))
}

impl Index {
    /// Makes one of nothing.
    pub(super) fn new() -> Self {
        let (media_type, artifact_type) = (INDEX.to_owned(), ARTIFACT.to_owned());
        Self { schema_version: 2, media_type, artifact_type, manifests: Vec::new() }
    }

    /// Puts a manifest into it, in the place of one for the same platform.
    pub(super) fn put(&mut self, manifest: &[u8], platform: &Platform) {
        let platform = Runs::of(platform);
        self.manifests.retain(|other| other.platform != platform);
        self.manifests.push(Descriptor { platform, ..Descriptor::of(MANIFEST, manifest) });
    }

    /// Finds the manifest for this machine, else the one for any.
    ///
    /// # Errors
    /// If there is none; says what there is.
    pub(super) fn here(&self) -> Result<&Descriptor, String> {
        let find = |platform| self.manifests.iter().find(|it| it.platform == Runs::of(&platform));
        find(Platform::here()).or_else(|| find(Platform::Any)).ok_or_else(|| {
            let there = self.manifests.iter().filter_map(|it| it.platform.as_ref());
            let there: Vec<_> = there.map(|it| format!("{}/{}", it.os, it.architecture)).collect();
            format!("there is nothing for {} (only for {})", Platform::here(), there.join(", "))
        })
    }
}

impl Manifest {
    /// Makes the one of a package whose archive is this layer.
    pub(super) fn new(identity: &Identity, layer: Descriptor) -> Self {
        let annotations = [
            ("org.opencontainers.image.title", identity.executable()),
            ("org.opencontainers.image.version", identity.version.to_string()),
        ];
        let annotations = annotations.map(|(name, value)| (name.to_owned(), value));
        Self {
            schema_version: 2,
            media_type: MANIFEST.to_owned(),
            artifact_type: ARTIFACT.to_owned(),
            config: Descriptor::of(EMPTY, EMPTY_CONFIG),
            layers: vec![layer],
            annotations: annotations.into(),
        }
    }

    /// Answers the layer that is the archive.
    ///
    /// # Errors
    /// If it is no manifest of a package.
    pub(super) fn layer(&self) -> Result<&Descriptor, String> {
        if self.artifact_type != ARTIFACT {
            let kind = &self.artifact_type;
            return Err(format!("it is no package of a plugin, but an artifact of type {kind:?}"));
        }
        match self.layers.as_slice() {
            [layer] if LAYERS.iter().any(|(_, kind)| *kind == layer.media_type) => Ok(layer),
            [layer] => {
                Err(format!("its layer is of type {:?}, which is not known", layer.media_type))
            }
            layers => Err(format!("it has {} layers, where a package has one", layers.len())),
        }
    }
}

impl Descriptor {
    /// Describes bytes.
    pub(super) fn of(media_type: &str, bytes: &[u8]) -> Self {
        let (media_type, size) = (media_type.to_owned(), bytes.len() as u64);
        Self { media_type, digest: digest(bytes), size, ..Self::default() }
    }
}

impl Runs {
    fn of(platform: &Platform) -> Option<Self> {
        match platform {
            Platform::Any => None,
            Platform::Of { os, arch } => Some(Self { os: os.clone(), architecture: arch.clone() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        Identity { name: "x".into(), version: "1.2.3".parse().unwrap(), platform: Platform::Any }
    }

    #[test]
    fn an_index_has_one_manifest_a_platform_and_the_best_one_is_found() {
        let mut index = Index::new();
        assert!(index.here().is_err());
        index.put(b"other", &Platform::linux("sparc64"));
        let nothing = index.here().unwrap_err();
        assert!(nothing.contains("(only for linux/sparc64)"), "{nothing}");
        index.put(b"any", &Platform::Any);
        assert_eq!(index.here().unwrap().digest, digest(b"any"));
        index.put(b"old", &Platform::here());
        index.put(b"new", &Platform::here());
        assert_eq!((index.manifests.len(), &index.here().unwrap().digest), (3, &digest(b"new")));
        let text = serde_json::to_vec(&index).unwrap();
        assert!(matches!(serde_json::from_slice(&text).unwrap(), Document::Index(_)));
    }

    #[test]
    fn a_manifest_of_something_else_is_refused() {
        let layer = Descriptor::of(LAYERS[0].1, b"archive");
        let manifest = Manifest::new(&identity(), layer.clone());
        let text = serde_json::to_vec(&manifest).unwrap();
        let Document::Manifest(read) = serde_json::from_slice(&text).unwrap() else { panic!() };
        assert_eq!(read.layer().unwrap(), &layer);
        let image = Manifest { artifact_type: String::new(), ..manifest.clone() };
        assert!(image.layer().unwrap_err().contains("no package of a plugin"));
        let two = Manifest { layers: vec![layer.clone(), layer], ..manifest.clone() };
        assert!(two.layer().unwrap_err().contains("2 layers"));
        let other = Manifest { layers: vec![Descriptor::of("x/y", b"")], ..manifest };
        assert!(other.layer().unwrap_err().contains("x/y"));
    }

    #[test]
    fn digests_are_of_one_kind() {
        assert!(is_digest(&digest(b"")));
        for text in ["", "sha256:", "sha512:00", &digest(b"").to_uppercase(), "sha256:../../../x"] {
            assert!(!is_digest(text), "{text}");
        }
    }
}
