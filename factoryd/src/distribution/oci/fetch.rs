//! Fetching a package: from its mirrors, then from where it is said to be.

use super::document::{Descriptor, Document, digest, is_digest};
use super::hashing::Hashing;
use super::mirror::Mirror;
use super::place::Place;
use crate::distribution::{Distribution, Error, Source};
use crate::package::Limits;
use crate::report::chain;
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, Write};
use std::path::Path;
use std::sync::Arc;

/// An archive that is here, and what it was known by.
pub(in crate::distribution) struct Fetched {
    /// The archive, from its beginning.
    pub(in crate::distribution) file: Arc<File>,
    /// `sha256:` of the manifest, or of the archive if there is none.
    pub(in crate::distribution) digest: String,
}

impl Fetched {
    /// Opens an archive of this machine.
    pub(in crate::distribution) fn archive(path: &Path, limits: &Limits) -> Result<Self, Error> {
        let mut file = File::open(path).map_err(Error::io("read", path))?;
        let mut hashing = Hashing::new(io::sink());
        let most = limits.archive;
        let len = io::copy(&mut (&mut file).take(most + 1), &mut hashing);
        let len = len.map_err(Error::io("read", path))?;
        if most < len {
            let source = crate::package::Error::TooLarge { what: "the archive", max: most };
            return Err(Error::Package { from: path.display().to_string(), source });
        }
        file.rewind().map_err(Error::io("read", path))?;
        Ok(Self { file: Arc::new(file), digest: hashing.digest() })
    }
}

impl Distribution {
    /// Fetches an archive into a directory, from wherever it is first found.
    pub(in crate::distribution) async fn fetch(
        &self,
        source: &Source,
        into: &Path,
    ) -> Result<Fetched, Error> {
        let mut tried = Vec::new();
        for place in self.places(source)? {
            match self.fetch_from(&place, into).await {
                Ok(fetched) => return Ok(fetched),
                Err(error) => tried.push(said(&place, &error)),
            }
        }
        Err(Error::Nowhere { from: source.to_string(), tried })
    }

    /// Lists the tags beside a source's, from wherever they are first found.
    pub(in crate::distribution) async fn tags(
        &self,
        source: &Source,
    ) -> Result<Vec<String>, Error> {
        let mut tried = Vec::new();
        for place in self.places(source)? {
            let tags = async { Place::prepare(&self.options, &place)?.tags().await };
            match tags.await {
                Ok(tags) => return Ok(tags),
                Err(error) => tried.push(said(&place, &error)),
            }
        }
        Err(Error::Nowhere { from: source.to_string(), tried })
    }

    /// Answers where something is looked for, in order.
    fn places(&self, source: &Source) -> Result<Vec<Source>, Error> {
        let Source::Registry(reference) = source else { return Ok(vec![source.clone()]) };
        let mut places = Mirror::of(&self.options.mirrors, reference);
        if !self.options.air_gap {
            places.push(source.clone());
        }
        if places.is_empty() { Err(Error::AirGap(source.to_string())) } else { Ok(places) }
    }

    async fn fetch_from(&self, source: &Source, into: &Path) -> Result<Fetched, Error> {
        let place = Place::prepare(&self.options, source)?;
        let wrong = |why: String| Error::Registry { from: source.to_string(), why };
        let (layer, digest) = self.resolve(&place).await.map_err(|fault| match fault {
            Fault::Error(error) => error,
            Fault::Document(why) => wrong(why),
        })?;
        if !is_digest(&layer.digest) || self.options.limits.archive < layer.size {
            return Err(wrong(format!("its layer is {}, of {} bytes", layer.digest, layer.size)));
        }
        let mut file = tempfile::tempfile_in(into).map_err(Error::io("write into", into))?;
        let mut hashing = Hashing::new(BufWriter::new(&mut file));
        place.blob(&layer.digest, layer.size, &mut hashing).await?;
        hashing.flush().map_err(Error::io("write into", into))?;
        let found = hashing.digest();
        if found != layer.digest {
            return Err(wrong(format!("its layer is {found}, and {} was asked for", layer.digest)));
        }
        file.rewind().map_err(Error::io("read", into))?;
        Ok(Fetched { file: Arc::new(file), digest })
    }

    /// Finds the layer for this machine, and the digest of its manifest.
    async fn resolve(&self, place: &Place) -> Result<(Descriptor, String), Fault> {
        let bytes = place.document(None).await?;
        let index = match understand(&bytes)? {
            Document::Manifest(manifest) => return Ok((manifest.layer()?.clone(), digest(&bytes))),
            Document::Index(index) => index,
        };
        let bytes = place.document(Some(&index.here()?.digest)).await?;
        match understand(&bytes)? {
            Document::Manifest(manifest) => Ok((manifest.layer()?.clone(), digest(&bytes))),
            Document::Index(_) => Err(Fault::Document("there is an index in its index".to_owned())),
        }
    }
}

enum Fault {
    Error(Error),
    Document(String),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<String> for Fault {
    fn from(why: String) -> Self {
        Self::Document(why)
    }
}

fn understand(bytes: &[u8]) -> Result<Document, String> {
    serde_json::from_slice(bytes)
        .map_err(|_| "it is neither a manifest nor an index of OCI's".to_owned())
}

fn said(place: &Source, error: &Error) -> String {
    match error {
        Error::Registry { .. } => error.to_string(),
        other => format!("{place}: {}", chain(other)),
    }
}
