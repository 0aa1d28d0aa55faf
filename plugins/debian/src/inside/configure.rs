//! What makes the packages a system of this name on this disk. Written before the template's files and commands, which
//! may change any of it.

use super::plan::Plan;
use super::tree::Tree;
use crate::disk::{Ids, io_failure};
use factory_plugin_sdk::{Failure, Fault};
use std::{fs, io};

/// Kernels log to the screen and to the first serial line; the last one named is where the login prompt must be.
const CONSOLES: &str = "console=tty0 console=ttyS0,115200";

const NETWORK: &str = "\
# DHCP on every physical network interface. Written when the image was built.
[Match]
Type=ether
Kind=!*

[Network]
DHCP=yes
";

/// Writes the system's configuration.
///
/// # Errors
/// If a file can't be written.
pub(crate) fn run(tree: &Tree, plan: &Plan) -> Result<(), Failure> {
    write_all(tree, plan)
        .map_err(|error| io_failure("failed to configure the system".into(), &error))
}

/// Answers the kernel's command line.
///
/// # Errors
/// If the plan has no ids.
pub(crate) fn command_line(plan: &Plan) -> Result<String, Failure> {
    let root = ids(plan)?.root();
    let line = format!("root=UUID={root} ro {CONSOLES} {}", plan.kernel_parameters.trim());
    Ok(line.trim_end().to_owned())
}

/// Answers the ids of the disk.
///
/// # Errors
/// If the plan has none.
pub(crate) fn ids(plan: &Plan) -> Result<Ids, Failure> {
    let wrong = || Failure::new(Fault::Plugin, "NO_IDS", "the plan has no seed for the disk's ids");
    Ids::from_seed(&plan.seed).ok_or_else(wrong)
}

fn write_all(tree: &Tree, plan: &Plan) -> io::Result<()> {
    let Plan { hostname, sources_file, .. } = plan;
    let root = ids(plan).map_err(io::Error::other)?.root();
    let fstab = format!("UUID={root} / ext4 errors=remount-ro 0 1\n");
    let hosts = format!(
        "127.0.0.1 localhost\n127.0.1.1 {hostname}\n\n\
         ::1 localhost ip6-localhost ip6-loopback\nff02::1 ip6-allnodes\nff02::2 ip6-allrouters\n"
    );
    tree.write("/etc/fstab", 0o644, fstab.as_bytes())?;
    tree.write("/etc/hostname", 0o644, format!("{hostname}\n").as_bytes())?;
    tree.write("/etc/hosts", 0o644, hosts.as_bytes())?;
    tree.write("/etc/systemd/network/80-dhcp.network", 0o644, NETWORK.as_bytes())?;
    // mmdebstrap numbers the file, and keeps the options of the build.
    tree.remove(&format!("/etc/apt/sources.list.d/0000{sources_file}"))?;
    let sources = format!("/etc/apt/sources.list.d/{sources_file}");
    tree.write(&sources, 0o644, plan.sources.as_bytes())?;
    tree.remove("/etc/apt/apt.conf.d/99mmdebstrap")?;
    for key in plan.key_files.iter().filter(|key| !tree.has(key)) {
        tree.write(key, 0o644, &fs::read(key)?)?;
    }
    Ok(())
}
