//! The way out: the one place from which the factory itself speaks to the network, and reads files that others name.
//!
//! What templates and callers of the API name by URL is not to be trusted: in a daemon it is a way to read its files and to
//! reach what only this machine can reach. So everything goes through a [`Policy`]:
//!
//! * Schemes are `http`, `https` and `file`, nothing else.
//! * A connection goes to public addresses only, unless an entry of `--outbound-allow` names the host or the address. It is
//!   the *resolved* address that is judged, for every connection: names are looked up once, by `client`, and connected to
//!   only where the policy agrees, so that neither a name that changes its address nor a redirect gets around it.
//! * Redirects are followed by us, each hop judged anew; none leads from `https` to `http`; credentials stay with the host
//!   that they were given for.
//! * Sizes, times and numbers of redirects are limited ([`Limits`]).
//! * A `file:` URL is read below the content directories only, and only from regular files ([`file`]).
//!
//! The client is reqwest: it is well kept, part of the tree already, and takes a resolver of ours. Its own redirects,
//! decompression, pool of connections and proxies are off. A proxy would connect in our place, and what it reaches could
//! not be judged here. TLS is rustls with the system's roots, or those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name.
//!
//! **Invariant:** no message, event or log line made here holds the credentials of a URL, nor its query.

mod address;
mod client;
mod content;
mod error;
mod file;
mod location;
mod lookup;
mod policy;

pub use client::{Answer, Client, Limits, Put};
pub use content::Contents;
pub use error::Error;
pub use file::Files;
pub use location::Location;
pub use lookup::{Lookup, SystemLookup};
pub use policy::{Allowed, InvalidAllowed, Policy};

use std::path::PathBuf;

/// What the factory may reach.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What may be reached though it is not public.
    pub allow: Vec<Allowed>,
    /// The directories below which `file:` URLs are read.
    pub content_dirs: Vec<PathBuf>,
    /// True for a command line that works for its own user: any address, and any file that the user can read.
    pub trusting: bool,
}

impl Options {
    /// Answers the policy for addresses.
    pub fn policy(&self) -> Policy {
        if self.trusting { Policy::unrestricted() } else { Policy::public(self.allow.clone()) }
    }

    /// Answers which files can be read.
    pub fn files(&self) -> Files {
        if self.trusting { Files::AnyOfTheUser } else { Files::Below(self.content_dirs.clone()) }
    }
}
