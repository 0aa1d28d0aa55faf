//! One directory of ours in one hierarchy: below it is a group for each start of a plugin.

use super::mounts::{Hierarchy, Kind};
use crate::confine::limits::Controller;
use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How our directories are told from those of others: this, and as many hexadecimal digits.
const PREFIX: &str = "factory-";
const NAME_LEN: usize = 8;
/// Where the factory itself is in a group that was given to it.
const ROOM: &str = "daemon";
/// How often a name is tried that somebody takes away.
const ATTEMPTS: usize = 8;
/// How long the kernel may take to let go of what was killed.
const EMPTY_WAIT: Duration = Duration::from_secs(2);
const ROUND: Duration = Duration::from_millis(2);

/// One directory of ours. Removed with this, if its groups are.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) path: PathBuf,
    pub(super) kind: Kind,
    /// What limits there can be in it.
    pub(super) controllers: BTreeSet<Controller>,
    /// Holds the lock that tells other factories that the directory is in use.
    _lock: File,
}

impl Directory {
    /// Makes one below our own group, and removes those of factories that are no more, with all that runs in them.
    pub(super) fn new(hierarchy: &Hierarchy) -> io::Result<Self> {
        let own = home(&hierarchy.directory);
        sweep(own);
        let (path, lock) = create(own)?;
        let controllers = match hierarchy.kind {
            Kind::Legacy(controller) => [controller].into(),
            Kind::Unified => hand_down(own, &path),
        };
        Ok(Self { path, kind: hierarchy.kind, controllers, _lock: lock })
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // A group that is still there is swept by the next factory.
        let _ = fs::remove_dir(&self.path);
    }
}

/// Answers the group that is ours: the one that this process is in, unless it [made room](make_room) there.
fn home(own: &Path) -> &Path {
    match own.parent() {
        Some(parent) if own.ends_with(ROOM) && is_delegated(parent) => parent,
        _ => own,
    }
}

/// Makes a directory and locks it, before anybody takes it for abandoned.
fn create(below: &Path) -> io::Result<(PathBuf, File)> {
    for _ in 0..ATTEMPTS {
        let id = &uuid::Uuid::new_v4().simple().to_string()[..NAME_LEN];
        let path = below.join(format!("{PREFIX}{id}"));
        fs::create_dir(&path)?;
        let locked = lock(&path);
        if let Ok(lock) = locked
            && path.is_dir()
        {
            return Ok((path, lock));
        }
    }
    Err(io::ErrorKind::ResourceBusy.into())
}

fn lock(path: &Path) -> io::Result<File> {
    let directory = File::open(path)?;
    flock(&directory, FlockOperation::NonBlockingLockExclusive)?;
    Ok(directory)
}

/// Ends and removes what factories left that were killed: nobody holds their locks.
fn sweep(below: &Path) {
    let Ok(entries) = fs::read_dir(below) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        let is_ours = path.file_name().and_then(|name| name.to_str()).is_some_and(is_name);
        if is_ours && let Ok(_lock) = lock(&path) {
            tracing::info!(path = %path.display(), "ending what a factory that was killed left");
            for group in subdirectories(&path) {
                end(&group);
            }
            let _ = fs::remove_dir(&path);
        }
    }
}

fn is_name(name: &str) -> bool {
    let digits = name.strip_prefix(PREFIX).unwrap_or_default();
    digits.len() == NAME_LEN && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn subdirectories(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

/// Kills everything in a group and removes it, with the groups below it, which a plugin may have made.
pub(super) fn end(group: &Path) {
    let start = Instant::now();
    loop {
        kill(group);
        subdirectories(group).iter().for_each(|below| end(below));
        match fs::remove_dir(group) {
            Err(error)
                if error.kind() != io::ErrorKind::NotFound && start.elapsed() < EMPTY_WAIT =>
            {
                std::thread::sleep(ROUND);
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return tracing::warn!(group = %group.display(), %error, "a control group is left");
            }
            _ => return,
        }
    }
}

/// Kills everything in a group.
pub(super) fn kill(group: &Path) {
    // Only groups of cgroup v2 have the file; and none that are gone.
    if write(&group.join("cgroup.kill"), "1").is_ok() {
        return;
    }
    let processes = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    for pid in processes.lines().filter_map(|line| Pid::from_raw(line.parse().ok()?)) {
        let _ = kill_process(pid, Signal::KILL);
    }
}

/// Writes to a file of a group, if the group has it.
pub(in crate::confine) fn write(file: &Path, text: &str) -> io::Result<()> {
    File::options().write(true).open(file)?.write_all(text.as_bytes())
}

/// Has controllers work in the groups below our directory. Answers which do.
fn hand_down(own: &Path, ours: &Path) -> BTreeSet<Controller> {
    let hand = |controller: &Controller| {
        enable(own, *controller).is_ok() && enable(ours, *controller).is_ok()
    };
    let enabled: BTreeSet<_> = Controller::ALL.into_iter().filter(hand).collect();
    if !enabled.is_empty() || !is_delegated(own) || make_room(own).is_err() {
        return enabled;
    }
    Controller::ALL.into_iter().filter(hand).collect()
}

fn enable(group: &Path, controller: Controller) -> io::Result<()> {
    write(&group.join("cgroup.subtree_control"), &format!("+{}", controller.name()))
}

/// Tells whether a service manager gave the group to us, by the mark that it puts there.
fn is_delegated(group: &Path) -> bool {
    let marked = |name: &str| {
        let mut value = [0; 8];
        rustix::fs::getxattr(group, name, &mut value[..])
            .is_ok_and(|len| value[..len].starts_with(b"1"))
    };
    marked("user.delegate") || marked("trusted.delegate")
}

/// Moves this process into a group of its own: a group that hands controllers down may have no processes.
fn make_room(own: &Path) -> io::Result<()> {
    let daemon = own.join(ROOM);
    match fs::create_dir(&daemon) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    write(&daemon.join("cgroup.procs"), "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_ours_are_swept() {
        assert!(is_name("factory-0badcafe"));
        for other in ["factory", "factory-0badcafe0", "factory-sendmail", "0badcafe"] {
            assert!(!is_name(other), "{other}");
        }
    }

    #[test]
    fn what_a_killed_factory_left_is_removed_and_a_living_ones_is_not() {
        // Any file system has directories and locks.
        let below = tempfile::tempdir().unwrap();
        let hierarchy =
            Hierarchy { directory: below.path().to_owned(), kind: Kind::Legacy(Controller::Cpu) };
        let living = Directory::new(&hierarchy).unwrap();
        let abandoned = below.path().join("factory-0badcafe");
        fs::create_dir_all(abandoned.join("mock-os-1/deeper")).unwrap();
        fs::create_dir(below.path().join("other")).unwrap();
        let next = Directory::new(&hierarchy).unwrap();
        assert!(!abandoned.exists());
        assert!(living.path.exists() && next.path.exists());
        drop((living, next));
        let left: Vec<_> = subdirectories(below.path());
        assert_eq!(left, [below.path().join("other")]);
    }
}
