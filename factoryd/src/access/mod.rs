//! Who calls: credentials become a [`Principal`], or a refusal that says what would do.
//!
//! ```text
//! credentials + connection ─► Authenticator ─► Principal {name, role, how}
//!                                    │
//!                                    └─► Refused, in words for whoever calls
//! ```
//!
//! Both edges ask the same [`Authenticator`]. Which role a request needs is theirs to say: each has one table for it.
//!
//! **Invariant:** nobody gets in by default. Without a token, an OAuth client, a trusted certificate or an [`Options::anonymous`]
//! role, every request that needs a role is refused.

mod authenticator;
mod certificate;
mod credentials;
pub mod oauth;
mod refused;
mod tokens;

pub use authenticator::{Authenticator, Error};
pub use certificate::certified;
pub use credentials::Credentials;
pub use refused::Refused;
pub use tokens::{Error as TokenError, Tokens};

use crate::domain::{Principal, Role};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Who may call besides those who have a token.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The role of who calls from this machine and says nothing about itself; none: it may not.
    pub anonymous: Option<Role>,
    /// The file of OAuth clients, if there are any.
    pub oauth_clients: Option<PathBuf>,
}

/// The other end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// Whether it speaks TLS.
    pub tls: bool,
    /// Who it is by its certificate, which was verified.
    pub certificate: Option<Principal>,
}

impl Peer {
    /// Answers who calls from an address without TLS.
    pub fn plain(address: SocketAddr) -> Self {
        Self { address, tls: false, certificate: None }
    }

    /// Tells whether it is on this machine.
    pub fn is_local(&self) -> bool {
        self.address.ip().to_canonical().is_loopback()
    }
}
