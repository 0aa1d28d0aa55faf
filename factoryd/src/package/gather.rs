//! Gathering a package: which files of a directory are in it, and what it is.

use super::sums::{SIGNATURE, SUMS, hexadecimal};
use super::{Error, Identity, Limits, Platform, Sums, elf, member};
use factory_proto::info::Info;
use rustix::fs::FileType;
use semver::Version;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

const CHUNK: usize = 128 * 1024;
/// What is taken of a directory that is not taken whole, if it is there: beginnings of names.
const USUAL: [&str; 4] = ["LICENSE", "LICENCE", "NOTICE", "README"];

/// What is taken.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// The executable, if it is elsewhere. Then of the directory only `NAME.info`, licence, notice, README and what is
    /// [`included`](Self::include) is taken.
    pub executable: Option<PathBuf>,
    /// What else is taken of the directory. Then the rest is not.
    pub include: Vec<PathBuf>,
    /// What it runs on; else what its programs are for.
    pub platform: Option<Platform>,
}

/// A package that could be made.
#[derive(Debug, Clone, PartialEq)]
pub struct Gathered {
    /// What it says of itself.
    pub sums: Sums,
    /// Where its files are, by their paths in it.
    pub(super) sources: BTreeMap<String, Source>,
}

/// A file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) len: u64,
    pub(super) executable: bool,
}

/// Gathers what is in a directory.
///
/// # Errors
/// If it can't be read, is too large, has a file that can't be in a package, or what makes it one is missing.
pub fn gather(directory: &Path, selection: &Selection, limits: &Limits) -> Result<Gathered, Error> {
    let info = info_file(directory)?;
    let mut walk = Walk { root: directory, limits, found: BTreeMap::new(), size: 0 };
    let all = selection.executable.is_none() && selection.include.is_empty();
    for path in entries(directory)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let ours = [SUMS, SIGNATURE].contains(&&*name);
        let usual = path == info || USUAL.iter().any(|start| name.starts_with(start));
        if !ours && !name.starts_with('.') && (all || usual) {
            walk.take(&path)?;
        }
    }
    for path in &selection.include {
        walk.take(&directory.join(path))?;
    }
    identify(&info, selection, walk)
}

fn identify(info: &Path, selection: &Selection, mut walk: Walk<'_>) -> Result<Gathered, Error> {
    let (name, version, named) = read_info(info)?;
    let mut identity = Identity { name, version, platform: Platform::Any };
    let executable = named.unwrap_or_else(|| identity.executable());
    if let Some(path) = &selection.executable {
        walk.take_as(path, identity.executable())?;
    }
    let there = walk.found.get(&executable).or(walk.found.get(&identity.executable()));
    if !there.is_some_and(|source| source.executable) {
        return Err(Error::NoExecutable(executable));
    }
    identity.platform = match &selection.platform {
        Some(platform) => platform.clone(),
        None => platform(&walk.found)?,
    };
    let digests = walk.found.iter().map(|(path, source)| Ok((path.clone(), digest(&source.path)?)));
    let sums = Sums { identity, files: digests.collect::<Result<_, Error>>()? };
    Ok(Gathered { sums, sources: walk.found })
}

/// Reads what a package must know of a plugin: name, version, and the executable that the file names.
fn read_info(path: &Path) -> Result<(String, Version, Option<String>), Error> {
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let text = fs::read_to_string(path).map_err(Error::read(path))?;
    let (version, executable) = understand_info(&name, &text)?;
    Ok((name, version, executable))
}

/// Understands the text of `NAME.info`: the version, and the executable that it names.
pub(super) fn understand_info(name: &str, text: &str) -> Result<(Version, Option<String>), Error> {
    let fault = |why: String| Error::Info { file: format!("{name}.info"), why };
    if !Identity::is_name(name) {
        let why = "the plugin's name may have small letters, digits, `-` and `_`, 64 at the most";
        return Err(fault(why.to_owned()));
    }
    let info = Info::parse(name, text).map_err(|error| fault(error.to_string()))?;
    let version = info.raw.get("version").and_then(|version| version.as_str());
    let version = version.ok_or_else(|| fault("key `version` is missing".to_owned()))?;
    let version = Version::parse(version)
        .map_err(|error| fault(format!("`version` {version:?} is no semantic version: {error}")))?;
    let executable = info.raw.get("executable").and_then(|path| path.as_str());
    if let Some(path) = executable.filter(|path| path.contains('/')) {
        let why = format!("`executable` is {path:?}, but must be beside this file in a package");
        return Err(fault(why));
    }
    Ok((version, executable.map(str::to_owned)))
}

fn info_file(directory: &Path) -> Result<PathBuf, Error> {
    let mut infos = entries(directory)?;
    infos.retain(|path| path.extension().is_some_and(|extension| extension == "info"));
    match infos.as_slice() {
        [info] => Ok(info.clone()),
        others => Err(Error::Infos { directory: directory.to_owned(), count: others.len() }),
    }
}

fn platform(found: &BTreeMap<String, Source>) -> Result<Platform, Error> {
    let mut platform = Platform::Any;
    for Source { path, .. } in found.values() {
        match elf::platform(path).map_err(Error::read(path))? {
            Some(this) if platform == Platform::Any => platform = this,
            Some(this) if this != platform => {
                return Err(Error::Platforms(platform.to_string(), this.to_string()));
            }
            _ => {}
        }
    }
    Ok(platform)
}

fn digest(path: &Path) -> Result<String, Error> {
    let mut file = File::open(path).map_err(Error::read(path))?;
    let (mut hasher, mut chunk) = (Sha256::new(), vec![0; CHUNK]);
    loop {
        match file.read(&mut chunk) {
            Ok(0) => return Ok(hexadecimal(&hasher.finalize())),
            Ok(len) => hasher.update(&chunk[..len]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::read(path)(error)),
        }
    }
}

fn entries(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let read = fs::read_dir(directory).map_err(Error::read(directory))?;
    let paths = read.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = paths.collect::<io::Result<Vec<_>>>().map_err(Error::read(directory))?;
    paths.sort();
    Ok(paths)
}

struct Walk<'a> {
    root: &'a Path,
    limits: &'a Limits,
    found: BTreeMap<String, Source>,
    size: u64,
}

impl Walk<'_> {
    /// Takes a file, or all below a directory.
    fn take(&mut self, path: &Path) -> Result<(), Error> {
        let metadata = fs::symlink_metadata(path).map_err(Error::read(path))?;
        if metadata.is_dir() {
            return entries(path)?.iter().try_for_each(|path| self.take(path));
        }
        let below = path.strip_prefix(self.root).unwrap_or(path);
        let member = below.to_str().map(str::to_owned);
        let lossy = || below.to_string_lossy().into_owned();
        let member =
            member.ok_or_else(|| Error::Member { path: lossy(), why: "its name is not UTF-8" })?;
        self.take_as(path, member)
    }

    /// Takes a file under a path of its own.
    fn take_as(&mut self, path: &Path, member: String) -> Result<(), Error> {
        if let Some(why) = member::fault(&member) {
            return Err(Error::Member { path: member, why });
        }
        let metadata = fs::symlink_metadata(path).map_err(Error::read(path))?;
        let kind = FileType::from_raw_mode(metadata.permissions().mode());
        if kind != FileType::RegularFile {
            let why = match kind {
                FileType::Symlink => "it is a link; put a copy of what it leads to in its place",
                _ => "it is no regular file",
            };
            return Err(Error::Member { path: member, why });
        }
        self.size += metadata.len();
        if self.limits.unpacked < self.size {
            return Err(Error::TooLarge { what: "its size", max: self.limits.unpacked });
        }
        let executable = metadata.permissions().mode() & 0o100 != 0;
        let source = Source { path: path.to_owned(), len: metadata.len(), executable };
        self.found.insert(member, source);
        match self.limits.files < self.found.len() {
            true => Err(Error::TooLarge {
                what: "the number of its files",
                max: self.limits.files as u64,
            }),
            false => Ok(()),
        }
    }
}
