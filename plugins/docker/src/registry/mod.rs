//! Registries: where an image goes (`provider`), who puts it there (`credentials`), putting it there and deleting it.

pub mod account;
pub mod destination;
mod fault;
mod push;
mod remove;
mod session;

pub use account::Account;
pub use destination::Destination;
pub use session::Session;
