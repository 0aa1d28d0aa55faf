//! Who may call a daemon, as options.

use crate::access::Options;
use crate::domain::Role;
use clap::Args;

/// Who may call.
#[derive(Debug, Clone, Args)]
pub struct AccessArguments {
    /// Let callers from this machine in without credentials, as a viewer, builder or admin. That is everybody who can log
    /// in here, and whoever comes through a proxy on this machine. Default: nobody.
    #[arg(long, value_name = "ROLE", env = "FACTORY_ANONYMOUS")]
    anonymous: Option<Role>,
}

impl AccessArguments {
    /// Answers who may call.
    pub fn options(self) -> Options {
        Options { anonymous: self.anonymous }
    }
}
