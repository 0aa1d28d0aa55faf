//! The file of what was accepted: JSON, for people to read and for programs to compare.
//!
//! Several processes may use one: it is replaced whole, by who holds the lock of its directory.

use super::digest::Fingerprint;
use super::origin::Origin;
use super::written::{Content, read, write};
use crate::domain::Needs;
use crate::plugin::lock::lock;
use rustix::fs::{FlockOperation, flock};
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

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
    /// The package that it was installed from, if it was.
    pub(in crate::plugin) package: Option<Origin>,
}

/// A plugin: what it was accepted as, and what it was before, as long as that is installed beside it: somebody may still use it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Entry {
    pub(super) pin: Pin,
    pub(super) earlier: Vec<Pin>,
}

/// All pins.
#[derive(Debug)]
pub(in crate::plugin) struct Book {
    file: Option<PathBuf>,
    /// What is remembered without a file.
    memory: Mutex<BTreeMap<String, Entry>>,
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

    /// Answers what a plugin whose executable is there was accepted as.
    ///
    /// # Errors
    /// If the file is there and can't be read.
    pub(in crate::plugin) fn pin(
        &self,
        plugin: &str,
        executable: &Path,
    ) -> io::Result<Option<Pin>> {
        let entry = self.entries()?.remove(plugin);
        Ok(entry.map(|Entry { pin, earlier }| {
            let is_there = |pin: &Pin| pin.executable.path == executable;
            let older = earlier.into_iter().find(|older| !is_there(&pin) && is_there(older));
            older.unwrap_or(pin)
        }))
    }

    /// Answers every pin of plugins that were installed from packages: of each plugin the one in use first.
    ///
    /// # Errors
    /// If the file is there and can't be read.
    pub(in crate::plugin) fn packaged(&self) -> io::Result<Vec<(String, Pin)>> {
        let all = self.entries()?.into_iter().flat_map(|(name, Entry { pin, earlier })| {
            std::iter::once(pin).chain(earlier).map(move |pin| (name.clone(), pin))
        });
        Ok(all.filter(|(_, pin)| pin.package.is_some()).collect())
    }

    /// Accepts a plugin as this.
    ///
    /// # Errors
    /// If the file can't be read or written.
    pub(in crate::plugin) fn accept(&self, plugin: &str, mut pin: Pin) -> io::Result<Pin> {
        pin.accepted = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        self.change(|entries| {
            let Entry { pin: before, mut earlier } = entries.remove(plugin).unwrap_or_default();
            earlier.push(before);
            let stays = |older: &Pin| {
                older.package.is_some() && older.executable.path != pin.executable.path
            };
            earlier.retain(stays);
            entries.insert(plugin.to_owned(), Entry { pin: pin.clone(), earlier });
        })?;
        Ok(pin)
    }

    /// Forgets what a plugin was accepted as whose executable is in this directory.
    ///
    /// # Errors
    /// If the file can't be read or written.
    pub(in crate::plugin) fn forget(&self, plugin: &str, directory: &Path) -> io::Result<()> {
        self.change(|entries| {
            let Some(Entry { pin, mut earlier }) = entries.remove(plugin) else { return };
            earlier.push(pin);
            earlier.retain(|pin| !pin.executable.path.starts_with(directory));
            if let Some(pin) = earlier.pop() {
                entries.insert(plugin.to_owned(), Entry { pin, earlier });
            }
        })
    }

    fn entries(&self) -> io::Result<BTreeMap<String, Entry>> {
        match &self.file {
            None => Ok(lock(&self.memory).clone()),
            Some(file) => Ok(read(file)?.into_entries()),
        }
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<String, Entry>)) -> io::Result<()> {
        let Some(file) = &self.file else {
            change(&mut lock(&self.memory));
            return Ok(());
        };
        let directory = file.parent().unwrap_or(Path::new("."));
        let locked = File::open(directory)?;
        flock(&locked, FlockOperation::LockExclusive)?;
        let mut entries = read(file)?.into_entries();
        change(&mut entries);
        write(file, &Content::of(entries))?;
        locked.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::super::digest::Stamp;
    use super::*;
    use crate::domain::Network;
    use std::fs;

    const X: &str = "/p/x";

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
        let version = version.into();
        Pin { executable, info, version, needs: Some(needs), accepted: 0, package: None }
    }

    fn packaged(version: &str) -> Pin {
        let mut pin = pin(version);
        pin.executable.path = format!("/p/{version}/x").into();
        let source = "oci://registry.example.org/x:1".to_owned();
        pin.package = Some(Origin { source, version: version.into(), ..Origin::default() });
        pin
    }

    #[test]
    fn what_is_accepted_is_read_again_by_another_process_and_others_stay() {
        let directory = tempfile::tempdir().unwrap();
        let file = Some(directory.path().join("factory.lock"));
        let (one, other) = (Book::new(file.clone()), Book::new(file));
        assert_eq!(one.pin("a", X.as_ref()).unwrap(), None);
        let a = one.accept("a", pin("1")).unwrap();
        let b = other.accept("b", Pin { needs: None, ..pin("2") }).unwrap();
        assert!(0 < a.accepted);
        assert_eq!(other.pin("a", X.as_ref()).unwrap(), Some(a));
        assert_eq!(one.pin("b", X.as_ref()).unwrap(), Some(b));
    }

    #[test]
    fn a_broken_or_newer_book_is_no_empty_one() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("factory.lock");
        for text in ["{", r#"{"version": 3, "plugins": {}}"#] {
            fs::write(&file, text).unwrap();
            let book = Book::new(Some(file.clone()));
            assert!(book.pin("a", X.as_ref()).is_err(), "{text}");
            assert!(book.accept("a", pin("1")).is_err(), "{text}");
        }
    }

    #[test]
    fn without_a_file_it_is_remembered_as_long_as_the_process_lives() {
        let book = Book::new(None);
        book.accept("a", pin("1")).unwrap();
        assert_eq!(book.pin("a", X.as_ref()).unwrap().unwrap().version, "1");
    }

    #[test]
    fn what_is_replaced_stays_accepted_where_it_is_until_it_is_forgotten() {
        let directory = tempfile::tempdir().unwrap();
        let book = Book::new(Some(directory.path().join("factory.lock")));
        let version = |path: &str| book.pin("x", path.as_ref()).unwrap().map(|pin| pin.version);
        book.accept("x", packaged("1")).unwrap();
        book.accept("x", packaged("2")).unwrap();
        assert_eq!(version("/p/1/x").unwrap(), "1", "a running factory goes on with it");
        assert_eq!(version("/p/2/x").unwrap(), "2");
        assert_eq!(version("/moved/x").unwrap(), "2");
        assert_eq!(book.packaged().unwrap().len(), 2);
        book.forget("x", "/p/1".as_ref()).unwrap();
        assert_eq!(version("/p/1/x").unwrap(), "2");
        book.accept("x", packaged("3")).unwrap();
        book.forget("x", "/p/3".as_ref()).unwrap();
        assert_eq!(version("/p/3/x").unwrap(), "2", "what was before counts again");
        book.forget("x", "/p/2".as_ref()).unwrap();
        assert_eq!(version("/p/2/x"), None);
        book.accept("x", pin("1")).unwrap();
        book.accept("x", pin("2")).unwrap();
        assert_eq!(version(X).unwrap(), "2", "of what is no package only the last counts");
    }

    /// Written by the first factory that pinned plugins.
    const OLD: &str = include_str!("../../../tests/fixtures/plugins-1.lock");

    #[test]
    fn a_file_of_the_first_form_is_read_and_replaced_once_something_is_written() {
        let directory = tempfile::tempdir().unwrap();
        let (old, new) =
            (directory.path().join("plugins.lock"), directory.path().join("factory.lock"));
        fs::write(&old, OLD).unwrap();
        let book = Book::new(Some(new.clone()));
        let kept = book.pin("kvm", X.as_ref()).unwrap().unwrap();
        assert_eq!((kept.version.as_str(), kept.package.as_ref()), ("0.1.0", None));
        assert_eq!(kept.needs.as_ref().unwrap().lines(), ["network none", "runs qemu-img"]);
        book.accept("x", packaged("1")).unwrap();
        assert_eq!(book.pin("kvm", X.as_ref()).unwrap(), Some(kept));
        assert!(new.exists() && !old.exists(), "there are never two");
    }
}
