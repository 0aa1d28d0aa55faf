//! Reads an image archive: finds the manifest and where each blob is, without reading the layers.

use crate::digest::Blob;
use oci_spec::image::{Descriptor, ImageIndex, ImageManifest};
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

const DOCUMENT_SIZE_MAX: u64 = 4 << 20;

/// Why an archive can't be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It can't be read.
    #[error("can't read image archive {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A member is missing.
    #[error("the image archive has no {0}")]
    Missing(String),
    /// A document is none.
    #[error("{name} of the image archive is not what it must be")]
    Document {
        /// Which.
        name: String,
        /// Why.
        source: serde_json::Error,
    },
}

/// An image archive.
#[derive(Debug, Clone)]
pub struct Layout {
    path: PathBuf,
    members: HashMap<String, Place>,
    /// The manifest as it is stored.
    pub manifest: Vec<u8>,
    /// The blobs that the manifest names, layers first.
    pub blobs: Vec<Blob>,
}

/// Where a member's content is in the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The first byte.
    pub offset: u64,
    /// How many bytes.
    pub size: u64,
}

impl Layout {
    /// Opens an archive and reads its index and manifest.
    ///
    /// # Errors
    /// If it is not an OCI image layout in a tar, or a blob is missing.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let read = |source| Error::Read { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(read)?;
        let members = members(&mut file).map_err(read)?;
        let index: ImageIndex =
            parse("index.json", &document(&mut file, path, &members, "index.json")?)?;
        let first = index.manifests().first();
        let name = blob(first.ok_or_else(|| Error::Missing("manifest".to_owned()))?).path();
        let manifest = document(&mut file, path, &members, &name)?;
        let parsed: ImageManifest = parse(&name, &manifest)?;
        let blobs: Vec<Blob> = parsed.layers().iter().chain([parsed.config()]).map(blob).collect();
        let layout = Self { path: path.to_owned(), members, manifest, blobs };
        for blob in &layout.blobs {
            layout.place(blob)?;
        }
        Ok(layout)
    }

    /// Returns where a blob is.
    ///
    /// # Errors
    /// If it is not there in full.
    pub fn place(&self, blob: &Blob) -> Result<Place, Error> {
        let place = self.members.get(&blob.path()).filter(|place| place.size == blob.size);
        place.copied().ok_or_else(|| Error::Missing(blob.path()))
    }

    /// Returns the archive's path.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn members(file: &mut File) -> io::Result<HashMap<String, Place>> {
    let mut members = HashMap::new();
    let mut archive = tar::Archive::new(file);
    for entry in archive.entries_with_seek()? {
        let entry = entry?;
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let place = Place { offset: entry.raw_file_position(), size: entry.size() };
        members.insert(path.trim_start_matches("./").to_owned(), place);
    }
    Ok(members)
}

fn document(
    file: &mut File,
    path: &Path,
    members: &HashMap<String, Place>,
    name: &str,
) -> Result<Vec<u8>, Error> {
    let place = members.get(name).filter(|place| place.size <= DOCUMENT_SIZE_MAX);
    let place = place.ok_or_else(|| Error::Missing(name.to_owned()))?;
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(place.offset))
        .and_then(|_| file.take(place.size).read_to_end(&mut bytes))
        .map_err(|source| Error::Read { path: path.to_owned(), source })?;
    Ok(bytes)
}

fn parse<T: DeserializeOwned>(name: &str, bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes)
        .map_err(|source| Error::Document { name: name.to_owned(), source })
}

fn blob(descriptor: &Descriptor) -> Blob {
    Blob { digest: descriptor.digest().to_string(), size: descriptor.size() }
}
