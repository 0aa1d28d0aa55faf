//! What must not be in an image: traces of the build, and identities that every machine must make for itself.

use super::plan::Plan;
use super::tree::Tree;
use crate::disk::io_failure;
use factory_plugin_sdk::Failure;
use std::io;
use std::os::unix::fs::MetadataExt;

/// Emptied; what is in them belongs to a running system, or can be fetched again.
const EMPTIED: &[&str] = &[
    "/dev",
    "/run",
    "/tmp",
    "/var/cache/apt/archives",
    "/var/lib/apt/lists",
    "/var/log/apt",
    "/var/tmp",
];

/// Removed: logs of the build, caches with times in them, the identity of the machine that was installed.
const REMOVED: &[&str] = &[
    "/root/.bash_history",
    "/var/cache/apt/pkgcache.bin",
    "/var/cache/apt/srcpkgcache.bin",
    "/var/cache/debconf/config.dat-old",
    "/var/cache/debconf/templates.dat-old",
    "/var/cache/ldconfig/aux-cache",
    "/var/lib/dbus/machine-id",
    "/var/lib/dpkg/available-old",
    "/var/lib/dpkg/diversions-old",
    "/var/lib/dpkg/statoverride-old",
    "/var/lib/dpkg/status-old",
    "/var/lib/systemd/credential.secret",
    "/var/lib/systemd/random-seed",
    "/var/log/alternatives.log",
    "/var/log/bootstrap.log",
    "/var/log/dpkg.log",
];

const SSH: &str = "/etc/ssh";
const UNIT: &str = "factory-ssh-host-keys.service";
const UNIT_TEXT: &str = "\
[Unit]
Description=Make the SSH host keys of this machine
ConditionPathExistsGlob=!/etc/ssh/ssh_host_*_key
Before=ssh.service

[Service]
Type=oneshot
ExecStart=/usr/bin/ssh-keygen -A
";

/// Removes what must not be in an image.
///
/// # Errors
/// If a file can't be removed or written.
pub(crate) fn run(tree: &Tree, plan: &Plan) -> Result<(), Failure> {
    let settled = settle(tree).and_then(|()| forget_ssh_host(tree, plan));
    settled.map_err(|error| io_failure("failed to clean the image".into(), &error))
}

/// Answers when the image was last changed by its package manager, in seconds since 1970: what stands in for the date of
/// an image of unknown making.
pub(crate) fn newest(tree: &Tree) -> u64 {
    let status = tree.path().join("var/lib/dpkg/status");
    let modified = status.symlink_metadata().map_or(1, |metadata| metadata.mtime());
    u64::try_from(modified).unwrap_or(1).max(1)
}

fn settle(tree: &Tree) -> io::Result<()> {
    for directory in EMPTIED {
        tree.empty(directory, &["lock"])?;
    }
    for file in REMOVED {
        tree.remove(file)?;
    }
    // Empty, not absent: systemd fills it at the first boot, without undoing which services are enabled.
    tree.write("/etc/machine-id", 0o444, b"")?;
    if tree.has("/lib/systemd/systemd-resolved") {
        tree.link("/etc/resolv.conf", "../run/systemd/resolve/stub-resolv.conf")?;
    }
    Ok(())
}

/// Removes the SSH host keys that the package made, and has the machine make its own. Keys from the template's files stay.
fn forget_ssh_host(tree: &Tree, plan: &Plan) -> io::Result<()> {
    if !tree.has("/usr/sbin/sshd") {
        return Ok(());
    }
    let template = plan.template.clone().unwrap_or_default();
    let wanted = |path: &str| template.files.iter().any(|file| file.name == path);
    for name in tree.list(SSH)?.iter().filter(|name| name.starts_with("ssh_host_")) {
        let path = format!("{SSH}/{name}");
        if !wanted(&path) {
            tree.remove(&path)?;
        }
    }
    let unit = format!("/etc/systemd/system/{UNIT}");
    tree.write(&unit, 0o644, UNIT_TEXT.as_bytes())?;
    tree.link(&format!("/etc/systemd/system/ssh.service.wants/{UNIT}"), &unit)
}
