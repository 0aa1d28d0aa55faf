//! Control groups: one for each start of a plugin, so that all of it can be limited, watched and killed at once.
//!
//! ```text
//! OUR GROUP/factory-0badcafe/mock-os-1     as many times as there are hierarchies
//!           └ locked by its factory, for as long as that lives
//! ```

mod directory;
mod mounts;

pub(super) use directory::write;

use super::limits::{Controller, Limits};
use directory::Directory;
use mounts::Kind;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A factory's control groups.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    directories: Vec<Directory>,
    /// Why there is none that can be killed; empty if there is.
    pub(super) problem: String,
    starts: AtomicU64,
}

/// The control group of one start of a plugin. Everything in it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Group {
    members: Vec<Member>,
    limits: Limits,
    /// Its directories go after its groups.
    _groups: Arc<Groups>,
}

#[derive(Debug)]
struct Member {
    path: PathBuf,
    kind: Kind,
    controllers: BTreeSet<Controller>,
}

/// What limits have done to a plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Events {
    /// How many processes the kernel killed for want of memory.
    pub(crate) memory_kills: u64,
    /// How many processes could not be made.
    pub(crate) process_refusals: u64,
}

impl Groups {
    /// Answers none at all.
    pub(crate) fn off() -> Self {
        Self { problem: "they are switched off".to_owned(), ..Self::default() }
    }

    /// Makes directories in every hierarchy that lets us; ends what factories left that were killed.
    pub(crate) fn new() -> Self {
        let mut groups = Self { problem: "no cgroup v2 is mounted".to_owned(), ..Self::default() };
        for hierarchy in mounts::hierarchies() {
            match Directory::new(&hierarchy) {
                Ok(directory) => {
                    if hierarchy.kind == Kind::Unified {
                        groups.problem.clear();
                    }
                    groups.directories.push(directory);
                }
                Err(error) if hierarchy.kind == Kind::Unified => {
                    let path = hierarchy.directory.display();
                    groups.problem = format!("no group can be made in {path}: {error}");
                }
                Err(error) => tracing::debug!(?hierarchy, %error, "no control group"),
            }
        }
        groups
    }

    /// Answers what limits there can be.
    pub(super) fn controllers(&self) -> BTreeSet<Controller> {
        self.directories.iter().flat_map(|one| one.controllers.iter().copied()).collect()
    }

    /// Waits until no group of a plugin is left, for some time at most.
    pub(crate) fn settle(self: &Arc<Self>, time: Duration) {
        let start = Instant::now();
        while 1 < Arc::strong_count(self) && start.elapsed() < time {
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Makes the group of one start of a plugin; `None` if it needs none or there are none at all.
    ///
    /// A process enters a group of cgroup v2 only when the kernel's readers of all groups have paused, which takes more
    /// time than the rest of a launch. So there is one only for limits, and to kill what is in no PID `namespace`.
    pub(crate) fn start(
        self: &Arc<Self>,
        plugin: &str,
        limits: Limits,
        namespace: bool,
    ) -> Option<Group> {
        let number = self.starts.fetch_add(1, Ordering::Relaxed);
        let mut members = Vec::with_capacity(self.directories.len());
        for directory in &self.directories {
            let limited = directory.controllers.iter().any(|&one| limits.has(one));
            let kills = directory.kind == Kind::Unified && !namespace;
            if !limited && !kills {
                continue;
            }
            let path = directory.path.join(format!("{plugin}-{number}"));
            if let Err(error) = fs::create_dir(&path) {
                tracing::warn!(path = %path.display(), %error, "no control group");
                continue;
            }
            for &controller in &directory.controllers {
                limit(&path, directory.kind, controller, &limits);
            }
            let controllers = directory.controllers.clone();
            members.push(Member { path, kind: directory.kind, controllers });
        }
        let group = Group { members, limits, _groups: Arc::clone(self) };
        (!group.members.is_empty()).then_some(group)
    }
}

fn limit(group: &Path, kind: Kind, controller: Controller, limits: &Limits) {
    let files = match kind {
        Kind::Unified => limits.files(controller),
        Kind::Legacy(_) => limits.legacy_files(controller),
    };
    for (file, value, may_be_missing) in files {
        match write(&group.join(file), &value) {
            Err(error) if may_be_missing && error.kind() == io::ErrorKind::NotFound => {}
            Err(error) if may_be_missing && error.kind() == io::ErrorKind::PermissionDenied => {}
            Err(error) => tracing::warn!(file, value, %error, "a limit does not hold"),
            Ok(()) => {}
        }
    }
}

impl Group {
    /// Answers the files into which a process writes `0` to be in it.
    pub(crate) fn entrances(&self) -> Vec<PathBuf> {
        let entrance = |member: &Member| match member.kind {
            Kind::Unified => member.path.join("cgroup.procs"),
            // For one thread alone, which an init is, this is entered without a wait.
            Kind::Legacy(_) => member.path.join("tasks"),
        };
        self.members.iter().map(entrance).collect()
    }

    /// Kills everything in it.
    pub(crate) fn kill(&self) {
        for member in self.members.iter().filter(|member| member.kind == Kind::Unified) {
            directory::kill(&member.path);
        }
    }

    /// Kills everything in it, and removes it.
    pub(crate) fn end(&self) {
        for member in &self.members {
            directory::end(&member.path);
        }
    }

    /// Answers what limits it was given.
    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// Answers what its limits have done so far.
    pub(crate) fn events(&self) -> Events {
        let count = |controller: Controller, legacy: &str, file: &str, key: &str| {
            let has = |member: &&Member| member.controllers.contains(&controller);
            let member = self.members.iter().find(has)?;
            let file = if member.kind == Kind::Unified { file } else { legacy };
            counter(&fs::read_to_string(member.path.join(file)).ok()?, key)
        };
        let memory = count(Controller::Memory, "memory.oom_control", "memory.events", "oom_kill");
        let processes = count(Controller::Processes, "pids.events", "pids.events", "max");
        Events {
            memory_kills: memory.unwrap_or_default(),
            process_refusals: processes.unwrap_or_default(),
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.end();
    }
}

/// Reads a line `KEY NUMBER` out of several.
fn counter(text: &str, key: &str) -> Option<u64> {
    let number = |line: &str| line.strip_prefix(key)?.strip_prefix(' ')?.trim().parse().ok();
    text.lines().find_map(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_found_by_its_whole_name() {
        let text = "low 0\noom_kill_disable 3\noom_kill 2\noom_group_kill 1\n";
        assert_eq!(counter(text, "oom_kill"), Some(2));
        assert_eq!(counter(text, "oom"), None);
    }
}
