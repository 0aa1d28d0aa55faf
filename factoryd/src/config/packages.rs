//! Packages of plugins: whose are trusted, and where they are got: `[packages]`.

use super::sources::Sources;
use super::value::Value;
use crate::distribution::{Mirror, Options, SourceKind, directory};
use crate::package::{Keyring, Limits, TrustedKey};
use crate::report::quote;
use clap::Args;
use serde_json::{Value as Json, json};
use std::ffi::OsString;
use std::path::Path;

/// Packages of plugins: whose are trusted, and where they are got.
#[derive(Debug, Clone, Args)]
pub(super) struct PackageArguments {
    /// Install plugins that this minisign key signed: the key (RW…), or its .pub file; repeat it for more. Default: none, so that
    /// nothing signed is trusted.
    #[arg(
        long,
        value_name = "KEY",
        env = "FACTORY_TRUSTED_KEYS",
        value_delimiter = ',',
        hide_short_help = true
    )]
    trusted_key: Vec<OsString>,
    /// Let plugins be installed that nobody signed, with --allow-unsigned each time, from a directory, an archive or a registry;
    /// repeat it for more. Default: directory.
    #[arg(
        long,
        value_name = "SOURCE",
        env = "FACTORY_UNSIGNED",
        value_delimiter = ',',
        hide_short_help = true
    )]
    unsigned: Vec<OsString>,
    /// Look for what is in a registry, or below a name in it, somewhere else first: PREFIX=HOST/PREFIX, or PREFIX=oci:DIR with an OCI
    /// image layout for each repository; repeat it for more. Default: none.
    #[arg(
        long,
        value_name = "PREFIX=MIRROR",
        env = "FACTORY_REGISTRY_MIRRORS",
        value_delimiter = ',',
        hide_short_help = true
    )]
    registry_mirror: Vec<OsString>,
    /// Ask no registry itself, only its mirrors. Default: false.
    #[arg(
        long,
        value_name = "BOOLEAN",
        env = "FACTORY_AIR_GAP",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        hide_short_help = true
    )]
    air_gap: Option<OsString>,
    /// Speak plain HTTP to this registry (HOST:PORT); repeat it for more. Default: to those of this machine only.
    #[arg(
        long,
        value_name = "HOST",
        env = "FACTORY_PLAIN_HTTP_REGISTRIES",
        value_delimiter = ',',
        hide_short_help = true
    )]
    plain_http_registry: Vec<OsString>,
    /// Take credentials for registries from this file, as `docker login` and `podman login` write it; only its owner may read it.
    /// Default: where they keep it.
    #[arg(long, value_name = "FILE", env = "FACTORY_REGISTRY_AUTH", hide_short_help = true)]
    registry_auth: Option<OsString>,
    /// Trust registries whose certificates are in this file, or signed by one there (PEM), besides those that this system trusts.
    #[arg(long, value_name = "FILE", env = "FACTORY_REGISTRY_CA", hide_short_help = true)]
    registry_ca: Option<OsString>,
}

/// Reads it; plugins are installed into the store.
pub(super) fn packages(from: &mut Sources, store: &Path) -> Options {
    let directories = || vec![SourceKind::Directory];
    Options {
        directory: directory(store),
        keys: Keyring(from.list_or("packages.trusted_keys", "trusted_key", Vec::new)),
        unsigned: from.list_or("packages.unsigned", "unsigned", directories),
        mirrors: from.list_or("packages.mirrors", "registry_mirror", Vec::new),
        air_gap: from.or("packages.air_gap", "air_gap", false),
        plain_http: from.list_or("packages.plain_http", "plain_http_registry", Vec::new),
        auth_file: from.optional("packages.registry_auth", "registry_auth"),
        ca_file: from.optional("packages.registry_ca", "registry_ca"),
        limits: Limits::default(),
    }
}

impl Value for TrustedKey {
    const EXPECTED: &'static str = "a public key of minisign's (RW…), or the path of its .pub file";

    fn parse(text: &str) -> Result<Self, String> {
        if let Ok(key) = text.parse() {
            return Ok(key);
        }
        let read = std::fs::read_to_string(text);
        let read = read.map_err(|error| format!("{} can't be read: {error}", quote(text)))?;
        read.parse().map_err(|error| format!("{}: {error}", quote(text)))
    }

    fn json(&self) -> Json {
        json!(self.to_string())
    }
}

impl Value for SourceKind {
    const EXPECTED: &'static str = "`directory`, `archive` or `registry`";

    fn parse(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| format!("{} is no such word", quote(text)))
    }

    fn json(&self) -> Json {
        json!(self.as_str())
    }
}

impl Value for Mirror {
    const EXPECTED: &'static str = "a prefix and its mirror, such as `registry.example.org/plugins=mirror.corp:5000/plugins` or \
         `registry.example.org=oci:/srv/plugins`";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("{} is no mirror", quote(text)))
    }

    fn json(&self) -> Json {
        json!(self.to_string())
    }
}
