//! The file of what was accepted: JSON, for people to read and for programs to compare.
//!
//! Several processes may use one: it is replaced whole, by who holds the lock of its directory.

use super::digest::{Fingerprint, Stamp};
use super::inspect::SaidNeeds;
use crate::domain::Needs;
use crate::plugin::lock::lock;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const VERSION: u32 = 1;
const ABOUT: &str =
    "What plugins were accepted as. Written by the factory; `factory plugins accept` changes it.";

/// What a plugin was accepted as.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::plugin) struct Pin {
    /// Its executable.
    pub(in crate::plugin) executable: Fingerprint,
    /// Its `.info` file.
    pub(in crate::plugin) info: Fingerprint,
    /// The version that it said; empty if it said none.
    pub(in crate::plugin) version: String,
    /// What it said that it needs; `None` if it does not say that on its command line.
    pub(in crate::plugin) needs: Option<Needs>,
    /// When, in seconds since 1970.
    pub(in crate::plugin) accepted: u64,
}

/// All pins.
#[derive(Debug)]
pub(in crate::plugin) struct Book {
    file: Option<PathBuf>,
    /// What is remembered without a file.
    memory: Mutex<BTreeMap<String, Pin>>,
}

impl Book {
    /// Opens the book in a file, or one that is forgotten with this process.
    pub(in crate::plugin) fn new(file: Option<PathBuf>) -> Self {
        Self { file, memory: Mutex::default() }
    }

    /// Tells whether anything is remembered.
    pub(in crate::plugin) fn is_kept(&self) -> bool {
        self.file.is_some()
    }

    /// Answers what a plugin was accepted as.
    ///
    /// # Errors
    /// If the file is there and can't be read.
    pub(in crate::plugin) fn pin(&self, plugin: &str) -> io::Result<Option<Pin>> {
        match &self.file {
            None => Ok(lock(&self.memory).get(plugin).cloned()),
            Some(file) => Ok(read(file)?.plugins.remove(plugin).map(Pin::from)),
        }
    }

    /// Accepts a plugin as this.
    ///
    /// # Errors
    /// If the file can't be read or written.
    pub(in crate::plugin) fn accept(&self, plugin: &str, mut pin: Pin) -> io::Result<Pin> {
        pin.accepted = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        match &self.file {
            None => drop(lock(&self.memory).insert(plugin.to_owned(), pin.clone())),
            Some(file) => {
                let directory = file.parent().unwrap_or(Path::new("."));
                let locked = File::open(directory)?;
                flock(&locked, FlockOperation::LockExclusive)?;
                let mut content = read(file)?;
                content.plugins.insert(plugin.to_owned(), pin.clone().into());
                write(file, &content)?;
                locked.sync_all()?;
            }
        }
        Ok(pin)
    }
}

fn read(file: &Path) -> io::Result<Content> {
    let invalid = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
    let content: Content = match fs::read(file) {
        Ok(text) => serde_json::from_slice(&text)
            .map_err(|error| invalid(format!("{}: {error}", file.display())))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Content::default(),
        Err(error) => return Err(error),
    };
    match content.version {
        VERSION => Ok(content),
        other => {
            let path = file.display();
            Err(invalid(format!("{path} has version {other}: a newer factory wrote it")))
        }
    }
}

fn write(file: &Path, content: &Content) -> io::Result<()> {
    let directory = file.parent().unwrap_or(Path::new("."));
    let mut new = tempfile::NamedTempFile::new_in(directory)?;
    serde_json::to_writer_pretty(&mut new, content)?;
    new.write_all(b"\n")?;
    new.as_file().sync_all()?;
    new.persist(file)?;
    Ok(())
}

#[derive(Serialize, Deserialize)]
struct Content {
    #[serde(rename = "_", default)]
    about: String,
    version: u32,
    plugins: BTreeMap<String, WrittenPin>,
}

impl Default for Content {
    fn default() -> Self {
        Self { about: ABOUT.to_owned(), version: VERSION, plugins: BTreeMap::new() }
    }
}

#[derive(Serialize, Deserialize)]
struct WrittenPin {
    version: String,
    accepted: String,
    executable: WrittenFile,
    info: WrittenFile,
    /// In the form of `PLUGIN describe`.
    needs: Option<SaidNeeds>,
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

impl From<Pin> for WrittenPin {
    fn from(pin: Pin) -> Self {
        let accepted = UNIX_EPOCH + Duration::from_secs(pin.accepted);
        Self {
            version: pin.version,
            accepted: humantime::format_rfc3339_seconds(accepted).to_string(),
            executable: pin.executable.into(),
            info: pin.info.into(),
            needs: pin.needs.map(SaidNeeds::from),
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
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Network;

    fn pin(version: &str) -> Pin {
        let stamp = Stamp { device: 1, inode: 2, size: 3, modified_ns: 4, changed_ns: -5 };
        let print = Fingerprint { path: "/p/x".into(), size: 3, sha256: "ab".into(), stamp };
        let needs = Needs {
            network: Network::Hosts,
            hosts: vec!["example.org".into()],
            tools: vec!["tar".into()],
            ..Needs::default()
        };
        let (executable, info) = (print.clone(), print);
        Pin { executable, info, version: version.into(), needs: Some(needs), accepted: 0 }
    }

    #[test]
    fn what_is_accepted_is_read_again_by_another_process_and_others_stay() {
        let directory = tempfile::tempdir().unwrap();
        let file = Some(directory.path().join("plugins.lock"));
        let (one, other) = (Book::new(file.clone()), Book::new(file));
        assert_eq!(one.pin("a").unwrap(), None);
        let a = one.accept("a", pin("1")).unwrap();
        let b = other.accept("b", Pin { needs: None, ..pin("2") }).unwrap();
        assert!(0 < a.accepted);
        assert_eq!(other.pin("a").unwrap(), Some(a));
        assert_eq!(one.pin("b").unwrap(), Some(b));
    }

    #[test]
    fn a_broken_or_newer_book_is_no_empty_one() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("plugins.lock");
        for text in ["{", r#"{"version": 2, "plugins": {}}"#] {
            fs::write(&file, text).unwrap();
            let book = Book::new(Some(file.clone()));
            assert!(book.pin("a").is_err(), "{text}");
            assert!(book.accept("a", pin("1")).is_err(), "{text}");
        }
    }

    #[test]
    fn without_a_file_it_is_remembered_as_long_as_the_process_lives() {
        let book = Book::new(None);
        book.accept("a", pin("1")).unwrap();
        assert_eq!(book.pin("a").unwrap().unwrap().version, "1");
    }
}
