//! What can be known of a file.

use crate::canary::hex;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What a file is at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Measured {
    /// Its size in bytes.
    pub(crate) size: u64,
    /// The SHA-256 of what is in it, in hexadecimal.
    pub(crate) sha256: String,
    /// Which file it is.
    pub(crate) inode: u64,
}

/// Reads a file.
///
/// # Errors
/// If it can't be read, or is something else than a regular file.
pub(crate) fn measure(path: &Path) -> io::Result<Measured> {
    let metadata = std::fs::symlink_metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut file = File::open(path)?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1024 * 1024];
    let mut size = 0;
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        size += count as u64;
        digest.update(&buffer[..count]);
    }
    Ok(Measured { size, sha256: hex(&digest.finalize()), inode: metadata.ino() })
}
