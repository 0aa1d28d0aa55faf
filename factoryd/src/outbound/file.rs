//! `file:` URLs.
//!
//! As in Image Factory, what follows `file:` or `file://` is the path as it stands, host and all: `file:///etc/motd` is
//! absolute, `file://scripts/x` and `file://./x` are relative. Nothing is decoded; a query or fragment does not count.
//!
//! A daemon reads below its content directories: an absolute path must lead into one, a relative one is looked for in each
//! of them. No `..` and no symbolic link leads out, for the kernel resolves the path beneath the directory. A command line
//! without a daemon reads what its user can read; relative paths are those of its working directory.

use super::Error;
use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags, fstat, openat, openat2};
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

/// Which files can be read.
#[derive(Debug, Clone)]
pub enum Files {
    /// Those below these directories.
    Below(Vec<PathBuf>),
    /// All that the process can read.
    AnyOfTheUser,
}

/// Answers the path in a `file:` URL, if it is one.
pub(super) fn path(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once(':')?;
    let path = rest.strip_prefix("//").unwrap_or(rest);
    let path = path.split(['?', '#']).next().unwrap_or_default();
    scheme.eq_ignore_ascii_case("file").then_some(path)
}

impl Files {
    /// Refuses what can't be read for certain.
    ///
    /// # Errors
    /// If there is no content directory, or none that the path leads into.
    pub fn judge(&self, path: &str) -> Result<(), Error> {
        match self {
            Self::AnyOfTheUser => Ok(()),
            Self::Below(directories) if directories.is_empty() => Err(Error::NoContentDirs),
            Self::Below(directories) if candidates(directories, path).is_empty() => {
                Err(outside(path))
            }
            Self::Below(_) => Ok(()),
        }
    }

    /// Reads a file. Blocks.
    ///
    /// # Errors
    /// If it is not below a content directory, is no regular file, is larger than `limit` bytes, or can't be read.
    pub fn read(&self, path: &str, limit: u64) -> Result<Vec<u8>, Error> {
        self.judge(path)?;
        let file = match self {
            Self::AnyOfTheUser => open(CWD, Path::new(path), ResolveFlags::empty()),
            Self::Below(directories) => beneath(directories, path),
        };
        let failed = |source| Error::File { path: path.to_owned(), source };
        let file = file.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::CrossesDevices => outside(path),
            _ => failed(error),
        })?;
        let file = regular(&file)
            .map_err(failed)?
            .ok_or_else(|| Error::NotAFile { path: path.to_owned() })?;
        let mut content = Vec::new();
        file.take(limit + 1).read_to_end(&mut content).map_err(failed)?;
        if limit < content.len() as u64 {
            return Err(Error::TooLarge { limit });
        }
        Ok(content)
    }
}

fn outside(path: &str) -> Error {
    Error::Outside { path: path.to_owned() }
}

/// Answers where a path may be: directories, and the path below each. With `..` it is nowhere.
fn candidates<'a>(directories: &'a [PathBuf], path: &'a str) -> Vec<(&'a Path, &'a Path)> {
    let path = Path::new(path);
    if path.components().any(|part| part == Component::ParentDir) || path.as_os_str().is_empty() {
        return Vec::new();
    }
    let below = |directory: &'a PathBuf| {
        let rest = if path.is_absolute() { path.strip_prefix(directory).ok()? } else { path };
        Some((directory.as_path(), rest))
    };
    directories.iter().filter_map(below).collect()
}

/// Opens the first candidate that exists.
fn beneath(directories: &[PathBuf], path: &str) -> io::Result<OwnedFd> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for (directory, rest) in candidates(directories, path) {
        let flags = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        match File::open(directory).and_then(|directory| open(directory.as_fd(), rest, flags)) {
            Ok(file) => return Ok(file),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Opens a place without touching what is there: opening a device may do something, opening a pipe may wait.
fn open(directory: BorrowedFd<'_>, path: &Path, resolve: ResolveFlags) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    if resolve.is_empty() {
        return Ok(openat(directory, path, flags, Mode::empty())?);
    }
    match openat2(directory, path, flags, Mode::empty(), resolve) {
        Err(Errno::NOSYS | Errno::PERM) => by_steps(directory, path),
        opened => Ok(opened?),
    }
}

/// The same where the kernel, or a sandbox, has no `openat2`: then no symbolic link is followed at all.
fn by_steps(directory: BorrowedFd<'_>, path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let mut place = directory.try_clone_to_owned()?;
    for part in path.components() {
        if let Component::Normal(name) = part {
            place = openat(&place, name, flags, Mode::empty())?;
        }
    }
    Ok(place)
}

/// Opens what was found for reading if it is a regular file.
fn regular(found: &OwnedFd) -> io::Result<Option<File>> {
    if FileType::from_raw_mode(fstat(found)?.st_mode) != FileType::RegularFile {
        return Ok(None);
    }
    File::open(format!("/proc/self/fd/{}", found.as_raw_fd())).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn reason(result: Result<Vec<u8>, Error>) -> &'static str {
        match result {
            Ok(_) => "read",
            Err(Error::NoContentDirs) => "no directories",
            Err(Error::Outside { .. }) => "outside",
            Err(Error::NotAFile { .. }) => "no file",
            Err(Error::TooLarge { .. }) => "too large",
            Err(_) => "failed",
        }
    }

    #[test]
    fn the_path_is_all_that_follows_as_it_stands() {
        for (url, expected) in [
            ("file:///etc/motd", Some("/etc/motd")),
            ("FILE:/etc/motd", Some("/etc/motd")),
            ("file://scripts/x%20y", Some("scripts/x%20y")),
            ("file://./x?query#part", Some("./x")),
            ("file:x", Some("x")),
            ("http://x/", None),
            ("x", None),
        ] {
            assert_eq!(path(url), expected, "{url}");
        }
    }

    #[test]
    fn nothing_outside_of_a_content_directory_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        let open = root.join("open");
        std::fs::create_dir_all(open.join("sub")).unwrap();
        std::fs::write(root.join("secret"), "secret").unwrap();
        std::fs::write(open.join("sub/file"), "content").unwrap();
        symlink("sub/file", open.join("inside")).unwrap();
        symlink("../secret", open.join("up")).unwrap();
        symlink(root.join("secret"), open.join("absolute")).unwrap();
        symlink("..", open.join("parent")).unwrap();
        symlink("/proc/self/root", open.join("magic")).unwrap();
        rustix::fs::mknodat(CWD, open.join("pipe"), FileType::Fifo, Mode::RUSR, 0).unwrap();
        let files = Files::Below(vec![root.join("missing"), open.clone()]);
        let absolute = open.join("sub/file").display().to_string();
        let climbing = format!("{}/../secret", open.display());
        let secret = root.join("secret").display().to_string();
        for (path, expected) in [
            ("sub/file", "read"),
            ("./sub//file", "read"),
            (&*absolute, "read"),
            ("inside", "read"),
            ("up", "outside"),
            ("absolute", "outside"),
            ("parent/secret", "outside"),
            ("magic/etc/passwd", "outside"),
            ("../secret", "outside"),
            ("sub/../sub/file", "outside"),
            (&*climbing, "outside"),
            (&*secret, "outside"),
            ("/etc/passwd", "outside"),
            ("", "outside"),
            ("sub", "no file"),
            ("pipe", "no file"),
            (".", "no file"),
            ("sub/none", "outside"),
            ("a\0b", "failed"),
        ] {
            let read = reason(files.read(path, 100));
            assert!(
                read == expected || path == "magic/etc/passwd" && read == "failed",
                "{path}: {read}"
            );
        }
        assert_eq!(reason(files.read("sub/file", 6)), "too large");
        assert_eq!(files.read("sub/file", 7).unwrap(), b"content");
        assert_eq!(reason(Files::Below(vec![]).read("sub/file", 7)), "no directories");
    }

    #[test]
    fn without_the_system_call_links_are_not_followed_at_all() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("file"), "content").unwrap();
        symlink("file", directory.path().join("link")).unwrap();
        symlink("/", directory.path().join("root")).unwrap();
        let opened = File::open(directory.path()).unwrap();
        let is_regular = |path: &str| {
            by_steps(opened.as_fd(), Path::new(path))
                .ok()
                .and_then(|found| regular(&found).unwrap())
                .is_some()
        };
        assert!(is_regular("./file"));
        assert!(!is_regular("link"));
        assert!(!is_regular("root/etc/passwd"));
    }

    #[test]
    fn an_own_user_reads_any_regular_file() {
        let files = Files::AnyOfTheUser;
        assert_eq!(reason(files.read("/etc/passwd", 1 << 20)), "read");
        assert_eq!(reason(files.read("Cargo.toml", 1 << 20)), "read");
        assert_eq!(reason(files.read("/dev/zero", 1 << 20)), "no file");
    }
}
