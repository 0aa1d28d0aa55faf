//! SHA-256 of what passes by, written the way OCI writes digests.

use sha2::{Digest as _, Sha256};
use std::io::{self, Write};

/// What a blob is called and how long it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// `sha256:` and 64 hexadecimal digits.
    pub digest: String,
    /// Its size in bytes.
    pub size: u64,
}

impl Blob {
    /// Names a blob that is in memory.
    pub fn of(bytes: &[u8]) -> Self {
        Self { digest: name(&Sha256::digest(bytes)), size: bytes.len() as u64 }
    }

    /// Returns where an OCI image layout keeps the blob.
    pub fn path(&self) -> String {
        format!("blobs/{}", self.digest.replace(':', "/"))
    }
}

/// Passes bytes on and names the blob they make.
pub struct Hashing<W> {
    output: W,
    hasher: Sha256,
    size: u64,
}

impl<W: Write> Hashing<W> {
    /// Starts with nothing passed on yet.
    pub fn new(output: W) -> Self {
        Self { output, hasher: Sha256::new(), size: 0 }
    }

    /// Returns the writer below and the name of all that went there.
    pub fn finish(self) -> (W, Blob) {
        let blob = Blob { digest: name(&self.hasher.finalize()), size: self.size };
        (self.output, blob)
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.output.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

fn name(hash: &[u8]) -> String {
    let digits: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{digits}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_is_named_alike_in_memory_and_on_its_way() {
        let mut hashing = Hashing::new(Vec::new());
        hashing.write_all(b"abc").unwrap();
        let (bytes, blob) = hashing.finish();
        assert_eq!(blob, Blob::of(&bytes));
        assert_eq!(blob.path(), format!("blobs/sha256/{}", &blob.digest[7..]));
        assert!(blob.digest.starts_with("sha256:ba7816bf"));
    }
}
