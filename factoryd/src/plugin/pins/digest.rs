//! What a file is: its SHA-256, of the very file that stays open.

use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fmt;
use std::fs::{File, Metadata};
use std::io::{self, Read, Seek};
use std::num::ParseIntError;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Mutex;

use super::super::lock::lock;

const CHUNK: usize = 128 * 1024;
/// How often a file that changes while it is read is read.
const READINGS_MAX: usize = 5;

/// What a file is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::plugin) struct Fingerprint {
    /// Where it is.
    pub(in crate::plugin) path: PathBuf,
    /// Its size, in bytes.
    pub(in crate::plugin) size: u64,
    /// Its SHA-256, in hexadecimal digits.
    pub(in crate::plugin) sha256: String,
    /// By what it is known to be unchanged without being read.
    pub(in crate::plugin) stamp: Stamp,
}

/// What the kernel changes whenever a file is changed. The time of change can't be set by hand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(in crate::plugin) struct Stamp {
    /// Its device.
    pub(in crate::plugin) device: u64,
    /// Its number there.
    pub(in crate::plugin) inode: u64,
    /// Its size, in bytes.
    pub(in crate::plugin) size: u64,
    /// When its content was changed, in nanoseconds since 1970.
    pub(in crate::plugin) modified_ns: i64,
    /// When anything of it was changed, in nanoseconds since 1970.
    pub(in crate::plugin) changed_ns: i64,
}

/// A file that was read, still open.
#[derive(Debug)]
pub(in crate::plugin) struct Identified {
    /// The open file.
    pub(in crate::plugin) file: File,
    /// What it is.
    pub(in crate::plugin) fingerprint: Fingerprint,
}

/// Reads files, each once for as long as it does not change.
#[derive(Debug, Default)]
pub(in crate::plugin) struct Identifier(Mutex<HashMap<Stamp, String>>);

impl Identifier {
    /// Opens a file and says what it is. A new link, name or mode changes the stamp too, so one that changed is read again:
    /// what is read twice alike is taken.
    ///
    /// # Errors
    /// If it can't be read, or is changed meanwhile.
    pub(in crate::plugin) fn identify(&self, path: &Path) -> io::Result<Identified> {
        let mut file = File::open(path)?;
        let mut before = None;
        for _ in 0..READINGS_MAX {
            let stamp = Stamp::of(&file.metadata()?);
            let known = lock(&self.0).get(&stamp).cloned();
            let sha256 = known.map_or_else(|| digest(&mut file), Ok)?;
            let unchanged = Stamp::of(&file.metadata()?) == stamp;
            if unchanged {
                lock(&self.0).insert(stamp, sha256.clone());
            }
            if unchanged || before.as_ref() == Some(&sha256) {
                let path = path.to_owned();
                let fingerprint = Fingerprint { path, size: stamp.size, sha256, stamp };
                return Ok(Identified { file, fingerprint });
            }
            before = Some(sha256);
            file.rewind()?;
        }
        Err(io::Error::other("it is being changed"))
    }

    /// Remembers what another process found a file to be.
    pub(in crate::plugin) fn remember(&self, known: &Fingerprint) {
        if known.stamp != Stamp::default() {
            lock(&self.0).insert(known.stamp, known.sha256.clone());
        }
    }
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        let nanoseconds = |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000) + rest;
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified_ns: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            changed_ns: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { device, inode, size, modified_ns, changed_ns } = self;
        write!(f, "{device}:{inode}:{size}:{modified_ns}:{changed_ns}")
    }
}

impl FromStr for Stamp {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        let mut parts = text.split(':');
        let mut next = || parts.next().unwrap_or_default();
        Ok(Self {
            device: next().parse()?,
            inode: next().parse()?,
            size: next().parse()?,
            modified_ns: next().parse()?,
            changed_ns: next().parse()?,
        })
    }
}

/// Says what a file is that was read already.
pub(in crate::plugin) fn fingerprint_of_text(path: &Path, text: &[u8]) -> Fingerprint {
    let sha256 = hexadecimal(&Sha256::digest(text));
    let size = text.len() as u64;
    Fingerprint { path: path.to_owned(), size, sha256, stamp: Stamp::default() }
}

fn digest(file: &mut File) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        match file.read(&mut chunk) {
            Ok(0) => return Ok(hexadecimal(&hasher.finalize())),
            Ok(len) => hasher.update(&chunk[..len]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_again_only_when_it_was_changed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x");
        std::fs::write(&path, "abc").unwrap();
        let identifier = Identifier::default();
        let first = identifier.identify(&path).unwrap().fingerprint;
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(first.sha256, abc);
        // What is remembered is believed without a look at the content.
        identifier.remember(&Fingerprint { sha256: "remembered".into(), ..first.clone() });
        assert_eq!(identifier.identify(&path).unwrap().fingerprint.sha256, "remembered");
        std::fs::write(&path, "abd").unwrap();
        let changed = identifier.identify(&path).unwrap().fingerprint;
        assert_ne!(changed.sha256, "remembered");
        assert_ne!(changed.stamp, first.stamp);
    }

    #[test]
    fn a_file_that_gets_new_names_while_it_is_read_is_what_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let (path, other) = (directory.path().join("x"), directory.path().join("y"));
        std::fs::write(&path, vec![7; 8 << 20]).unwrap();
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    std::fs::hard_link(&path, &other).unwrap();
                    std::fs::remove_file(&other).unwrap();
                }
            });
            let identified: Vec<_> =
                (0..5).map(|_| Identifier::default().identify(&path)).collect();
            done.store(true, std::sync::atomic::Ordering::Relaxed);
            assert!(identified.iter().all(Result::is_ok), "{identified:?}");
        });
    }
}
