//! A file system of a size that is chosen, which can be filled up. It is seen by nobody else: the test runs once more in a mount
//! namespace of its own, and the kernel removes it with that.

use rustix::fs::{FallocateFlags, fallocate, statvfs};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Tells the second run where the file system is.
const PLACE: &str = "FACTORY_TEST_SMALL_DISK";
const MOUNT_AND_RUN: &str = r#"mount -t tmpfs -o size="$1" small "$2"; export TMPDIR="$2"; shift 2; exec "$@" --exact --nocapture"#;

/// Runs a test, which is named as the test harness names it, in an empty file system of so many bytes.
#[track_caller]
pub(crate) fn on_small_disk(test: &str, size: u64, run: impl FnOnce(&SmallDisk)) {
    if let Some(place) = std::env::var_os(PLACE) {
        return run(&SmallDisk::at(Path::new(&place)));
    }
    let place = tempfile::tempdir().unwrap();
    let mut command = Command::new("unshare");
    command.arg("--mount");
    if !rustix::process::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.args(["--", "sh", "-ec", MOUNT_AND_RUN, "sh", &size.to_string()]).arg(place.path());
    command.arg(std::env::current_exe().unwrap()).arg(test);
    let ended = command.env(PLACE, place.path()).stdin(Stdio::null()).output().unwrap();
    let said = [ended.stdout, ended.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(ended.status.success(), "{test}, on a small disk: {said}");
    assert!(said.contains("1 passed"), "there is no test {test}: {said}");
    print!("{said}");
}

/// A small file system, for as long as the test runs.
pub(crate) struct SmallDisk {
    place: PathBuf,
}

impl SmallDisk {
    /// Answers the one that is mounted at a path.
    pub(crate) fn at(place: &Path) -> Self {
        Self { place: place.to_owned() }
    }

    /// Answers where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.place
    }

    /// Answers how many bytes are free.
    pub(crate) fn free(&self) -> u64 {
        let space = statvfs(&self.place).unwrap();
        space.f_bavail * space.f_frsize
    }

    /// Takes all room but so many bytes, until [`empty`](Self::empty).
    pub(crate) fn fill(&self, left: u64) {
        let path = self.place.join("filler");
        let file = File::options().create(true).append(true).open(path).unwrap();
        let len = file.metadata().unwrap().len();
        let Some(count) = self.free().checked_sub(left).filter(|count| 0 < *count) else { return };
        match fallocate(&file, FallocateFlags::empty(), len, count) {
            // Others write too, and were faster.
            Err(rustix::io::Errno::NOSPC) => {}
            filled => filled.unwrap(),
        }
    }

    /// Gives back what was taken, if anything was.
    pub(crate) fn empty(&self) {
        match std::fs::remove_file(self.place.join("filler")) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            removed => removed.unwrap(),
        }
    }
}
