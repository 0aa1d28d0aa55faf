//! An OCI image layout: what a registry has, in a directory. `skopeo copy --all` and `oras copy` make such.

use super::DOCUMENT_LEN_MAX;
use super::document::{Index, digest, is_digest};
use crate::distribution::Error;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// The annotation that is the tag.
const TAG: &str = "org.opencontainers.image.ref.name";

/// A layout, and what of it is meant.
pub(super) struct Layout {
    pub(super) directory: PathBuf,
    pub(super) tag: String,
}

impl Layout {
    /// Reads a manifest or an index: of the tag, or of a digest.
    pub(super) fn document(&self, of: Option<&str>) -> Result<Vec<u8>, Error> {
        let of = match of {
            Some(digest) => digest.to_owned(),
            None if is_digest(&self.tag) => self.tag.clone(),
            None => self.tagged()?,
        };
        let bytes = self.read(&self.path(&of)?)?;
        match digest(&bytes) == of {
            true => Ok(bytes),
            false => Err(self.failure(format!("manifest {of} is not what its name says"))),
        }
    }

    /// Copies a blob to a writer, but no more than one byte too much.
    pub(super) fn blob(&self, digest: &str, size: u64, into: &mut dyn Write) -> Result<(), Error> {
        let path = self.path(digest)?;
        let file = File::open(&path).map_err(Error::io("read", &path))?;
        io::copy(&mut file.take(size + 1), into).map(drop).map_err(Error::io("read", &path))
    }

    /// Lists the tags.
    pub(super) fn tags(&self) -> Result<Vec<String>, Error> {
        let index = self.index()?.manifests;
        Ok(index.into_iter().filter_map(|mut it| it.annotations.remove(TAG)).collect())
    }

    fn tagged(&self) -> Result<String, Error> {
        let index = self.index()?.manifests;
        let found = index.into_iter().find(|it| it.annotations.get(TAG) == Some(&self.tag));
        found.map(|it| it.digest).ok_or_else(|| self.failure("it has no such tag".to_owned()))
    }

    fn index(&self) -> Result<Index, Error> {
        let bytes = self.read(&self.directory.join("index.json"))?;
        serde_json::from_slice(&bytes)
            .map_err(|error| self.failure(format!("index.json can't be understood: {error}")))
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, Error> {
        let file = File::open(path).map_err(Error::io("read", path))?;
        let mut bytes = Vec::new();
        let mut most = file.take(DOCUMENT_LEN_MAX as u64 + 1);
        most.read_to_end(&mut bytes).map_err(Error::io("read", path))?;
        match DOCUMENT_LEN_MAX < bytes.len() {
            true => Err(self.failure(format!("{} is longer than 4 MiB", path.display()))),
            false => Ok(bytes),
        }
    }

    fn path(&self, digest: &str) -> Result<PathBuf, Error> {
        match digest.strip_prefix("sha256:").filter(|_| is_digest(digest)) {
            Some(hexadecimal) => Ok(self.directory.join("blobs/sha256").join(hexadecimal)),
            None => Err(self.failure(format!("{digest:?} is no SHA-256"))),
        }
    }

    fn failure(&self, why: String) -> Error {
        Error::Registry { from: format!("oci:{}:{}", self.directory.display(), self.tag), why }
    }
}
