//! Sandboxes: what a plugin may do, from what it says that it needs, what is configured, and what the machine can. Pure.
//!
//! ```text
//! needs ──┐
//! options ┼─► Profile: rules for the kernel, and what to tell people: what it gets, what can't be kept from it
//! machine ┘
//! ```
//!
//! **Invariant:** what a plugin does not say that it needs, and nobody configured, it does not get, as far as the machine can
//! prevent it; how far that is, is in the profile.

mod ids;
mod layer;
mod options;
mod places;
mod profile;
mod system;
#[cfg(test)]
mod tests;

pub use layer::{Layer, Without};
pub use options::{Grant, InvalidGrant, Mode, Options, Setting};
pub use places::Places;
pub use profile::{Profile, profile};
