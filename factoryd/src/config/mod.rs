//! Flags and environment become everyone's options, checked before anything is opened.

mod access;
mod arguments;
mod places;

pub use access::AccessArguments;
pub use arguments::{DaemonArguments, LogArguments, StoreArguments};

use crate::{access as callers, jobs, plugin, store};
use std::net::SocketAddr;
use std::path::PathBuf;

/// What a factory in this process is made of.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where images are kept.
    pub store: store::Options,
    /// Where plugins are found, and how they are started.
    pub plugins: plugin::Options,
    /// How much is done at once.
    pub jobs: jobs::Options,
}

/// What a daemon is made of.
#[derive(Debug, Clone)]
pub struct DaemonConfig {
    /// The factory it serves.
    pub factory: Config,
    /// Where it listens: a loopback address; port 0 for any free port.
    pub listen: SocketAddr,
    /// Where it serves REST, if it does: a loopback address; port 0 for any free port.
    pub rest: Option<SocketAddr>,
    /// Who may call.
    pub access: callers::Options,
}

/// Options that make no configuration.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no home directory to keep the store in.
    #[error("there is no place for the store: give --store, or set HOME")]
    NoStore,
    /// A named plugin directory is not there.
    #[error("plugin directory {} does not exist", .0.display())]
    NoPluginDirectory(PathBuf),
    /// The daemon would be open to the network.
    #[error(
        "{option} {address} is not a loopback address: this daemon does not ask who is calling, so it must not be \
         reached from other machines; use 127.0.0.1 or [::1]"
    )]
    NotLoopback {
        /// Which option says so.
        option: &'static str,
        /// The address.
        address: SocketAddr,
    },
}
