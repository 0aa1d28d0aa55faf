//! The REST API over the real factory, with delegates of a few lines and a real socket.
#![expect(clippy::unwrap_used, reason = "tests")]

mod callbacks;
mod client;
mod events;
#[path = "../factory/fake.rs"]
#[expect(dead_code, reason = "shared with the tests of the facade, which use more of it")]
mod fake;
mod files;
mod hostile;
mod lists;
mod refused;
mod transcript;
