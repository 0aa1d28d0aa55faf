//! Where this process is in the machine's hierarchies of control groups.

use crate::confine::limits::Controller;
use std::fs;
use std::path::{Path, PathBuf};

/// A hierarchy, and the directory in it of the group that this process is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hierarchy {
    pub(super) directory: PathBuf,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Of cgroup v2: it can be killed, and has the controllers that are handed down to it.
    Unified,
    /// Of cgroup v1, for one controller.
    Legacy(Controller),
}

/// Answers the hierarchies that this process is in and that are mounted; the unified one first.
pub(super) fn hierarchies() -> Vec<Hierarchy> {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    parse(&groups, &mounts)
}

fn parse(groups: &str, mounts: &str) -> Vec<Hierarchy> {
    let mounts: Vec<Mount> = mounts.lines().filter_map(Mount::parse).collect();
    let unified = directory(groups, "", &mounts);
    let unified = unified.map(|directory| Hierarchy { directory, kind: Kind::Unified });
    let legacy = Controller::ALL.into_iter().filter_map(|controller| {
        let directory = directory(groups, controller.legacy_name(), &mounts)?;
        Some(Hierarchy { directory, kind: Kind::Legacy(controller) })
    });
    unified.into_iter().chain(legacy).collect()
}

/// Finds the directory of our group in the hierarchy of a controller; the unified one has no name (cgroups(7)).
fn directory(groups: &str, controller: &str, mounts: &[Mount<'_>]) -> Option<PathBuf> {
    let path = groups.lines().find_map(|line| {
        // ID:CONTROLLERS:PATH
        let (_, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        controllers.split(',').any(|one| one == controller).then_some(path)
    })?;
    let mount = mounts.iter().find(|mount| match controller {
        "" => mount.kind == "cgroup2",
        _ => mount.kind == "cgroup" && mount.options.split(',').any(|one| one == controller),
    })?;
    let below = Path::new(path).strip_prefix(mount.root).ok()?;
    // A group outside the view of our cgroup namespace.
    (!path.contains("/..")).then(|| Path::new(mount.point).join(below).components().collect())
}

/// A line of `/proc/self/mountinfo` (proc_pid_mountinfo(5)).
struct Mount<'a> {
    root: &'a str,
    point: &'a str,
    kind: &'a str,
    /// Of the file system: for cgroup v1 its controllers.
    options: &'a str,
}

impl<'a> Mount<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (mount, system) = line.split_once(" - ")?;
        let mut mount = mount.split(' ').skip(3);
        let mut system = system.split(' ');
        Some(Self {
            root: mount.next()?,
            point: mount.next()?,
            kind: system.next()?,
            options: system.nth(1)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_with_cgroup_v2_alone_has_one_hierarchy() {
        let mounts =
            "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate";
        let found = parse("0::/system.slice/factoryd.service\n", mounts);
        let directory = "/sys/fs/cgroup/system.slice/factoryd.service".into();
        assert_eq!(found, [Hierarchy { directory, kind: Kind::Unified }]);
    }

    #[test]
    fn a_hybrid_machine_has_its_controllers_elsewhere() {
        let groups = "9:name=systemd:/\n4:memory:/jobs/a\n2:cpuacct,cpu:/\n1:pids:/\n0::/\n";
        let mounts = "\
            31 30 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n\
            32 30 0:28 /jobs /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
            33 30 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
        let found = parse(groups, mounts);
        let directories: Vec<_> = found.iter().map(|one| one.directory.to_str().unwrap()).collect();
        assert_eq!(
            directories,
            ["/sys/fs/cgroup/unified", "/sys/fs/cgroup/memory/a", "/sys/fs/cgroup/cpu"]
        );
        let kinds: Vec<_> = found.iter().map(|one| one.kind).collect();
        let (memory, cpu) = (Kind::Legacy(Controller::Memory), Kind::Legacy(Controller::Cpu));
        assert_eq!(kinds, [Kind::Unified, memory, cpu]);
    }

    #[test]
    fn a_group_that_can_not_be_seen_is_none() {
        let mounts = "30 23 0:26 /other /sys/fs/cgroup rw - cgroup2 cgroup2 rw";
        assert_eq!(parse("0::/mine\n", mounts), []);
        let mounts = "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw";
        assert_eq!(parse("0::/../../mine\n", mounts), []);
        assert_eq!(parse("", ""), []);
    }
}
