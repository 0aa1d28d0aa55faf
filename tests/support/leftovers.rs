//! Proof that a program and everything it started left nothing behind.
//!
//! Processes are found by an open file that each child inherits and none knows of: descriptor 9 is a pipe, and its
//! other end reads its end of file when the last process that holds it is gone. No snapshot can miss one.

use super::patience::look_until;
use std::collections::BTreeSet;
use std::fs;
use std::io::PipeReader;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The descendants of a command, however far away.
#[derive(Debug)]
pub(crate) struct Brood {
    pipe: PipeReader,
    inode: String,
}

impl Brood {
    /// Starts a command so that all its descendants are known. Its standard input is empty, its output is piped.
    pub(crate) fn start(command: &Command) -> (Child, Self) {
        let (pipe, held) = std::io::pipe().unwrap();
        let mut shell = Command::new("sh");
        shell.args(["-c", "exec 9>&0 </dev/null; exec \"$@\"", "sh"]);
        shell.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        if let Some(directory) = command.get_current_dir() {
            shell.current_dir(directory);
        }
        shell.stdin(held).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = shell.spawn().unwrap();
        let inode = rustix::fs::fstat(&pipe).unwrap().st_ino;
        (child, Self { pipe, inode: format!("pipe:[{inode}]") })
    }

    /// Waits until no descendant is left, and lists those that are at the deadline.
    pub(crate) fn survivors(&self, deadline: Duration) -> Vec<String> {
        match look_until(deadline, || self.is_gone().then_some(())) {
            Some(()) => Vec::new(),
            None => self.members(),
        }
    }

    /// Lists the descendants that live: pid and command line.
    pub(crate) fn members(&self) -> Vec<String> {
        let processes = fs::read_dir("/proc").unwrap().map_while(Result::ok);
        let holders =
            processes.map(|entry| entry.path()).filter(|process| self.is_held_by(process));
        holders.map(|process| describe(&process)).collect()
    }

    /// Lists the control groups of factories that the descendants are in.
    pub(crate) fn groups(&self) -> BTreeSet<PathBuf> {
        let members = self.members().into_iter();
        let pids = members.filter_map(|line| line.split_once(' ').map(|(pid, _)| pid.to_owned()));
        let lines = pids.flat_map(|pid| {
            let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
            text.lines().map(str::to_owned).collect::<Vec<_>>()
        });
        let own = lines.filter(|line| line.contains("/factory-"));
        own.flat_map(|line| group_directories(&line)).filter(|group| group.is_dir()).collect()
    }

    fn is_gone(&self) -> bool {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let mut polled = [PollFd::new(&self.pipe, PollFlags::IN)];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut polled, Some(&now)).unwrap();
        polled[0].revents().contains(PollFlags::HUP)
    }

    fn is_held_by(&self, process: &Path) -> bool {
        let name = process.file_name().unwrap().to_string_lossy();
        // Not a process, or the reader itself.
        if name.parse().map_or(true, |pid: u32| pid == std::process::id()) {
            return false;
        }
        let Ok(files) = fs::read_dir(process.join("fd")) else { return false };
        let mut links = files.map_while(Result::ok).map(|entry| fs::read_link(entry.path()));
        links.any(|link| link.is_ok_and(|link| link.as_os_str() == self.inode.as_str()))
    }
}

/// Answers where a group may be that a line such as `4:memory:/factory-0badcafe/debian-0` names.
fn group_directories(line: &str) -> Vec<PathBuf> {
    let [_, hierarchy, group] = line.splitn(3, ':').collect::<Vec<_>>()[..] else {
        return Vec::new();
    };
    let hierarchies = [hierarchy, "unified", ""];
    let below = |name| Path::new("/sys/fs/cgroup").join(name).join(group.trim_start_matches('/'));
    hierarchies.map(below).to_vec()
}

/// Lists mounts and loop devices that mention a directory, in whatever namespace a process still is.
pub(crate) fn mounts_and_loops(directory: &Path) -> Vec<String> {
    let directory = directory.to_str().unwrap();
    let processes = fs::read_dir("/proc").unwrap().map_while(Result::ok);
    let mounts = processes.flat_map(|process| {
        // It may have ended, or be no process.
        let mounts = fs::read_to_string(process.path().join("mountinfo")).unwrap_or_default();
        let found = mounts.lines().filter(|line| line.contains(directory)).map(str::to_owned);
        found.collect::<BTreeSet<_>>()
    });
    let mounts = mounts.collect::<BTreeSet<_>>().into_iter();
    let loops = fs::read_dir("/sys/block").into_iter().flatten().map_while(Result::ok);
    let backing = loops.map(|entry| entry.path().join("loop/backing_file"));
    let loops = backing.filter_map(|file| fs::read_to_string(file).ok());
    mounts.chain(loops.filter(|file| file.contains(directory))).collect()
}

/// Lists files in the system's temporary directories that our programs and their tools make, but for the tests' own.
pub(crate) fn temporary_files() -> Vec<PathBuf> {
    const MAKERS: [&str; 3] = ["factory", "mmdebstrap", "apt-"];
    let entries =
        ["/tmp", "/var/tmp"].into_iter().flat_map(|directory| fs::read_dir(directory).unwrap());
    let ours = entries.map_while(Result::ok).filter(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        !name.starts_with("factory-e2e-") && MAKERS.iter().any(|maker| name.starts_with(maker))
    });
    ours.map(|entry| entry.path()).collect()
}

/// Lists the files in a directory, however deep.
pub(crate) fn files_in(directory: &Path) -> Vec<PathBuf> {
    everything_in(directory)
        .into_iter()
        .filter(|path| path.is_symlink() || !path.is_dir())
        .collect()
}

/// Lists what is in a directory, however deep.
pub(crate) fn everything_in(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut unread = vec![directory.to_owned()];
    while let Some(next) = unread.pop() {
        for entry in fs::read_dir(&next).into_iter().flatten().map_while(Result::ok) {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                unread.push(entry.path());
            }
            found.push(entry.path());
        }
    }
    found
}

/// Returns how many bytes of disk a file takes.
pub(crate) fn allocated(file: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(file).unwrap().blocks() * 512
}

fn describe(process: &Path) -> String {
    let line = fs::read(process.join("cmdline")).unwrap_or_default();
    let line = String::from_utf8_lossy(&line).replace('\0', " ");
    format!("{} {line}", process.file_name().unwrap().to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::{Pid, Signal, kill_process};

    const DEADLINE: Duration = Duration::from_secs(10);

    #[test]
    fn a_process_that_outlives_its_parents_is_found_until_it_ends() {
        let mut command = Command::new("sh");
        command.args(["-c", "setsid sleep 60 >/dev/null 2>&1 & exit 0"]);
        let (child, brood) = Brood::start(&command);
        assert!(child.wait_with_output().unwrap().status.success());
        let [sleeper] = &look_until(DEADLINE, || {
            let members = brood.members();
            members.iter().all(|line| line.ends_with(" sleep 60 ")).then_some(members)
        })
        .unwrap()[..] else {
            panic!("{:?}", brood.members());
        };
        let pid = sleeper.split_once(' ').unwrap().0.parse().unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), Signal::TERM).unwrap();
        assert_eq!(brood.survivors(DEADLINE), Vec::<String>::new());
    }
}
