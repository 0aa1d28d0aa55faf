//! Finds plugins: `NAME.info` files, and the executable of each.

use super::options::Options;
use super::packaged::version_of;
use super::pins::{Fingerprint, fingerprint_of_text};
use crate::package::SUMS;
use factory_proto::info::Info;
use rustix::fs::{FlockOperation, flock};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// What the name of a plugin's executable begins with.
pub(super) const PREFIX: &str = "factory-plugin-";

/// A `NAME.info` file.
#[derive(Debug)]
pub(super) struct Found {
    /// The plugin's name.
    pub(super) name: String,
    /// Where the file is.
    pub(super) path: PathBuf,
    /// What it says, or why that can't be used.
    pub(super) info: Result<Info, Unusable>,
    /// What the file is, as it was read.
    pub(super) print: Fingerprint,
    /// Where its executable may be, in the order in which it is looked for.
    pub(super) candidates: Vec<PathBuf>,
    /// Keeps the version that was found from being removed, if it is one of several.
    _lease: Option<File>,
}

/// An `.info` file that can't be used.
#[derive(Debug)]
pub(super) struct Unusable {
    /// Why.
    pub(super) reason: String,
    /// What it says, if it is a JSON object at all.
    pub(super) raw: Map<String, Value>,
}

/// A directory that can't be read.
#[derive(Debug, thiserror::Error)]
#[error("plugin directory {} can't be read", path.display())]
pub struct Error {
    /// The directory.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub source: io::Error,
}

/// Answers the plugins of all directories, sorted by name; of two files with one name, the first.
///
/// # Errors
/// If a directory is missing or can't be read.
pub(super) fn discover(options: &Options) -> Result<Vec<Found>, Error> {
    let mut found: BTreeMap<String, Found> = BTreeMap::new();
    for directory in &options.directories {
        let directory = &absolute(directory);
        let files =
            info_files(directory).map_err(|source| Error { path: directory.clone(), source })?;
        for path in files {
            let Some(name) = path.file_stem().and_then(|stem| stem.to_str()) else { continue };
            match found.get(name) {
                Some(first) => tracing::warn!(
                    plugin = name,
                    used = %first.path.display(),
                    ignored = %path.display(),
                    "two .info files have one name"
                ),
                None => drop(found.insert(name.to_owned(), read(name, &path, options))),
            }
        }
    }
    Ok(found.into_values().collect())
}

impl Found {
    /// Answers what the file is now, which may not be what was read.
    pub(super) fn print_now(&self) -> Fingerprint {
        fingerprint_of_text(&self.path, &std::fs::read(&self.path).unwrap_or_default())
    }

    /// Answers the first candidate that is a file.
    pub(super) fn executable(&self) -> Option<&PathBuf> {
        self.candidates.iter().find(|path| path.is_file())
    }
}

/// Lists the `.info` files of a directory and of the directories in it, sorted.
fn info_files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let (directories, mut files) = entries(directory)?;
    for below in directories {
        // A link leads to one version of a plugin. It may be led to another while we go on with this one.
        let below = if below.is_symlink() { version_of(&below) } else { below };
        // A directory below may be somebody else's; only the one that was named must be readable.
        if let Ok((_, more)) = entries(&below) {
            files.extend(more);
        }
    }
    files.sort();
    Ok(files)
}

fn entries(directory: &Path) -> io::Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let mut directories = Vec::new();
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            directories.push(path);
        } else if path.extension().is_some_and(|extension| extension == "info") {
            files.push(path);
        }
    }
    Ok((directories, files))
}

fn read(name: &str, path: &Path, options: &Options) -> Found {
    let text = std::fs::read_to_string(path);
    let print = fingerprint_of_text(path, text.as_deref().unwrap_or_default().as_bytes());
    let info = text
        .map_err(|error| Unusable { reason: error.to_string(), raw: Map::new() })
        .and_then(|text| {
            Info::parse(name, &text).map_err(|error| Unusable {
                reason: error.to_string(),
                raw: serde_json::from_str(&text).unwrap_or_default(),
            })
        });
    let named = info.as_ref().ok().and_then(|info| info.raw.get("executable")?.as_str());
    let candidates = candidates(name, path, named, &options.executable_directories);
    let _lease = lease(path);
    Found { name: name.to_owned(), path: path.to_owned(), info, print, candidates, _lease }
}

/// Holds the directory of a package for as long as this process may start the plugin in it.
fn lease(info: &Path) -> Option<File> {
    let directory = info.parent()?;
    let held = directory.join(SUMS).is_file().then(|| File::open(directory).ok()).flatten()?;
    flock(&held, FlockOperation::NonBlockingLockShared).ok()?;
    Some(held)
}

fn candidates(name: &str, info: &Path, named: Option<&str>, more: &[PathBuf]) -> Vec<PathBuf> {
    let beside = info.parent().unwrap_or(Path::new("."));
    let file = format!("{PREFIX}{name}");
    let mut all = vec![beside.join(&file)];
    all.extend(named.map(|path| beside.join(path)));
    all.extend(more.iter().map(|directory| absolute(directory).join(&file)));
    all
}

/// A plugin starts in a directory of its own, where our relative paths mean something else.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OS: &str = r#"{"type":"os","targets":[["MockOS",null,null]]}"#;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        root
    }

    fn options(root: &Path) -> Options {
        Options::new(vec![root.to_owned()], root.join("run"))
    }

    #[test]
    fn files_are_found_in_the_directory_and_one_level_below_sorted_by_name() {
        let root = tree(&[
            ("b.info", OS),
            ("mock/a.info", OS),
            ("mock/deep/c.info", OS),
            ("readme.txt", ""),
        ]);
        let found = discover(&options(root.path())).unwrap();
        assert_eq!(found.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn the_executable_beside_wins_over_the_named_one_and_that_over_other_directories() {
        let text = r#"{"type":"os","targets":[],"executable":"bin/x"}"#;
        let root = tree(&[("p/x.info", text), ("target/factory-plugin-x", "")]);
        let mut options = options(root.path());
        options.executable_directories = vec![root.path().join("target")];
        for path in ["target/factory-plugin-x", "p/bin/x", "p/factory-plugin-x"] {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "").unwrap();
            assert_eq!(discover(&options).unwrap()[0].executable(), Some(&path));
        }
    }

    #[test]
    fn an_unusable_file_is_kept_with_its_reason_and_of_two_names_the_first_counts() {
        let root = tree(&[("one/x.info", r#"{"targets":[]}"#), ("two/x.info", OS)]);
        let found = discover(&options(root.path())).unwrap();
        let unusable = found[0].info.as_ref().unwrap_err();
        assert_eq!(unusable.reason, "key `type` is missing");
        assert!(unusable.raw.contains_key("targets"));
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn relative_directories_are_made_absolute() {
        let mut options = Options::new(vec!["src/plugin".into()], "run".into());
        options.executable_directories = vec!["target".into()];
        assert!(discover(&options).unwrap().is_empty());
        let all = candidates("x", &absolute(Path::new("a/x.info")), Some("b"), &["target".into()]);
        assert!(all.iter().all(|path| path.is_absolute()), "{all:?}");
    }

    #[test]
    fn a_missing_directory_is_an_error_that_names_it() {
        let error = discover(&options(Path::new("/nonexistent/plugins"))).unwrap_err();
        assert_eq!(error.to_string(), "plugin directory /nonexistent/plugins can't be read");
    }
}
