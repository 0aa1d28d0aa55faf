//! The archive that holds the image: a tar whose largest member is written before its name and size are known.

use crate::digest::Blob;
use crate::member::{BLOCK_SIZE, Member, write_end, write_padding};
use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

const BUFFER_SIZE: usize = 256 * 1024;

/// The directories of the layout. Without entries of their own, some tools want to give them to root and fail as anyone
/// else.
const DIRECTORIES: [&str; 2] = ["blobs/", "blobs/sha256/"];

/// What is in front of the layer's content: the directories' headers and its own.
const RESERVED: usize = (DIRECTORIES.len() + 1) * BLOCK_SIZE as usize;

/// Writes a tar that begins with a layer: room for its header is left, its content is written once, and the header is
/// written when digest and size are known. So the layer is never copied.
pub struct ArchiveWriter {
    file: BufWriter<File>,
}

impl ArchiveWriter {
    /// Creates the file and leaves room for the layer's header. What is written next is the layer's content.
    ///
    /// # Errors
    /// If the file can't be created or written.
    pub fn create(path: &Path) -> io::Result<Self> {
        let mut file = BufWriter::with_capacity(BUFFER_SIZE, File::create(path)?);
        file.write_all(&[0; RESERVED])?;
        Ok(Self { file })
    }

    /// Ends the layer's content and goes back to write its header.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn end_layer(&mut self, blob: &Blob, mtime: u64) -> io::Result<()> {
        write_padding(&mut self.file, blob.size)?;
        self.file.rewind()?;
        for path in DIRECTORIES {
            self.file.write_all(&Member::directory(path, mtime).header_block()?)?;
        }
        self.file.write_all(&Member::file(&blob.path(), blob.size, mtime).header_block()?)?;
        self.file.seek(SeekFrom::End(0))?;
        Ok(())
    }

    /// Adds a small member.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn append(&mut self, path: &str, bytes: &[u8], mtime: u64) -> io::Result<()> {
        let member = Member::file(path, bytes.len() as u64, mtime);
        member.write_header(&mut self.file)?;
        self.file.write_all(bytes)?;
        write_padding(&mut self.file, member.size)
    }

    /// Ends the archive.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn finish(mut self) -> io::Result<()> {
        write_end(&mut self.file)?;
        self.file.flush()
    }
}

impl Write for ArchiveWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn the_layer_is_readable_though_its_header_came_last() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("image.tar");
        let layer = vec![7; 1_000_001];
        let mut archive = ArchiveWriter::create(&path).unwrap();
        archive.write_all(&layer).unwrap();
        archive.end_layer(&Blob::of(&layer), 3).unwrap();
        archive.append("oci-layout", b"{}", 3).unwrap();
        archive.finish().unwrap();

        let mut archive = tar::Archive::new(File::open(&path).unwrap());
        let mut found = Vec::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            found.push((entry.path().unwrap().display().to_string(), content));
        }
        let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["blobs/", "blobs/sha256/", &Blob::of(&layer).path(), "oci-layout"]);
        assert!(found[2].1 == layer);
    }
}
