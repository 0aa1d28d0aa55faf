//! The plugin's own view of processes.

use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};
use std::io;
use std::path::Path;

/// Shows the processes of this PID namespace, and no others, at `/proc`, in a mount namespace of our own.
///
/// What the machine mounts and unmounts still shows here; what is mounted here shows nowhere else.
///
/// # Errors
/// If the system refuses.
pub(super) fn enter() -> io::Result<()> {
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNS)?;
    mount_change("/", MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC)?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("proc", Path::new("/proc"), "proc", flags, None)?;
    Ok(())
}
