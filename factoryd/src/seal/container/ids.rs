//! User namespaces: made by a child that waits in one, so that this process can give it ids from outside.

use nix::sched::{CloneFlags, setns, unshare};
use nix::unistd::{ForkResult, Gid, Uid, fork, setgroups, setresgid, setresuid};
use rustix::process::{Pid, WaitOptions, getuid, waitpid};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::Command;

/// How many ids there are in one: all that fit into 16 bits, `nobody` being 65534.
const COUNT: u32 = 65_536;

/// Makes a user namespace in which ids from 0 are those from `first` outside. Takes root.
pub(super) fn foreign(first: u32) -> io::Result<OwnedFd> {
    namespace(|pid| write_maps(pid, &format!("0 {first} {COUNT}\n")))
}

/// Makes a user namespace in which this user is root, and its subordinate ids are those from 1.
pub(super) fn subordinate() -> io::Result<OwnedFd> {
    let uid = getuid().as_raw();
    let gid = rustix::process::getgid().as_raw();
    let (uids, gids) = (range("/etc/subuid", uid)?, range("/etc/subgid", uid)?);
    namespace(|pid| {
        map_by("newuidmap", pid, uid, uids)?;
        map_by("newgidmap", pid, gid, gids)
    })
}

/// Makes a user namespace of the ids of this one.
pub(super) fn same() -> io::Result<OwnedFd> {
    // The kernel looks for each line in one line of the map of this one.
    namespace(|pid| write_maps(pid, &format!("0 0 1\n1 1 {}\n", COUNT - 1)))
}

/// Enters a user namespace as its root.
pub(super) fn become_root_of(namespace: &OwnedFd) -> io::Result<()> {
    setns(namespace.as_fd(), CloneFlags::CLONE_NEWUSER)?;
    let (uid, gid) = (Uid::from_raw(0), Gid::from_raw(0));
    setgroups(&[])?;
    setresgid(gid, gid, gid)?;
    setresuid(uid, uid, uid)?;
    Ok(())
}

/// Tells whether this user has subordinate ids and the programs that map them.
pub(in crate::seal) fn can_map_subordinates() -> bool {
    let uid = getuid().as_raw();
    let has = |program: &str| {
        let search = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&search).any(|directory| directory.join(program).is_file())
    };
    ["newuidmap", "newgidmap"].into_iter().all(has)
        && ["/etc/subuid", "/etc/subgid"].into_iter().all(|file| range(file, uid).is_ok())
}

/// Tells whether a file system can show its files as somebody else's. Takes root.
pub(in crate::seal) fn maps_ids(directory: &Path) -> bool {
    // Any other ids will do.
    foreign(COUNT).and_then(|ids| super::tree::mapped(directory, ids.as_fd())).is_ok()
}

fn namespace(give_ids: impl FnOnce(Pid) -> io::Result<()>) -> io::Result<OwnedFd> {
    let (mut made, telling) = io::pipe()?;
    let (waiting, kept) = io::pipe()?;
    let child = match forked()? {
        ForkResult::Child => {
            drop((made, kept));
            wait_in_namespace(telling, waiting)
        }
        ForkResult::Parent { child } => {
            Pid::from_raw(child.as_raw()).ok_or(io::ErrorKind::Other)?
        }
    };
    drop((telling, waiting));
    let mut errno = [0; 4];
    let given = match made.read_exact(&mut errno) {
        Ok(()) if i32::from_ne_bytes(errno) == 0 => give_ids(child),
        Ok(()) => Err(io::Error::from_raw_os_error(i32::from_ne_bytes(errno))),
        Err(error) => Err(error),
    };
    let path = format!("/proc/{}/ns/user", child.as_raw_nonzero());
    let opened = given.and_then(|()| File::open(path));
    drop(kept);
    let _ = waitpid(Some(child), WaitOptions::empty());
    Ok(opened?.into())
}

#[expect(unsafe_code, reason = "a process can't be given ids but by another one")]
fn forked() -> io::Result<ForkResult> {
    // SAFETY: the child makes system calls and ends: it needs nothing that another thread may have held at the fork.
    Ok(unsafe { fork() }?)
}

/// Says how it went, and ends when nobody needs the namespace by this process any more.
fn wait_in_namespace(mut telling: io::PipeWriter, mut waiting: io::PipeReader) -> ! {
    let errno = unshare(CloneFlags::CLONE_NEWUSER).err().map_or(0, |errno| errno as i32);
    let _ = telling.write_all(&errno.to_ne_bytes());
    let _ = waiting.read(&mut [0]);
    #[expect(unsafe_code, reason = "what the parent has set up for its own end is not run")]
    // SAFETY: it ends the process and does nothing else.
    unsafe {
        libc::_exit(0)
    }
}

fn write_maps(pid: Pid, map: &str) -> io::Result<()> {
    let of = |name: &str| format!("/proc/{}/{name}", pid.as_raw_nonzero());
    fs::write(of("uid_map"), map)?;
    fs::write(of("gid_map"), map)
}

/// Has a program with the right to it map our own id and a range of subordinate ones.
fn map_by(program: &str, pid: Pid, own: u32, range: (u32, u32)) -> io::Result<()> {
    let (first, count) = range;
    let numbers = [0, own, 1, 1, first, count].map(|number| number.to_string());
    let pid = pid.as_raw_nonzero().to_string();
    let output = Command::new(program).arg(pid).args(numbers).output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{program} refuses: {}", said.trim())))
}

/// Reads `USER:FIRST:COUNT` (subuid(5)), where the user is a name or a number.
fn range(file: &str, uid: u32) -> io::Result<(u32, u32)> {
    let text = fs::read_to_string(file)?;
    let name = name_of(uid).unwrap_or_default();
    range_in(&text, &name, uid)
        .ok_or_else(|| io::Error::other(format!("{file} gives user {uid} no range of {COUNT} ids")))
}

fn range_in(text: &str, name: &str, uid: u32) -> Option<(u32, u32)> {
    let uid = uid.to_string();
    text.lines().find_map(|line| {
        let mut fields = line.trim().split(':');
        let owner = fields.next()?;
        let (first, count) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        ((owner == name || owner == uid) && COUNT <= count).then_some((first, COUNT - 1))
    })
}

fn name_of(uid: u32) -> Option<String> {
    let user = nix::unistd::User::from_uid(Uid::from_raw(uid)).ok()?;
    user.map(|user| user.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_that_is_large_enough_is_found_by_name_or_number() {
        let text = "other:100000:65536\nme:165536:1000\n1001:300000:70000\n";
        assert_eq!(range_in(text, "other", 7), Some((100_000, 65_535)));
        assert_eq!(range_in(text, "me", 1000), None);
        assert_eq!(range_in(text, "you", 1001), Some((300_000, 65_535)));
        assert_eq!(range_in("", "me", 1000), None);
    }
}
