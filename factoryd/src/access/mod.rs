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

pub mod oauth;
mod refused;

pub use refused::Refused;

use crate::domain::{How, Principal, Role};
use std::net::SocketAddr;

/// Who may call besides those who have a token.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The role of who calls from this machine and says nothing about itself; none: it may not.
    pub anonymous: Option<Role>,
}

/// The other end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
}

/// Tells who calls. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Authenticator {
    options: Options,
}

impl Peer {
    /// Tells whether it is on this machine.
    pub fn is_local(&self) -> bool {
        self.address.ip().to_canonical().is_loopback()
    }
}

impl Authenticator {
    /// Makes one.
    pub fn new(options: Options) -> Self {
        Self { options }
    }

    /// Answers who calls without credentials.
    ///
    /// # Errors
    /// If such a caller may not.
    pub fn by_connection(&self, peer: &Peer) -> Result<Principal, Refused> {
        match self.options.anonymous {
            Some(role) if peer.is_local() => {
                Ok(Principal { name: "anonymous".to_owned(), role, how: How::Anonymous })
            }
            _ => Err(Refused::Nobody),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_may_call_without_credentials_and_only_if_told_so() {
        let open = Authenticator::new(Options { anonymous: Some(Role::Builder) });
        let peer = |address: &str| Peer { address: address.parse().unwrap() };
        for local in ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
            assert_eq!(open.by_connection(&peer(local)).unwrap().role, Role::Builder, "{local}");
            let shut = Authenticator::new(Options::default());
            assert!(shut.by_connection(&peer(local)).is_err());
        }
        for stranger in ["10.0.0.1:1", "[fe80::1]:1", "[::ffff:10.0.0.1]:1"] {
            assert!(open.by_connection(&peer(stranger)).is_err(), "{stranger}");
        }
    }
}
