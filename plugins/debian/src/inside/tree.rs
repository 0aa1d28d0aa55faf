//! The image's files, from outside: every path is resolved as if the tree were the root, so that no link in the image
//! leads to a file of the build host.

use rustix::fs::{AtFlags, Dir, Mode, OFlags, ResolveFlags};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// The image's files.
#[derive(Debug)]
pub(crate) struct Tree {
    root: OwnedFd,
    path: PathBuf,
}

impl Tree {
    /// Opens the directory.
    ///
    /// # Errors
    /// If it is none.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(path, flags, Mode::empty())?;
        Ok(Self { root, path: path.to_owned() })
    }

    /// Answers where it is on the build host.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Tells whether a file is there, whatever it is.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.at(path, OFlags::PATH, Mode::empty()).is_ok()
    }

    /// Reads a whole file.
    ///
    /// # Errors
    /// If it is not there or can't be read.
    pub(crate) fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        let file = self.at(path, OFlags::RDONLY | OFlags::NONBLOCK, Mode::empty())?;
        File::from(file).read_to_end(&mut content)?;
        Ok(content)
    }

    /// Writes a file owned by who writes it, which is root in the namespace, creating the directories above it.
    ///
    /// # Errors
    /// If the file system refuses it.
    pub(crate) fn write(&self, path: &str, mode: u32, content: &[u8]) -> io::Result<()> {
        self.create_parents(path)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NONBLOCK;
        let file = self.at(path, flags, Mode::from_raw_mode(mode))?;
        own(&file)?;
        rustix::fs::fchmod(&file, Mode::from_raw_mode(mode))?;
        File::from(file).write_all(content)
    }

    /// Makes a symbolic link, in place of what may be there.
    ///
    /// # Errors
    /// If the file system refuses it.
    pub(crate) fn link(&self, path: &str, target: &str) -> io::Result<()> {
        self.remove(path)?;
        self.create_parents(path)?;
        let (parent, name) = split(path)?;
        let parent = self.at(parent, OFlags::PATH | OFlags::DIRECTORY, Mode::empty())?;
        Ok(rustix::fs::symlinkat(target, parent, name)?)
    }

    /// Removes a file, if it is there.
    ///
    /// # Errors
    /// If it is a directory or the file system refuses it.
    pub(crate) fn remove(&self, path: &str) -> io::Result<()> {
        let (parent, name) = split(path)?;
        let parent = match self.at(parent, OFlags::PATH | OFlags::DIRECTORY, Mode::empty()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            parent => parent?,
        };
        match rustix::fs::unlinkat(parent, name, AtFlags::empty()) {
            Err(rustix::io::Errno::NOENT) => Ok(()),
            removed => Ok(removed?),
        }
    }

    /// Answers the names in a directory, sorted; none if it is not there.
    ///
    /// # Errors
    /// If it can't be read.
    pub(crate) fn list(&self, path: &str) -> io::Result<Vec<String>> {
        let directory = match self.at(path, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
            directory => directory?,
        };
        let mut names = vec![];
        for entry in Dir::new(directory)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name != "." && name != ".." {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// Removes everything in a directory but the names in `keep`; the directory stays.
    ///
    /// # Errors
    /// If the file system refuses it.
    pub(crate) fn empty(&self, path: &str, keep: &[&str]) -> io::Result<()> {
        for name in self.list(path)? {
            if keep.contains(&name.as_str()) {
                continue;
            }
            let path = format!("{path}/{name}");
            if self.is_directory(&path) {
                self.empty(&path, &[])?;
                let (parent, name) = split(&path)?;
                let parent = self.at(parent, OFlags::PATH | OFlags::DIRECTORY, Mode::empty())?;
                rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR)?;
            } else {
                self.remove(&path)?;
            }
        }
        Ok(())
    }

    /// Creates a directory and those above it, as far as they are not there.
    ///
    /// # Errors
    /// If the file system refuses it.
    pub(crate) fn create_directory(&self, path: &str) -> io::Result<()> {
        if self.has(path) {
            return Ok(());
        }
        self.create_parents(path)?;
        let (parent, name) = split(path)?;
        let parent = self.at(parent, OFlags::PATH | OFlags::DIRECTORY, Mode::empty())?;
        rustix::fs::mkdirat(&parent, name, Mode::from_raw_mode(0o755))?;
        // The umask may have taken bits away.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let made = rustix::fs::openat(&parent, name, flags, Mode::empty())?;
        Ok(rustix::fs::fchmod(made, Mode::from_raw_mode(0o755))?)
    }

    fn create_parents(&self, path: &str) -> io::Result<()> {
        let (parent, _) = split(path)?;
        if parent == "/" { Ok(()) } else { self.create_directory(parent) }
    }

    fn is_directory(&self, path: &str) -> bool {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW;
        self.at(path, flags, Mode::empty()).is_ok()
    }

    fn at(&self, path: &str, flags: OFlags, mode: Mode) -> io::Result<OwnedFd> {
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        Ok(rustix::fs::openat2(&self.root, path, flags | OFlags::CLOEXEC, mode, resolve)?)
    }
}

/// Makes a file our own: root's, in the namespace. A new one is; one that was there may be somebody else's.
fn own(file: &OwnedFd) -> io::Result<()> {
    let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
    let stat = rustix::fs::fstat(file)?;
    if (stat.st_uid, stat.st_gid) == (uid.as_raw(), gid.as_raw()) {
        return Ok(());
    }
    Ok(rustix::fs::fchown(file, Some(uid), Some(gid))?)
}

/// Splits an absolute path into its directory and its last name.
fn split(path: &str) -> io::Result<(&str, &str)> {
    let (parent, name) = path.trim_end_matches('/').rsplit_once('/').unwrap_or_default();
    if name.is_empty() || name == "." || name == ".." {
        let message = format!("{path:?} does not name a file");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    Ok((if parent.is_empty() { "/" } else { parent }, name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn tree() -> (tempfile::TempDir, Tree) {
        let directory = tempfile::tempdir().unwrap();
        let tree = Tree::open(directory.path()).unwrap();
        (directory, tree)
    }

    #[test]
    fn a_file_is_written_with_its_directories() {
        let (directory, tree) = tree();
        tree.write("/etc/a/b/file", 0o644, b"content").unwrap();
        let path = directory.path().join("etc/a/b/file");
        assert_eq!(fs::read(&path).unwrap(), b"content");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
        let parent = fs::metadata(path.parent().unwrap()).unwrap();
        assert_eq!(parent.permissions().mode() & 0o777, 0o755);
    }

    #[test]
    fn a_link_of_the_image_stays_inside_the_image() {
        let (directory, tree) = tree();
        fs::create_dir(directory.path().join("real")).unwrap();
        symlink("/real", directory.path().join("link")).unwrap();
        symlink("../../../../real/other", directory.path().join("up")).unwrap();
        fs::write(directory.path().join("real/file"), b"content").unwrap();
        assert_eq!(tree.read("/link/file").unwrap(), b"content");
        tree.write("/link/new", 0o644, b"new").unwrap();
        assert!(directory.path().join("real/new").exists());
        assert!(!tree.has("/up"));
        assert!(!tree.has("/../../../../etc/passwd"));
    }

    #[test]
    fn emptying_a_directory_follows_no_link() {
        let (directory, tree) = tree();
        fs::create_dir_all(directory.path().join("run/deep/er")).unwrap();
        fs::create_dir(directory.path().join("run/lock")).unwrap();
        fs::create_dir(directory.path().join("kept")).unwrap();
        fs::write(directory.path().join("kept/file"), b"").unwrap();
        symlink("/kept", directory.path().join("run/link")).unwrap();
        tree.empty("/run", &["lock"]).unwrap();
        assert_eq!(tree.list("/run").unwrap(), ["lock"]);
        assert_eq!(tree.list("/kept").unwrap(), ["file"]);
        tree.empty("/nowhere", &[]).unwrap();
    }

    #[test]
    fn a_path_without_a_name_is_refused() {
        let (_directory, tree) = tree();
        for path in ["/", "", "/etc/..", "relative"] {
            assert!(tree.write(path, 0o644, b"").is_err(), "{path}");
        }
    }
}
