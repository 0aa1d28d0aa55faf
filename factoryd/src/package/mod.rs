//! Packages: how plugins travel, as one archive a platform.
//!
//! `NAME-VERSION-OS-ARCH.tar.zst` (or `.tar.gz`) is a ustar archive, compressed, of regular files alone:
//!
//! ```text
//! SHA256SUMS           what the package is, and the SHA-256 of every other file: always first
//! SHA256SUMS.minisig   a minisign signature of SHA256SUMS, if it is signed: always second
//! NAME.info            with `version`, a semantic version
//! factory-plugin-NAME  the executable: a program or a script; or what NAME.info says as `executable`
//! LICENSE, lib/…       whatever else the plugin needs
//! ```
//!
//! The first line of `SHA256SUMS` is a comment to `sha256sum --check`, and says which plugin, version and platform it is of:
//!
//! ```text
//! # factory-plugin 1 debian 0.1.0 linux/amd64
//! 9f86d081884c7d65…  debian.info
//! ```
//!
//! So one signature covers the name, the version, the platform and every byte. It is inside the package, so that it goes wherever
//! the package goes: through any mirror, over a disk, into the place where the plugin is installed. And it comes before all that it
//! is of: nothing is unpacked of a package before its signature is found to be good, and no file that it does not cover.

mod elf;
mod error;
mod gather;
mod identity;
mod limits;
mod member;
mod pack;
mod platform;
mod signature;
mod sums;
#[cfg(test)]
mod tests;
mod unpack;
mod whole;

pub use error::Error;
pub use gather::{Gathered, Selection, gather};
pub use identity::Identity;
pub use limits::Limits;
pub use pack::{Compression, Packed, pack};
pub use platform::Platform;
pub use signature::{InvalidKey, Keyring, SigningKey, TrustedKey};
pub use sums::{SIGNATURE, SUMS, Sums};
pub use unpack::{Judge, Unpacked, copy, unpack};
pub use whole::{Difference, check, read_sums};
