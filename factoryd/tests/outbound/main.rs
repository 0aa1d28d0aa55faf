//! The way out, against real servers on this machine that behave badly.
#![expect(clippy::unwrap_used, reason = "tests")]

mod fetching;
mod server;
