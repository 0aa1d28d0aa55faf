//! The form in which pins are written: `factory.lock`, and `plugins.lock` before packages were.

use super::book::{Entry, Pin};
use super::digest::{Fingerprint, Stamp};
use super::inspect::SaidNeeds;
use super::origin::Origin;
use crate::domain::Needs;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

const VERSION: u32 = 2;
/// The file of the first version, beside the one of today. It lacks packages; the rest is the same.
const OLD: &str = "plugins.lock";
const ABOUT: &str = "What plugins were accepted as. Written by the factory: `factory plugins accept`, `factory plugin install` \
    and `remove` change it.";

/// Reads the file, or the old one if only that is there, or nothing.
///
/// # Errors
/// If there is one that can't be read, makes no sense, or is of a newer factory.
pub(super) fn read(file: &Path) -> io::Result<Content> {
    let (read, file) = match fs::read(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let old = file.with_file_name(OLD);
            (fs::read(&old), old)
        }
        read => (read, file.to_owned()),
    };
    let invalid = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
    let content: Content = match read {
        Ok(text) => serde_json::from_slice(&text)
            .map_err(|error| invalid(format!("{}: {error}", file.display())))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Content::default(),
        Err(error) => return Err(error),
    };
    match content.version {
        1..=VERSION => Ok(content),
        other => {
            let path = file.display();
            Err(invalid(format!("{path} has version {other}: a newer factory wrote it")))
        }
    }
}

/// Replaces the file whole; the old one is gone then.
///
/// # Errors
/// If that can't be.
pub(super) fn write(file: &Path, content: &Content) -> io::Result<()> {
    let directory = file.parent().unwrap_or(Path::new("."));
    let mut new = tempfile::NamedTempFile::new_in(directory)?;
    serde_json::to_writer_pretty(&mut new, content)?;
    new.write_all(b"\n")?;
    new.as_file().sync_all()?;
    new.persist(file)?;
    match fs::remove_file(file.with_file_name(OLD)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The file.
#[derive(Serialize, Deserialize)]
pub(super) struct Content {
    #[serde(rename = "_", default)]
    about: String,
    version: u32,
    plugins: BTreeMap<String, WrittenEntry>,
}

impl Content {
    pub(super) fn of(entries: BTreeMap<String, Entry>) -> Self {
        let plugins = entries.into_iter().map(|(name, Entry { pin, earlier })| {
            let earlier = earlier.into_iter().map(WrittenPin::from).collect();
            (name, WrittenEntry { pin: pin.into(), earlier })
        });
        Self { plugins: plugins.collect(), ..Self::default() }
    }

    pub(super) fn into_entries(self) -> BTreeMap<String, Entry> {
        let entries = self.plugins.into_iter().map(|(name, WrittenEntry { pin, earlier })| {
            let earlier = earlier.into_iter().map(Pin::from).collect();
            (name, Entry { pin: pin.into(), earlier })
        });
        entries.collect()
    }
}

impl Default for Content {
    fn default() -> Self {
        Self { about: ABOUT.to_owned(), version: VERSION, plugins: BTreeMap::new() }
    }
}

#[derive(Serialize, Deserialize)]
struct WrittenEntry {
    #[serde(flatten)]
    pin: WrittenPin,
    /// What is still installed beside it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    earlier: Vec<WrittenPin>,
}

#[derive(Serialize, Deserialize)]
struct WrittenPin {
    version: String,
    accepted: String,
    executable: WrittenFile,
    info: WrittenFile,
    /// In the form of `PLUGIN describe`.
    needs: Option<SaidNeeds>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    package: Option<WrittenOrigin>,
}

#[derive(Serialize, Deserialize)]
struct WrittenOrigin {
    source: String,
    digest: String,
    version: String,
    platform: String,
    /// The SHA-256 of `SHA256SUMS`.
    sums_sha256: String,
    signer: String,
}

#[derive(Serialize, Deserialize)]
struct WrittenFile {
    path: PathBuf,
    size: u64,
    sha256: String,
    /// Device, inode, size, and the times of modification and change in nanoseconds, with colons between them.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    stamp: String,
}

impl From<Fingerprint> for WrittenFile {
    fn from(Fingerprint { path, size, sha256, stamp }: Fingerprint) -> Self {
        let stamp = if stamp == Stamp::default() { String::new() } else { stamp.to_string() };
        Self { path, size, sha256, stamp }
    }
}

impl From<WrittenFile> for Fingerprint {
    fn from(WrittenFile { path, size, sha256, stamp }: WrittenFile) -> Self {
        Self { path, size, sha256, stamp: stamp.parse().unwrap_or_default() }
    }
}

impl From<Origin> for WrittenOrigin {
    fn from(Origin { source, digest, version, platform, sums, signer }: Origin) -> Self {
        Self { source, digest, version, platform, sums_sha256: sums, signer }
    }
}

impl From<WrittenOrigin> for Origin {
    fn from(written: WrittenOrigin) -> Self {
        let WrittenOrigin { source, digest, version, platform, sums_sha256: sums, signer } =
            written;
        Self { source, digest, version, platform, sums, signer }
    }
}

impl From<Pin> for WrittenPin {
    fn from(pin: Pin) -> Self {
        let accepted = UNIX_EPOCH + Duration::from_secs(pin.accepted);
        Self {
            version: pin.version,
            accepted: humantime::format_rfc3339_seconds(accepted).to_string(),
            executable: pin.executable.into(),
            info: pin.info.into(),
            needs: pin.needs.map(SaidNeeds::from),
            package: pin.package.map(WrittenOrigin::from),
        }
    }
}

impl From<WrittenPin> for Pin {
    fn from(pin: WrittenPin) -> Self {
        let accepted = humantime::parse_rfc3339(&pin.accepted).unwrap_or(UNIX_EPOCH);
        Self {
            version: pin.version,
            accepted: accepted.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs(),
            executable: pin.executable.into(),
            info: pin.info.into(),
            needs: pin.needs.map(Needs::from),
            package: pin.package.map(Origin::from),
        }
    }
}
