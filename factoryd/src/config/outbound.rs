//! What the daemon itself may reach: `[outbound]` and `[callbacks]`.

use super::settings::existing;
use super::sources::Sources;
use super::value::Value;
use crate::callbacks;
use crate::outbound::{Allowed, Options};
use clap::Args;
use serde_json::{Value as Json, json};
use std::ffi::OsString;

/// What the daemon itself may reach, and how it tells of images.
#[derive(Debug, Clone, Args)]
pub struct OutboundArguments {
    /// Connect to this host name, address or network (10.0.0.0/8) though it is not public, for contents of templates;
    /// repeat it for more. Default: to public addresses only.
    #[arg(long, value_name = "HOST", env = "FACTORY_OUTBOUND_ALLOW", value_delimiter = ',')]
    outbound_allow: Vec<OsString>,
    /// Let templates name files below this directory by file: URLs; repeat it for more. Default: none.
    #[arg(long, value_name = "DIR", env = "FACTORY_CONTENT_DIR", value_delimiter = ':')]
    content_dir: Vec<OsString>,
    /// Sign callbacks with the secret in this file, which only its owner may read. Default: they are not signed.
    #[arg(long, value_name = "FILE", env = "FACTORY_CALLBACK_SECRET")]
    callback_secret: Option<OsString>,
    /// Take users and passwords of callbacks from this TOML file (a table per host: ["hooks.example.org"] user = "…"
    /// password = "…") once those in their URLs are not known any more. Only its owner may read it. Default: none.
    #[arg(long, value_name = "FILE", env = "FACTORY_CALLBACK_CREDENTIALS")]
    callback_credentials: Option<OsString>,
}

/// Reads what may be reached.
pub(super) fn read(from: &mut Sources) -> Options {
    let allow = from.list_or("outbound.allow", "outbound_allow", Vec::new);
    let named = from.list_or("outbound.content_dirs", "content_dir", Vec::new);
    let content_dirs = existing(from, "outbound.content_dirs", "content directory", named);
    Options { allow, content_dirs, trusting: false }
}

/// Reads how callbacks are delivered.
pub(super) fn callbacks(from: &mut Sources) -> callbacks::Options {
    callbacks::Options {
        secret: from.optional("callbacks.secret", "callback_secret"),
        credentials: from.optional("callbacks.credentials", "callback_credentials"),
    }
}

impl Value for Allowed {
    const EXPECTED: &'static str =
        "a host name, an address or a network, such as `mirror.corp`, `10.1.2.3` or `10.0.0.0/8`";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error: crate::outbound::InvalidAllowed| error.to_string())
    }

    fn json(&self) -> Json {
        json!(self.to_string())
    }
}
