//! Why a caller is not let in.

use super::oauth::{Malformed, WINDOW};
use crate::store;

/// A caller is not let in. The text is for the caller: it says what to do, and not which part of a secret was right.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// There are no credentials.
    #[error(
        "this factory wants to know who calls: send `Authorization: Bearer` with a token (`factory token create`), \
         or sign the request with OAuth 1.0a (HMAC-SHA1, in the Authorization header)"
    )]
    Nobody,
    /// The credentials are in no form that is known here.
    #[error(
        "the request must have one Authorization header: `Bearer` with a token, or `OAuth` with a signature \
         (OAuth 1.0a, HMAC-SHA1)"
    )]
    Scheme,
    /// The token is none, or has ended.
    #[error(
        "the token is not valid, or has expired or been revoked: `factory token create` makes another"
    )]
    Token,
    /// The OAuth header can't be read.
    #[error("the OAuth header is not valid: {0}")]
    Malformed(Malformed),
    /// What was signed is not of now.
    #[error(
        "the request was signed more than {WINDOW} s ago or ahead of time: set the client's clock, and sign each \
         request anew"
    )]
    Time,
    /// What was signed is of before the start.
    #[error("the request was signed before this factory started: sign it anew")]
    BeforeStart,
    /// The signature is not a known client's, or not the first of its kind.
    #[error(
        "the OAuth signature is not valid: check the client's name and secret, that the request arrives as it was signed \
         (method, address, query, form), and that each request has a nonce of its own"
    )]
    Signature,
    /// OAuth signs requests of the REST API alone.
    #[error("OAuth signs requests of the REST API only: send `authorization: Bearer` with a token")]
    NotHere,
    /// The client signs more requests than can be remembered.
    #[error("the client makes too many requests: try again in a minute, or use a token")]
    Busy,
    /// The store failed.
    #[error("the store failed; the log of the daemon says more")]
    Store(#[source] store::Error),
}
