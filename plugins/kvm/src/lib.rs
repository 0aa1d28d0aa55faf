//! The `kvm` cloud plugin: makes a disk for QEMU and libvirt, says how to run it, and puts it into a directory pool.
//!
//! # The disk
//! One artifact, role `disk`: `qcow2` (or, with `format=raw`, the base image's own disk under a second name, for neither is
//! ever written to). `compress` is `none` unless given; `true` means `zstd`, which is five times as fast as `zlib`.
//!
//! # How to run it
//! Properties, in which `{disk}` stands for the path of the artifact with that role:
//! * `run_command`: a QEMU command line with the guest's console on the terminal; `run_command_uefi`: the same with UEFI,
//!   where the machine starts with BIOS otherwise. They ask for KVM and fall back to emulation (`accel=kvm:tcg`), and have
//!   `snapshot=on`: what the guest writes is discarded, so that the factory's copy stays what it was.
//!   Where KVM opens and then hangs the guest, as some nested machines do, write `accel=tcg` instead.
//! * `libvirt_xml`, `libvirt_xml_uefi`: the domain for libvirt, for a copy of the disk.
//!
//! `memory_mib` and `cpus` say how large the machine is.
//!
//! # Pools
//! A provider is the absolute path of a directory, or `{"pool": "/path", "name": "my-disk"}`. The disk goes there as
//! `NAME.qcow2` (the image's id, if no name is given), whole or not at all, and never over another one; it shares blocks
//! with the factory's copy where the file system can do that, but never a hard link, for a guest will write to it. The
//! properties of the provider image say how to run that very copy.

pub mod convert;
pub mod machine;
mod plugin;
pub mod pool;
pub mod problem;
pub mod schema;
pub mod settings;

pub use plugin::Kvm;
