//! An OS plugin for Debian and Ubuntu: from `mmdebstrap` to the root file system and a disk that boots under BIOS and
//! UEFI, as an ordinary user as well as as root, without loop devices and without mounts on the host.
//!
//! ```text
//! request ─► blueprint ─► plan ─► namespace ──► inside: bootstrap ─► customize ─► settle ─► output
//!            (decides)            (runs and hears)          (a process of its own, process 1 of its namespace)
//! ```
//!
//! # What a template means here
//!
//! * `os/install/url` is a mirror's URL (its `main` component; perhaps followed by a suite and components), or `apt:host`:
//!   the build host's own apt sources that serve the release, with their keys and the host's proxies. A host of another
//!   release of the same distribution serves it too, with the suite replaced. The image keeps the sources it was built from.
//! * The order is repositories, packages that make it boot, precommands, packages, files, commands, root password; then
//!   repositories with `persisted` no are removed. Without repositories and precommands all packages are installed at once.
//! * Recommended packages are not installed. A repository's URL is a one-line source without its `deb`, or a URL alone for
//!   a flat repository; without `signed` it is trusted as it is.
//! * Without `rootpw` root's account stays locked. Host keys of SSH are made at the first boot; the machine's id too.
//! * Network interfaces use DHCP; the screen and the first serial line have a login prompt.
//!
//! # What to expect
//!
//! * The same template, parameters and archive give the same archive and the same disk, byte by byte, whoever builds them:
//!   all times are at most the archive's own date, ids are derived from the template, root's salt too.
//! * BIOS starts GRUB, which follows kernel upgrades in the guest. UEFI starts a unified kernel image, which stays at the
//!   kernel that the image was built with until somebody replaces it.
//! * Commands run as root of a user namespace, or as real root if the factory runs as root: templates are trusted as much
//!   as who runs the factory.

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
