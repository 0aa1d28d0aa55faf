//! What the end-to-end tests are written in: programs, sandboxes, guests, registries, containers.

pub(crate) mod binaries;
pub(crate) mod canary;
pub(crate) mod client;
pub(crate) mod container;
pub(crate) mod factory;
pub(crate) mod guest;
pub(crate) mod leftovers;
pub(crate) mod listener;
pub(crate) mod memory;
pub(crate) mod patience;
pub(crate) mod plugins;
pub(crate) mod program;
pub(crate) mod receiver;
pub(crate) mod registry;
pub(crate) mod small_disk;
pub(crate) mod stalled;
pub(crate) mod story;
pub(crate) mod tdl;
pub(crate) mod user;
pub(crate) mod vendor;
