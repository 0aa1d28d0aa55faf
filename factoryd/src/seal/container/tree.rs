//! A tree of files with nothing in it but what is left.

use super::super::rules::{Access, Container, FileRule};
use rustix::fs::CWD;
use rustix::io::Errno;
use rustix::mount::{
    MountFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags, mount, move_mount, open_tree, unmount,
};
use rustix::process::{chdir, pivot_root};
use std::fs::{self, File};
use std::io;
use std::mem::size_of;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// Where the new tree is made: any directory that is everywhere will do, for what is below is held open by then.
const BASE: &str = "/proc";
/// What every program may look for that is no file of anybody's.
const LINKS: &[(&str, &str)] = &[
    ("/dev/fd", "/proc/self/fd"),
    ("/dev/stdin", "/proc/self/fd/0"),
    ("/dev/stdout", "/proc/self/fd/1"),
    ("/dev/stderr", "/proc/self/fd/2"),
];

/// A part of the old tree, and where it goes.
struct Part {
    path: PathBuf,
    mount: OwnedFd,
    is_directory: bool,
}

/// Makes the tree the only one that this process sees. What is its own is shown as that of the root of `owner`, if there is one.
pub(super) fn enter(container: &Container, owner: Option<BorrowedFd<'_>>) -> io::Result<()> {
    let directory = std::env::current_dir()?;
    let parts = parts(container, owner)?;
    let base = Path::new(BASE);
    mount("none", base, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, Some(c"mode=0755"))?;
    for part in &parts {
        attach(base, part).map_err(|error| at(&part.path, error))?;
    }
    link(base, container)?;
    chdir(base)?;
    // The old tree comes to lie over the new one, and is taken away (pivot_root(2)).
    pivot_root(".", ".")?;
    unmount(".", UnmountFlags::DETACH)?;
    chdir("/")?;
    let root = open_tree(CWD, "/", OpenTreeFlags::OPEN_TREE_CLOEXEC)?;
    set(root.as_fd(), 0, Attributes { read_only: true, ..Attributes::default() })?;
    match chdir(&directory) {
        // Where it was is not left to it: it is at the root.
        Err(Errno::NOENT) => Ok(()),
        other => Ok(other?),
    }
}

/// Answers a directory as a mount of its own, whose files are shown as those of the root of a namespace.
pub(super) fn mapped(directory: &Path, owner: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let part = clone(directory)?;
    set(part.as_fd(), BELOW, Attributes { owner: Some(owner), ..Attributes::default() })?;
    Ok(part)
}

/// Opens all that is left, from the top down. What is not there can't be left to anybody.
fn parts(container: &Container, owner: Option<BorrowedFd<'_>>) -> io::Result<Vec<Part>> {
    let own = container.own.iter().map(|rule| (rule, owner));
    let mut rules: Vec<_> = container.files.iter().map(|rule| (rule, None)).chain(own).collect();
    rules.sort_by_key(|(rule, _)| rule.path.components().count());
    let mut parts = Vec::with_capacity(rules.len());
    for (rule, owner) in rules {
        match part(rule, owner) {
            Ok(part) => parts.push(part),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(at(&rule.path, error)),
        }
    }
    Ok(parts)
}

fn part(rule: &FileRule, owner: Option<BorrowedFd<'_>>) -> io::Result<Part> {
    let is_directory = fs::metadata(&rule.path)?.is_dir();
    let mount = clone(&rule.path)?;
    let read_only = matches!(rule.access, Access::Read | Access::Execute);
    let devices = rule.access == Access::Device;
    // Who makes processes of its own mounts them, which is refused where they are shown read-only.
    let process_files = rule.path == Path::new("/proc");
    if !process_files {
        set(mount.as_fd(), BELOW, Attributes { read_only, devices, owner })?;
    }
    Ok(Part { path: rule.path.clone(), mount, is_directory })
}

fn clone(path: &Path) -> io::Result<OwnedFd> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_RECURSIVE;
    Ok(open_tree(CWD, path, flags)?)
}

fn attach(base: &Path, part: &Part) -> io::Result<()> {
    let target = below(base, &part.path);
    match part.is_directory {
        true => make_directory(&target)?,
        false => {
            target.parent().map_or(Ok(()), make_directory)?;
            if !target.exists() {
                File::create(&target)?;
            }
        }
    }
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_SYMLINKS;
    Ok(move_mount(&part.mount, "", CWD, &target, flags)?)
}

fn make_directory(path: &Path) -> io::Result<()> {
    if path.is_dir() { Ok(()) } else { fs::create_dir_all(path) }
}

/// Links what programs look for; `/tmp` is where the process's own temporary files are.
fn link(base: &Path, container: &Container) -> io::Result<()> {
    let temporary = container.temporary.iter().map(|path| (Path::new("/tmp"), path.as_path()));
    let fixed = LINKS.iter().map(|(path, target)| (Path::new(path), Path::new(target)));
    for (path, target) in fixed.chain(temporary) {
        let path = below(base, path);
        match path.symlink_metadata() {
            Ok(_) => {}
            Err(_) => {
                path.parent().map_or(Ok(()), make_directory)?;
                symlink(target, path)?;
            }
        }
    }
    Ok(())
}

fn below(base: &Path, path: &Path) -> PathBuf {
    base.join(path.strip_prefix("/").unwrap_or(path))
}

fn at(path: &Path, error: io::Error) -> io::Error {
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::INVAL) => io::Error::other(format!(
            "{}: {error} (does its file system know mounts that map ids?)",
            path.display()
        )),
        _ => io::Error::other(format!("{}: {error}", path.display())),
    }
}

/// What is to be so of a mount.
#[derive(Default)]
struct Attributes<'a> {
    read_only: bool,
    devices: bool,
    owner: Option<BorrowedFd<'a>>,
}

/// A mount and all below.
const BELOW: libc::c_int = libc::AT_RECURSIVE;

/// `mount_setattr(2)`, on a mount that is held open.
#[expect(unsafe_code, reason = "no safe crate we use has this call")]
fn set(mount: BorrowedFd<'_>, also: libc::c_int, attributes: Attributes<'_>) -> io::Result<()> {
    let Attributes { read_only, devices, owner } = attributes;
    let mut attr_set = libc::MOUNT_ATTR_NOSUID;
    if read_only {
        attr_set |= libc::MOUNT_ATTR_RDONLY;
    }
    if !devices {
        attr_set |= libc::MOUNT_ATTR_NODEV;
    }
    let mut userns_fd = 0;
    if let Some(owner) = owner {
        attr_set |= libc::MOUNT_ATTR_IDMAP;
        userns_fd = u64::try_from(owner.as_raw_fd()).map_err(io::Error::other)?;
    }
    let attributes = libc::mount_attr { attr_set, attr_clr: 0, propagation: 0, userns_fd };
    // SAFETY: the path is empty and ends with a zero, the attributes are as the call wants them, and both outlive it.
    let done = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH | also,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
