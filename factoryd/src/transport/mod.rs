//! Connections of callers: TCP, under TLS if there is a certificate.
//!
//! ```text
//! TcpListener ─► accept ─► handshake (its own deadline, in nobody's way) ─► Connection, with its Peer
//! ```
//!
//! Both edges accept through here, so that the rules are the same: who is slow with its handshake, or speaks no TLS where it
//! should, costs a place for some seconds and is then sent away. A client's certificate, if one is asked for and given, is
//! verified during the handshake; what it means is said by [`access`](crate::access).

mod accept;
mod connection;
mod pair;
mod tls;

pub use accept::{Acceptor, accept, incoming};
pub use connection::Connection;
pub use tls::{Error, Options, Source, Tls};
