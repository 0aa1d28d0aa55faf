//! The JSON documents of an image: the OCI configuration, manifest and index, and Docker's `manifest.json`.
//!
//! They are built with [`oci_spec`] and written with sorted keys, so that the same image always has the same digests.

use crate::compression::Compression;
use crate::digest::Blob;
use crate::reference::ImageName;
use chrono::{DateTime, SecondsFormat};
use oci_spec::OciSpecError;
use oci_spec::image::{
    Arch, ConfigBuilder, Descriptor, DescriptorBuilder, Digest, HistoryBuilder,
    ImageConfigurationBuilder, ImageIndexBuilder, ImageManifestBuilder, MediaType, Os,
    PlatformBuilder, RootFsBuilder, SCHEMA_VERSION,
};
use serde_json::json;
use std::collections::{BTreeMap, HashMap};
use std::str::FromStr;

/// The content of the file `oci-layout`.
pub const OCI_LAYOUT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;

/// The annotation by which containerd, Docker and Podman name an image of a layout.
const CONTAINERD_NAME: &str = "io.containerd.image.name";
const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// Why the documents could not be built.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A document lacks something that OCI demands.
    #[error("can't build the image's documents")]
    Oci(#[from] OciSpecError),
    /// A document can't be written as JSON.
    #[error("can't write the image's documents")]
    Json(#[from] serde_json::Error),
}

/// What an image says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Its name.
    pub name: ImageName,
    /// The architecture as a template has it, such as `x86_64`.
    pub arch: String,
    /// The operating system, such as `linux`.
    pub os: String,
    /// What runs when nothing else is asked for.
    pub cmd: Option<Vec<String>>,
    /// Environment variables, `NAME=VALUE`.
    pub env: Option<Vec<String>>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// A remark, kept in the history.
    pub comment: String,
}

/// A layer, compressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// The layer as it is stored.
    pub stored: Blob,
    /// The digest and size of the tar before compression.
    pub tar: Blob,
    /// How it is compressed.
    pub media_type: MediaType,
}

impl Layer {
    /// Describes a layer, or answers `None` if OCI has no such layers.
    pub fn new(stored: Blob, tar: Blob, compression: Compression) -> Option<Self> {
        Some(Self { stored, tar, media_type: compression.layer_media_type()? })
    }
}

/// The documents of an image.
#[derive(Debug, Clone)]
pub struct Documents {
    /// The configuration.
    pub config: Vec<u8>,
    /// The manifest.
    pub manifest: Vec<u8>,
    /// `index.json`.
    pub index: Vec<u8>,
    /// `manifest.json`, for Docker before release 25.
    pub docker_manifest: Vec<u8>,
}

impl Documents {
    /// Builds the documents of an image with one layer, made at `created` (seconds since 1970).
    ///
    /// # Errors
    /// If a digest or a name is not what OCI demands.
    pub fn build(identity: &Identity, layer: &Layer, created: u64) -> Result<Self, Error> {
        let created = rfc3339(created);
        let config = sorted(config(identity, layer, &created)?)?;
        let manifest = sorted(manifest(&config, layer)?)?;
        let index = sorted(index(identity, &manifest, &created)?)?;
        let docker_manifest = sorted(json!([{
            "Config": Blob::of(&config).path(),
            "RepoTags": [identity.name.short()],
            "Layers": [layer.stored.path()],
        }]))?;
        Ok(Self { config, manifest, index, docker_manifest })
    }
}

/// Returns an architecture and its variant as OCI names them.
pub fn platform(arch: &str) -> (&str, Option<&'static str>) {
    match arch {
        "x86_64" => ("amd64", None),
        "i386" | "i686" => ("386", None),
        "aarch64" => ("arm64", Some("v8")),
        "armv7l" | "armv7hl" => ("arm", Some("v7")),
        other => (other, None),
    }
}

fn config(identity: &Identity, layer: &Layer, created: &str) -> Result<serde_json::Value, Error> {
    let mut run = ConfigBuilder::default();
    if let Some(cmd) = &identity.cmd {
        run = run.cmd(cmd.clone());
    }
    if let Some(env) = &identity.env {
        run = run.env(env.clone());
    }
    if !identity.labels.is_empty() {
        run = run.labels(identity.labels.clone().into_iter().collect::<HashMap<_, _>>());
    }
    let history =
        HistoryBuilder::default().created(created).comment(identity.comment.as_str()).build()?;
    let root = RootFsBuilder::default().diff_ids(vec![layer.tar.digest.clone()]).build()?;
    let (arch, variant) = platform(&identity.arch);
    let mut builder = ImageConfigurationBuilder::default()
        .created(created)
        .architecture(Arch::from(arch))
        .os(Os::from(identity.os.as_str()))
        .config(run.build()?)
        .rootfs(root)
        .history(vec![history]);
    if let Some(variant) = variant {
        builder = builder.variant(variant);
    }
    Ok(serde_json::to_value(builder.build()?)?)
}

fn manifest(config: &[u8], layer: &Layer) -> Result<serde_json::Value, Error> {
    let manifest = ImageManifestBuilder::default()
        .schema_version(SCHEMA_VERSION)
        .media_type(MediaType::ImageManifest)
        .config(descriptor(MediaType::ImageConfig, &Blob::of(config))?)
        .layers(vec![descriptor(layer.media_type.clone(), &layer.stored)?])
        .build()?;
    Ok(serde_json::to_value(manifest)?)
}

fn index(identity: &Identity, manifest: &[u8], created: &str) -> Result<serde_json::Value, Error> {
    let (arch, variant) = platform(&identity.arch);
    let mut platform = PlatformBuilder::default()
        .architecture(Arch::from(arch))
        .os(Os::from(identity.os.as_str()));
    if let Some(variant) = variant {
        platform = platform.variant(variant);
    }
    let annotations = HashMap::from([
        (CONTAINERD_NAME.to_owned(), identity.name.full()),
        (REF_NAME.to_owned(), identity.name.tag.clone()),
        ("org.opencontainers.image.created".to_owned(), created.to_owned()),
    ]);
    let mut entry = descriptor(MediaType::ImageManifest, &Blob::of(manifest))?;
    entry.set_annotations(Some(annotations));
    entry.set_platform(Some(platform.build()?));
    let index = ImageIndexBuilder::default()
        .schema_version(SCHEMA_VERSION)
        .media_type(MediaType::ImageIndex)
        .manifests(vec![entry])
        .build()?;
    Ok(serde_json::to_value(index)?)
}

fn descriptor(media_type: MediaType, blob: &Blob) -> Result<Descriptor, OciSpecError> {
    let digest = Digest::from_str(&blob.digest)?;
    DescriptorBuilder::default().media_type(media_type).size(blob.size).digest(digest).build()
}

/// Writes JSON with sorted keys: labels and annotations come from hash maps, in any order.
fn sorted(mut value: serde_json::Value) -> Result<Vec<u8>, Error> {
    value.sort_all_objects();
    Ok(serde_json::to_vec(&value)?)
}

fn rfc3339(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    time.unwrap_or_default().to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        let label = |n: usize| (format!("label-{n}"), n.to_string());
        Identity {
            name: ImageName { repository: "debian-12".into(), tag: "v1".into() },
            arch: "aarch64".into(),
            os: "linux".into(),
            cmd: Some(vec!["/bin/sh".into()]),
            env: None,
            labels: (0..20).map(label).collect(),
            comment: "Created by Image Factory".into(),
        }
    }

    #[test]
    fn the_same_image_has_the_same_documents() {
        let layer = Layer::new(Blob::of(b"z"), Blob::of(b"tar"), Compression::Zstd).unwrap();
        let first = Documents::build(&identity(), &layer, 86_400).unwrap();
        let again = Documents::build(&identity(), &layer, 86_400).unwrap();
        assert_eq!(first.config, again.config);
        assert_eq!(first.index, again.index);
    }

    #[test]
    fn the_documents_name_each_other() {
        let layer = Layer::new(Blob::of(b"z"), Blob::of(b"tar"), Compression::Zstd).unwrap();
        let documents = Documents::build(&identity(), &layer, 86_400).unwrap();
        let json = |bytes| serde_json::from_slice::<serde_json::Value>(bytes).unwrap();
        let config = json(&documents.config);
        assert_eq!(config["created"], "1970-01-02T00:00:00Z");
        assert_eq!((&config["architecture"], &config["variant"]), (&json!("arm64"), &json!("v8")));
        assert_eq!(config["rootfs"]["diff_ids"], json!([Blob::of(b"tar").digest]));
        let manifest = json(&documents.manifest);
        assert_eq!(manifest["config"]["digest"], Blob::of(&documents.config).digest);
        assert_eq!(
            manifest["layers"][0]["mediaType"],
            "application/vnd.oci.image.layer.v1.tar+zstd"
        );
        let index = json(&documents.index);
        assert_eq!(index["manifests"][0]["digest"], Blob::of(&documents.manifest).digest);
        assert_eq!(
            index["manifests"][0]["annotations"][CONTAINERD_NAME],
            "docker.io/library/debian-12:v1"
        );
        let docker = json(&documents.docker_manifest);
        assert_eq!(docker[0]["RepoTags"], json!(["debian-12:v1"]));
    }
}
