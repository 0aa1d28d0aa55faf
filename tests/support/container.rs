//! A container runtime with storage of its own: podman over runc.

use super::user::is_root;
use std::path::Path;
use std::process::{Command, Output};

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
        let printed = succeed(self.podman().arg("load").arg("-i").arg(archive).output());
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
        succeed(podman.arg(image).args(command).output())
    }

    /// Starts a podman command on this store.
    pub(crate) fn podman(&self) -> Command {
        let mut podman = Command::new("podman");
        podman.args(["--runtime", "runc", "--cgroup-manager=cgroupfs", "--storage-driver", "vfs"]);
        podman.arg("--root").arg(self.directory.path().join("root"));
        podman.arg("--runroot").arg(self.directory.path().join("runroot"));
        podman.arg("--tmpdir").arg(self.directory.path().join("tmp"));
        podman
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        // Layers of an ordinary user's store belong to that user's subordinate ids.
        if !is_root() {
            let _ = Command::new("podman")
                .args(["unshare", "rm", "-rf"])
                .arg(self.directory.path().join("root"))
                .status();
        }
    }
}

#[track_caller]
fn succeed(output: std::io::Result<Output>) -> String {
    let output = output.expect("packages podman and runc");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "podman: {}: {errors}", output.status);
    String::from_utf8(output.stdout).unwrap()
}
