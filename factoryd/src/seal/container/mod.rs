//! Containers: for a process that makes namespaces and mounts itself, which Landlock would forbid. It is root of a user namespace
//! of its own, and sees a tree in which there is nothing but what is left to it.
//!
//! ```text
//! as root:           tree ─► root of other ids ─► mounts of its own
//! as another user:   root by subordinate ids ─► tree ─► root of the same ids again ─► mounts of its own
//! ```
//!
//! The last step is what makes the tree hold: mounts that come from outside a user namespace can't be undone in it, nor made
//! writable (mount_namespaces(7)). The old tree is mounted nowhere in it.

mod ids;
mod tree;

pub(super) use ids::{can_map_subordinates, maps_ids};

use super::rules::{Container, Ids};
use nix::sched::{CloneFlags, unshare};
use rustix::mount::{MountPropagationFlags, mount_change};
use std::io;
use std::os::fd::AsFd;

/// Enters one, for good.
pub(super) fn enter(container: &Container) -> io::Result<()> {
    match container.ids {
        Ids::Foreign { first } => {
            let namespace = ids::foreign(first)?;
            own_mounts()?;
            tree::enter(container, Some(namespace.as_fd()))?;
            ids::become_root_of(&namespace)?;
        }
        Ids::Subordinate => {
            ids::become_root_of(&ids::subordinate()?)?;
            own_mounts()?;
            tree::enter(container, None)?;
            ids::become_root_of(&ids::same()?)?;
        }
    }
    unshare(CloneFlags::CLONE_NEWNS)?;
    Ok(())
}

/// Enters a mount namespace in which nothing that the machine mounts or unmounts shows any more.
fn own_mounts() -> io::Result<()> {
    unshare(CloneFlags::CLONE_NEWNS)?;
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
    Ok(())
}
