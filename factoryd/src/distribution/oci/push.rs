//! Pushing an archive into a registry: its layer, its manifest, and the index that the tag leads to.

use super::document::{Descriptor, Document, EMPTY_CONFIG, Index, Manifest, digest};
use super::hashing::Hashing;
use super::registry::Registry;
use super::{ARTIFACT, INDEX, LAYERS, MANIFEST};
use crate::distribution::{Error, Options, Source};
use crate::package::{Compression, Identity};
use futures_util::TryStreamExt;
use oci_client::Reference;
use oci_client::errors::OciDistributionError;
use reqwest::header::HeaderValue;
use std::fs::File;
use std::io;
use std::path::Path;
use tokio_util::io::ReaderStream;

const CHUNK: usize = 256 * 1024;

/// What was pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// Where: `oci://REGISTRY/REPOSITORY:TAG`.
    pub reference: String,
    /// `sha256:` of the manifest.
    pub manifest: String,
    /// `sha256:` of the index that the tag leads to.
    pub index: String,
}

impl Options {
    /// Pushes an archive to a tag, beside what is there for other platforms. Two that do so at once may undo each other's index.
    ///
    /// # Errors
    /// If it is no tag of a registry, the archive can't be read, or the registry can't be reached or refuses.
    pub async fn push(
        &self,
        archive: &Path,
        identity: &Identity,
        to: &Source,
    ) -> Result<Pushed, Error> {
        let Source::Registry(reference) = to else {
            let why = "only a tag of a registry can be pushed to: oci://HOST/REPOSITORY:TAG";
            return Err(Error::Source { text: to.to_string(), why: why.to_owned() });
        };
        if reference.digest().is_some() {
            let why = "a digest can't be chosen: give a tag".to_owned();
            return Err(Error::Source { text: to.to_string(), why });
        }
        let registry = Registry::prepare(self, reference)?;
        registry.log_in().await?;
        let layer = describe(archive)?;
        registry.push_bytes(EMPTY_CONFIG).await?;
        registry.push_file(archive, &layer).await?;
        let manifest = json(&Manifest::new(identity, layer))?;
        let by_digest = reference.clone_with_digest(digest(&manifest));
        registry.push_document(&by_digest, &manifest, MANIFEST).await?;
        let mut index = registry.index().await?;
        index.put(&manifest, &identity.platform);
        let index = json(&index)?;
        registry.push_document(reference, &index, INDEX).await?;
        Ok(Pushed { reference: to.to_string(), manifest: digest(&manifest), index: digest(&index) })
    }
}

impl Registry {
    /// Answers the index that the tag leads to; an empty one if there is none yet.
    async fn index(&self) -> Result<Index, Error> {
        let tags = self.tags().await.unwrap_or_default();
        if !tags.iter().any(|tag| Some(tag.as_str()) == self.reference.tag()) {
            return Ok(Index::new());
        }
        match serde_json::from_slice(&self.document(None).await?) {
            Ok(Document::Index(index)) => Ok(index),
            _ => Err(self.misbehaves(format!(
                "the tag leads to something that is no index of type {ARTIFACT}"
            ))),
        }
    }

    async fn push_bytes(&self, bytes: &'static [u8]) -> Result<(), Error> {
        let stream = futures_util::stream::iter([Ok(tokio_util::bytes::Bytes::from_static(bytes))]);
        let (digest, size) = (digest(bytes), bytes.len() as u64);
        let pushed =
            self.client.push_blob_stream(&self.reference, stream, &digest, Some(size)).await;
        pushed.map(drop).map_err(|error| self.failure(error))
    }

    async fn push_file(&self, path: &Path, layer: &Descriptor) -> Result<(), Error> {
        let failure = |error| self.failure(error);
        if self.client.blob_exists(&self.reference, &layer.digest).await.map_err(failure)? {
            return Ok(());
        }
        let file = tokio::fs::File::open(path).await.map_err(Error::io("read", path))?;
        let stream =
            ReaderStream::with_capacity(file, CHUNK).map_err(OciDistributionError::IoError);
        let pushed =
            self.client.push_blob_stream(&self.reference, stream, &layer.digest, Some(layer.size));
        pushed.await.map(drop).map_err(failure)
    }

    async fn push_document(
        &self,
        to: &Reference,
        bytes: &[u8],
        kind: &'static str,
    ) -> Result<(), Error> {
        let kind = HeaderValue::from_static(kind);
        let pushed = self.client.push_manifest_raw(to, bytes.to_vec(), kind).await;
        pushed.map(drop).map_err(|error| self.failure(error))
    }
}

fn describe(archive: &Path) -> Result<Descriptor, Error> {
    let mut file = File::open(archive).map_err(Error::io("read", archive))?;
    let mut hashing = Hashing::new(io::sink());
    let size = io::copy(&mut file, &mut hashing).map_err(Error::io("read", archive))?;
    let kind = Compression::of(archive).unwrap_or_default();
    let media_type = LAYERS.iter().find(|(compression, _)| *compression == kind);
    let media_type = media_type.map(|(_, media_type)| (*media_type).to_owned()).unwrap_or_default();
    let digest = hashing.digest();
    Ok(Descriptor { media_type, digest, size, ..Descriptor::default() })
}

fn json(document: &impl serde::Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(document).map_err(|error| Error::io("write", "a manifest")(error.into()))
}
