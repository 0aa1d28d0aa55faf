//! Who may call a daemon: `[access]`.

use super::sources::Sources;
use super::value::Value;
use crate::access::Options;
use crate::domain::Role;
use crate::report::quote;
use clap::Args;
use serde_json::{Value as Json, json};
use std::ffi::OsString;
use std::net::SocketAddr;

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
    /// Listen on addresses that other machines reach without TLS too: in a network that nobody else can read, or behind a
    /// proxy.
    #[arg(
        long,
        value_name = "BOOL",
        env = "FACTORY_PLAIN_TEXT",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true"
    )]
    plain_text: Option<OsString>,
}

/// Reads who may call, and how.
pub(super) fn read(from: &mut Sources) -> Access {
    Access {
        callers: Options {
            anonymous: from.optional("access.anonymous", "anonymous"),
            oauth_clients: from.optional("access.oauth_clients", "oauth_clients"),
        },
        plain_text: from.or("access.plain_text", "plain_text", false),
    }
}

/// `[access]`.
pub(super) struct Access {
    pub(super) callers: Options,
    plain_text: bool,
}

impl Access {
    /// Refuses an address that other machines reach where what is said could be read, or anybody here may call.
    pub(super) fn check(
        &self,
        from: &mut Sources,
        key: &str,
        address: Option<SocketAddr>,
        tls: bool,
    ) {
        let Some(address) = address.filter(|address| !address.ip().is_loopback()) else { return };
        let refused = format!("{address} is not a loopback address");
        if self.callers.anonymous.is_some() {
            let hint = "whom other machines reach must not let anybody in: use tokens instead of --anonymous, or \
                        listen on 127.0.0.1 or [::1]";
            from.refuse(key, refused, Some(hint.to_owned()));
        } else if !tls && !self.plain_text {
            let hint = "credentials could be read on the way: give --tls-certificate and --tls-key, or \
                        --tls-self-signed, or do without by --plain-text";
            from.refuse(key, refused, Some(hint.to_owned()));
        }
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
