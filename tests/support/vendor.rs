//! Somebody who makes plugins, and packages of them, with minisign keys.

use super::binaries::{binary, repository};
use super::factory::Sandbox;
use super::program::Ended;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// How long a command may take, on a busy machine.
const DEADLINE: Duration = Duration::from_secs(120);

/// The vendor, with a directory and keys.
pub(crate) struct Vendor {
    directory: TempDir,
}

impl Vendor {
    /// Makes keys with minisign's own program.
    pub(crate) fn new() -> Self {
        let directory = tempfile::Builder::new().prefix("factory-e2e-").tempdir().unwrap();
        let vendor = Self { directory };
        let status = Command::new("minisign")
            .args(["-G", "-W", "-p", "vendor.pub", "-s", "vendor.key"])
            .current_dir(vendor.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .expect("package minisign");
        assert!(status.success());
        vendor
    }

    /// Returns its directory.
    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Returns the file of its public key.
    pub(crate) fn public_key(&self) -> String {
        self.path().join("vendor.pub").display().to_string()
    }

    /// Returns the directory of plugin `toy`, in a version: a script that says what it is, and no more.
    pub(crate) fn toy(&self, version: &str) -> PathBuf {
        let toy = self.path().join(format!("toy-{version}"));
        fs::create_dir_all(&toy).unwrap();
        let info = format!(
            r#"{{"type": "os", "targets": [["Toy", null, null]], "version": "{version}"}}"#
        );
        fs::write(toy.join("toy.info"), info).unwrap();
        fs::write(toy.join("LICENSE"), "as you like it\n").unwrap();
        let script = toy.join("factory-plugin-toy");
        let describe =
            format!("#!/bin/sh\necho '{{\"name\": \"toy\", \"version\": \"{version}\"}}'\n");
        fs::write(&script, describe).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        toy
    }

    /// Makes a signed archive of `toy`, and pushes it there. Returns its path.
    #[track_caller]
    pub(crate) fn publish_toy(&self, sandbox: &Sandbox, version: &str, reference: &str) -> PathBuf {
        let archive = self.path().join(format!("toy-{version}.tar.gz"));
        let mut pack = sandbox.factory();
        pack.args(["plugin", "pack"]).arg(self.toy(version)).arg("--output").arg(&archive);
        pack.arg("--sign").arg(self.path().join("vendor.key")).args(["--push", reference]);
        run(&pack).succeeded();
        archive
    }

    /// Makes a signed archive of the repository's `mock-os`, and pushes it there with an account.
    #[track_caller]
    pub(crate) fn publish_mock(
        &self,
        sandbox: &Sandbox,
        reference: &str,
        credentials: &Path,
    ) -> Value {
        let mut pack = sandbox.factory();
        pack.arg("--registry-auth").arg(credentials).args(["plugin", "pack", "--json"]);
        pack.arg(repository("plugins/mock-os")).arg("--executable");
        pack.arg(binary("factory-plugin-mock-os")).arg("--output");
        pack.arg(self.path().join("mock-os.tar.zst"));
        pack.arg("--sign").arg(self.path().join("vendor.key")).args(["--push", reference]);
        serde_json::from_str(&run(&pack).succeeded().stdout).unwrap()
    }
}

/// Runs a command to its end.
#[track_caller]
pub(crate) fn run(command: &Command) -> Ended {
    Ended::of(command, DEADLINE)
}

/// Copies an artifact with a tool of others.
#[track_caller]
pub(crate) fn skopeo_copy(from: &str, to: &str) {
    let mut command = Command::new("skopeo");
    command.args(["copy", "--all", "--preserve-digests", "--quiet"]);
    command.args(["--src-tls-verify=false", "--dest-tls-verify=false"]).args([from, to]);
    run(&command).succeeded();
}
