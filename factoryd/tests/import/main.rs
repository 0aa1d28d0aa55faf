//! Imports as a component: real disks, made by the tools that make such disks, and stores as Image Factory leaves them.
#![expect(clippy::unwrap_used, reason = "tests")]

mod disk;
mod disks;
mod hostile;
mod legacy;
mod place;
