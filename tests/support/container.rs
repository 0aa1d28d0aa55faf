//! A container runtime with storage of its own: podman over runc.

use super::program::Ended;
use super::user::is_root;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(120);
/// How long podman may clean up behind a container that has ended.
const CLEANUP_DEADLINE: Duration = Duration::from_secs(20);

/// Podman with an empty store in a temporary directory. Dropping it removes what it stored.
pub(crate) struct Podman {
    directory: tempfile::TempDir,
}

impl Podman {
    /// Makes an empty store.
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::Builder::new().prefix("factory-e2e-").tempdir().unwrap() }
    }

    /// Loads a `docker load` archive, and returns the name of the image in it.
    #[track_caller]
    pub(crate) fn load(&self, archive: &Path) -> String {
        let printed = succeed(self.podman().arg("load").arg("-i").arg(archive));
        let name = printed.lines().find_map(|line| line.strip_prefix("Loaded image"));
        name.and_then(|line| line.split_once(": ")).expect("podman names the image").1.to_owned()
    }

    /// Runs a command in a new container and returns what it printed. The container has no network.
    #[track_caller]
    pub(crate) fn run(&self, image: &str, command: &[&str]) -> String {
        let mut podman = self.podman();
        podman.args(["run", "--rm", "--network=none"]);
        // Podman asks for the highest limits there can be, which a confined host refuses.
        podman.args(["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"]);
        succeed(podman.arg(image).args(command))
    }

    fn podman(&self) -> Command {
        let mut podman = Command::new("podman");
        podman.args(["--runtime", "runc", "--cgroup-manager=cgroupfs", "--storage-driver", "vfs"]);
        podman.arg("--root").arg(self.directory.path().join("root"));
        podman.arg("--runroot").arg(self.directory.path().join("runroot"));
        podman.arg("--tmpdir").arg(self.directory.path().join("tmp"));
        // Where podman keeps the process that holds an ordinary user's namespaces.
        podman.env("XDG_RUNTIME_DIR", self.directory.path());
        podman
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        // Layers of an ordinary user's store belong to that user's subordinate ids, in namespaces that a process keeps.
        if !is_root() {
            let root = self.directory.path().join("root");
            let _ = self.podman().args(["unshare", "rm", "-rf"]).arg(root).status();
            let _ = self.podman().args(["system", "migrate"]).status();
        }
    }
}

#[track_caller]
fn succeed(podman: &Command) -> String {
    let ended = Ended::of(podman, DEADLINE).succeeded();
    // Part of that is done by processes that podman does not wait for, in the directory that is about to be removed.
    if is_root() {
        assert_eq!(ended.brood.survivors(CLEANUP_DEADLINE), Vec::<String>::new());
    }
    ended.stdout
}
