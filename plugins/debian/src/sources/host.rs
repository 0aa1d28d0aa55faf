//! `apt:host`: the build host's own apt sources, as far as they serve a release.

use super::{Source, parse_deb822, parse_one_line_file};
use crate::release::Release;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// What follows a codename in the suites that belong to a release.
const COMPANIONS: &[&str] =
    &["-updates", "-security", "-backports", "-proposed-updates", "/updates"];

/// Why the host's sources can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A file can't be read.
    #[error("failed to read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// None of them serves the release.
    #[error("no apt source of this host serves {0}")]
    NoneServes(&'static str),
}

/// Reads the apt sources below `root` (`/` but in tests) and answers those that serve `release`.
///
/// A source serves a release if one of its suites is the codename or one of its companions (`-updates`, `-security`,
/// …); its other suites are dropped. A host of the same distribution but another release serves it too, by replacing
/// the suite, where the source is the distribution's own: has a component `main` and is signed by the archive's key.
///
/// # Errors
/// If the sources can't be read or none serves the release.
pub(crate) fn host_sources(root: &Path, release: &Release) -> Result<Vec<Source>, Error> {
    let all = read_all(root)?;
    let serving: Vec<_> =
        all.iter().filter_map(|source| restricted(source, release.codename)).collect();
    if !serving.is_empty() {
        return Ok(serving);
    }
    let replaced: Vec<_> = match codename_of_host(root, release) {
        Some(codename) => all
            .iter()
            .filter(|source| is_archive(source))
            .filter_map(|source| restricted(source, &codename))
            .map(|source| retargeted(source, &codename, release.codename))
            .collect(),
        None => vec![],
    };
    if replaced.is_empty() { Err(Error::NoneServes(release.codename)) } else { Ok(replaced) }
}

fn read_all(root: &Path) -> Result<Vec<Source>, Error> {
    let apt = root.join("etc/apt");
    let mut files = vec![apt.join("sources.list")];
    let parts = apt.join("sources.list.d");
    if let Ok(entries) = fs::read_dir(&parts) {
        let mut more: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        more.sort();
        files.append(&mut more);
    }
    let mut sources = vec![];
    for path in files {
        let parse = match path.extension().and_then(|extension| extension.to_str()) {
            Some("list") => parse_one_line_file,
            Some("sources") => parse_deb822,
            _ => continue,
        };
        match fs::read_to_string(&path) {
            Ok(text) => sources.append(&mut parse(&text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(Error::Read { path, source }),
        }
    }
    Ok(sources)
}

/// Answers the source with only the suites of one release; `None` if there are none.
fn restricted(source: &Source, codename: &str) -> Option<Source> {
    let belongs = |suite: &String| {
        let rest = suite.trim_end_matches('/').strip_prefix(codename);
        rest.is_some_and(|rest| rest.is_empty() || COMPANIONS.contains(&rest))
    };
    let suites: Vec<_> = source.suites.iter().filter(|suite| belongs(suite)).cloned().collect();
    (!suites.is_empty() && serves_amd64(source)).then(|| Source { suites, ..source.clone() })
}

fn serves_amd64(source: &Source) -> bool {
    let architectures = source.field("Architectures").unwrap_or("amd64");
    architectures.split_whitespace().any(|architecture| architecture == "amd64")
}

fn is_archive(source: &Source) -> bool {
    let key = source.key_file().and_then(|path| Path::new(path).file_name()?.to_str());
    source.components.iter().any(|component| component == "main")
        && key.is_none_or(|key| key.contains("-archive-"))
}

fn retargeted(source: Source, from: &str, to: &str) -> Source {
    let suites = source.suites.iter().map(|suite| suite.replacen(from, to, 1)).collect();
    Source { suites, ..source }
}

/// Answers the host's codename if it runs the same distribution.
fn codename_of_host(root: &Path, release: &Release) -> Option<String> {
    let text = fs::read_to_string(root.join("etc/os-release")).ok()?;
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))?;
        Some(line.trim_matches('"').to_owned())
    };
    let same = value("ID")? == release.distribution.id();
    same.then(|| value("VERSION_CODENAME")).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEBIAN: &str = "Types: deb\nURIs: http://example.org/debian\n\
        Suites: bookworm bookworm-updates\nComponents: main\n\
        Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n";

    fn host(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let os = ("etc/os-release", "ID=debian\nVERSION_CODENAME=bookworm\n");
        for (path, text) in files.iter().chain([&os]) {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    fn suites(root: &Path, name: &str, version: &str) -> Vec<String> {
        let release = Release::find(name, version).unwrap();
        let sources = host_sources(root, &release).unwrap();
        sources.into_iter().flat_map(|source| source.suites).collect()
    }

    #[test]
    fn sources_of_other_suites_are_left_out() {
        let root = host(&[
            ("etc/apt/sources.list", "deb http://example.org/security bookworm-security main\n"),
            ("etc/apt/sources.list.d/a.list", "deb http://example.org/a nodistro main\n"),
            ("etc/apt/sources.list.d/b.list", "deb http://example.org/b bookworm-pgdg main\n"),
            ("etc/apt/sources.list.d/c.list", "deb http://example.org/c bookworm stable\n"),
            ("etc/apt/sources.list.d/debian.sources", DEBIAN),
            ("etc/apt/sources.list.d/old.list.save", "deb http://example.org/d bookworm main\n"),
        ]);
        let expected = ["bookworm-security", "bookworm", "bookworm", "bookworm-updates"];
        assert_eq!(suites(root.path(), "Debian", "12"), expected);
    }

    #[test]
    fn another_release_of_the_same_distribution_replaces_the_suite() {
        let root = host(&[
            ("etc/apt/sources.list.d/debian.sources", DEBIAN),
            ("etc/apt/sources.list.d/c.list", "deb http://example.org/c bookworm stable\n"),
        ]);
        assert_eq!(suites(root.path(), "Debian", "13"), ["trixie", "trixie-updates"]);
    }

    #[test]
    fn another_distribution_is_not_served() {
        let root = host(&[("etc/apt/sources.list.d/debian.sources", DEBIAN)]);
        let release = Release::find("Ubuntu", "24.04").unwrap();
        let error = host_sources(root.path(), &release).unwrap_err();
        assert_eq!(error.to_string(), "no apt source of this host serves noble");
    }

    #[test]
    fn a_source_for_another_architecture_is_left_out() {
        let line = "deb [arch=arm64] http://example.org/debian bookworm main\n";
        let root = host(&[("etc/apt/sources.list", line)]);
        let release = Release::find("Debian", "12").unwrap();
        assert!(host_sources(root.path(), &release).is_err());
    }
}
