//! Two-legged OAuth 1.0 (RFC 5849), as clients of Image Factory sign their requests: HMAC-SHA1 in the `Authorization` header.

mod header;

pub use header::{Header, Malformed};
