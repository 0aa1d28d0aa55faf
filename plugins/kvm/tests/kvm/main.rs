//! The `kvm` plugin through the real protocol, with real tools: qemu-img checks its disks, libvirt's schemas its XML.
#![expect(clippy::unwrap_used, reason = "a test that can't go on panics")]

mod convert;
mod disk;
mod judging;
mod pool;
mod running;
mod tool;
