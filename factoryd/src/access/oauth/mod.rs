//! Two-legged OAuth 1.0 (RFC 5849), as clients of Image Factory sign their requests: HMAC-SHA1 in the `Authorization` header.
//!
//! A request is taken if a known client signed it, not more than 300 s ago or ahead, and it was not made before. Nonces are
//! remembered for as long as their requests could come again; those of the past end with the process, and what was signed
//! before its start is refused instead. JSON bodies and forms in parts are not signed: that is how the protocol is.

mod base;
mod clients;
mod header;
mod nonces;
mod verify;

pub use base::Request;
pub use clients::FileError;
pub use header::{Header, Malformed};
pub(super) use verify::{Ahead, Clients, Invalid, WINDOW};
