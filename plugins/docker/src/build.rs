//! The one pass: root file system in, image archive (or plain tar) out. Blocking, with memory that does not grow with the
//! image.

use crate::archive::ArchiveWriter;
use crate::compression::{Compression, Compressor};
use crate::digest::{Blob, Hashing};
use crate::exclude::Excludes;
use crate::image::{self, Documents, Identity, Layer, OCI_LAYOUT};
use crate::rootfs::{self, Filter, Summary};
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use tokio_util::sync::CancellationToken;

const BUFFER_SIZE: usize = 1 << 20;

/// Why an image could not be built.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The input can't be opened.
    #[error("can't open the root file system {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The layer could not be made.
    #[error(transparent)]
    Rootfs(#[from] rootfs::Error),
    /// The result can't be written.
    #[error("can't write the image")]
    Write(#[source] io::Error),
    /// The documents could not be made.
    #[error(transparent)]
    Documents(#[from] image::Error),
    /// The compression is none that a layer can have.
    #[error("an image layer can't be compressed with {0:?}")]
    LayerCompression(Compression),
}

/// What goes in and what comes out.
#[derive(Debug)]
pub struct Build<'a> {
    /// The tar of the root file system.
    pub rootfs: &'a Path,
    /// The file to write.
    pub output: &'a Path,
    /// What to leave out.
    pub excludes: &'a Excludes,
    /// How to compress.
    pub compression: Compression,
    /// The time of the image, and the latest time of a file in it, in seconds since 1970; the newest file's otherwise.
    pub created: Option<u64>,
    /// How many threads compress.
    pub threads: usize,
}

/// How far a build is; shared with who reports it.
#[derive(Debug, Default)]
pub struct Pulse {
    /// How many bytes of the root file system were read.
    pub bytes_read: AtomicU64,
    /// Stops the build when it fires.
    pub cancellation: CancellationToken,
}

/// An image that was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// The manifest: its digest names the image in registries.
    pub manifest: Blob,
    /// The configuration: its digest is the image's id.
    pub config: Blob,
    /// The layer.
    pub layer: Layer,
    /// What it was made of.
    pub summary: Summary,
}

impl Build<'_> {
    /// Writes an image archive.
    ///
    /// # Errors
    /// If the input can't be read, the output can't be written, or the pulse says stop.
    pub fn image(&self, identity: &Identity, pulse: &Pulse) -> Result<Built, Error> {
        let mut archive = ArchiveWriter::create(self.output).map_err(Error::Write)?;
        let (tar, stored, summary) = self.layer(&mut archive, pulse)?;
        let layer = Layer::new(stored, tar, self.compression)
            .ok_or(Error::LayerCompression(self.compression))?;
        let created = self.created.unwrap_or(summary.newest);
        let documents = Documents::build(identity, &layer, created)?;
        let config = Blob::of(&documents.config);
        let manifest = Blob::of(&documents.manifest);
        let finish = || {
            archive.end_layer(&layer.stored, created)?;
            archive.append(&config.path(), &documents.config, created)?;
            archive.append(&manifest.path(), &documents.manifest, created)?;
            archive.append("index.json", &documents.index, created)?;
            archive.append("manifest.json", &documents.docker_manifest, created)?;
            archive.append("oci-layout", OCI_LAYOUT, created)?;
            archive.finish()
        };
        finish().map_err(Error::Write)?;
        Ok(Built { manifest, config, layer, summary })
    }

    /// Writes the root file system as a plain tar, compressed. xz and bzip2 are left to the programs of that name.
    ///
    /// # Errors
    /// As [`image`](Self::image).
    pub fn tar(&self, pulse: &Pulse) -> Result<(Blob, Summary), Error> {
        let mut file = File::create(self.output).map_err(Error::Write)?;
        let (_, stored, summary) = self.layer(&mut file, pulse)?;
        Ok((stored, summary))
    }

    /// Writes the layer; answers the names of its tar and of what was written.
    fn layer(&self, output: impl Write, pulse: &Pulse) -> Result<(Blob, Blob, Summary), Error> {
        let source = File::open(self.rootfs)
            .map_err(|source| Error::Open { path: self.rootfs.to_owned(), source })?;
        let input = Counting { input: source, count: &pulse.bytes_read };
        let filter = Filter {
            excludes: self.excludes,
            newest_max: self.created,
            goes_on: &|| !pulse.cancellation.is_cancelled(),
        };
        let compressor = Compressor::new(self.compression, Hashing::new(output), self.threads)
            .map_err(Error::Write)?;
        let mut tar = Hashing::new(compressor);
        let summary = filter.copy(BufReader::with_capacity(BUFFER_SIZE, input), &mut tar)?;
        let (compressor, tar) = tar.finish();
        let (_, stored) = compressor.finish().map_err(Error::Write)?.finish();
        Ok((tar, stored, summary))
    }
}

struct Counting<'a, R> {
    input: R,
    count: &'a AtomicU64,
}

impl<R: Read> Read for Counting<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
