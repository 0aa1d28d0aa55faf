//! The `docker` plugin through the real protocol, with real tools: skopeo reads what it makes, a real registry takes it.
#![expect(clippy::unwrap_used, reason = "a test that can't go on panics")]

mod fake;
mod image;
mod judging;
mod push;
mod registry;
mod rootfs;
mod tool;
