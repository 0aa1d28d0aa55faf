//! An OS plugin for Debian and Ubuntu: from `mmdebstrap` to the root file system and a disk that boots under BIOS and
//! UEFI, as an ordinary user as well as as root, without loop devices and without mounts on the host.
//!
//! ```text
//! request ─► blueprint ─► plan ─► namespace ──► inside: bootstrap ─► customize ─► settle ─► output
//!            (decides)            (runs and hears)          (a process of its own, process 1 of its namespace)
//! ```

mod blueprint;
mod diagnosis;
mod disk;
mod host;
mod icicle;
pub mod inside;
mod namespace;
mod options;
mod password;
mod plugin;
mod program;
mod progress;
mod release;
mod sources;

pub use plugin::Debian;
