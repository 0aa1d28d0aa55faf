//! Looking into what other programs made: a disk image from anywhere, a store of Image Factory's.
//!
//! ```text
//! a file ─► format (by its first bytes) ─► raw view (qemu-img) ─► partitions and file systems (grub-fstest)
//!                                                              ─► os-release, a program's ELF header ─► OperatingSystem
//! a store's directory ─► <id>.meta ─► LegacyImage
//! ```
//!
//! Nothing is mounted, no daemon is asked and no privilege is needed. What is looked into may be made to do harm: files
//! that refer to others are refused before any tool reads them, every tool has limits and a deadline, and what is read
//! from an image is short text that is checked.
//!
//! **Invariant:** nothing here is recorded; the facade does that with what this module finds.

mod elf;
mod error;
mod filesystem;
mod format;
mod identify;
pub mod legacy;
mod os_release;
mod raw;
mod template;
mod tool;

pub use error::Error;
pub use format::{Disk, DiskFormat, examine};
pub use identify::identify;
pub use raw::raw_copy;
pub use template::{ARCHITECTURES, synthesised};

/// The operating system in a disk, in the words of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatingSystem {
    /// `os/name`.
    pub name: String,
    /// `os/version`.
    pub version: String,
    /// `os/arch`.
    pub arch: String,
}
