//! Callbacks: every change of an image's status is put to the URLs that were given with the request for it.
//!
//! They are Image Factory's (`parameters.callbacks`), which told nobody who was not there at that moment. Here they are
//! rows of the store, and a cursor in the image's events says how far each is. So every change is delivered, in order, at
//! least once, whatever is killed meanwhile: this process, another one, the receiver. A receiver knows what it has
//! seen by `Factory-Delivery`, which stays the same when a delivery is repeated.
//!
//! ```text
//! PUT, application/json, the image as it was after that change (REST's representation, without `href`)
//! Factory-Event-Cursor: 17                the event's cursor
//! Factory-Delivery: <callback>.17         the same for each try
//! Factory-Signature: t=<unix time>,v1=<hex>    HMAC-SHA256 of `<unix time>.<body>`, if there is a secret
//! ```
//!
//! What an answer means, and when it is tried again, is decided in `schedule`. One task delivers one callback, in order;
//! so many at once of one receiver and in all, so that a slow one delays nobody else. Redirects are not followed.
//!
//! **Credentials** in a URL are kept in memory only. Once the process that took the request has ended, deliveries go on
//! with what `--callback-credentials` has for the host, or without, and a failure then says so.
//!
//! **Who delivers:** the process that took the request, for as long as it lives; then the next that looks, decided by the
//! locks of the store's owners. So two daemons on one store never deliver the same at once.
//!
//! **What is seen:** a delivery that fails for the first time, one that is delivered after failures, and the end of trying
//! are events of the image.

mod delivery;
mod files;
mod register;
mod schedule;
mod service;
mod signature;

pub use files::{FileError, Secrets};
pub use register::Register;
pub use service::{Render, Service};
pub use signature::sign;

use std::path::PathBuf;

/// How callbacks are delivered.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The file of the secret that deliveries are signed with.
    pub secret: Option<PathBuf>,
    /// The file of users and passwords by host, for callbacks whose own are not known any more.
    pub credentials: Option<PathBuf>,
}
