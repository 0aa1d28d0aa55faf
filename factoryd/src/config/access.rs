//! Who may call a daemon: `[access]`.

use super::sources::Sources;
use super::value::Value;
use crate::access::Options;
use crate::domain::Role;
use crate::report::quote;
use clap::Args;
use serde_json::{Value as Json, json};
use std::ffi::OsString;

/// Who may call.
#[derive(Debug, Clone, Args)]
pub struct AccessArguments {
    /// Let callers from this machine in without credentials, as a viewer, builder or admin. That is everybody who can log
    /// in here, and whoever comes through a proxy on this machine. Default: nobody.
    #[arg(long, value_name = "ROLE", env = "FACTORY_ANONYMOUS")]
    anonymous: Option<OsString>,
    /// Let the OAuth clients of this file in (TOML): `[clients.NAME]` with `secret = "…"` and `role = "viewer|builder|admin"`.
    /// Nobody but its owner may be allowed to read it.
    #[arg(long, value_name = "FILE", env = "FACTORY_OAUTH_CLIENTS")]
    oauth_clients: Option<OsString>,
}

/// Reads who may call.
pub(super) fn read(from: &mut Sources) -> Options {
    Options {
        anonymous: from.optional("access.anonymous", "anonymous"),
        oauth_clients: from.optional("access.oauth_clients", "oauth_clients"),
    }
}

impl Value for Role {
    const EXPECTED: &'static str = "`viewer`, `builder` or `admin`";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("{} is no role", quote(text)))
    }

    fn json(&self) -> Json {
        json!(self.to_string())
    }
}
