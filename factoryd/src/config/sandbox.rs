//! Which plugins may run, and what is kept from them: `[sandbox]`.

use super::document::{Node, NodeValue};
use super::sources::Sources;
use super::value::Value;
use crate::plugin::{PinOptions, ReattachSource, Trust};
use crate::report::quote;
use crate::sandbox::{Grant, Mode, Options, Setting, Without};
use crate::seal::Feature;
use clap::Args;
use serde_json::{Value as Json, json};
use std::ffi::OsString;
use std::path::Path;

/// Which plugins may run, and what is kept from them.
#[derive(Debug, Clone, Args)]
pub(super) struct SandboxArguments {
    /// Trust a plugin that was never seen: first-use accepts it as it is when it is first used, locked refuses it until
    /// `factory plugins accept`. One that has changed is refused either way. Default: first-use.
    #[arg(long, value_name = "WORD", env = "FACTORY_PLUGIN_TRUST", hide_short_help = true)]
    plugin_trust: Option<OsString>,
    /// Keep from plugins what they do not say that they need: enforce, warn (only show it) or off. Default: enforce.
    #[arg(long, value_name = "MODE", env = "FACTORY_SANDBOX", hide_short_help = true)]
    sandbox: Option<OsString>,
    /// Be otherwise with one plugin: NAME=MODE; repeat it for more. Default: none.
    #[arg(
        long,
        value_name = "NAME=MODE",
        env = "FACTORY_SANDBOX_PLUGIN",
        value_delimiter = ',',
        hide_short_help = true
    )]
    sandbox_plugin: Vec<OsString>,
    /// Let a plugin write below this path besides: NAME=PATH, such as kvm=/srv/pool; repeat it for more. Default: none.
    #[arg(
        long,
        value_name = "NAME=PATH",
        env = "FACTORY_SANDBOX_ALLOW",
        value_delimiter = ',',
        hide_short_help = true
    )]
    sandbox_allow: Vec<OsString>,
    /// Leave a part of a plugin's sandbox out: NAME=PART, where PART is files, ports, signals, system-calls, network or
    /// capabilities; repeat it for more. Default: none.
    #[arg(
        long,
        value_name = "NAME=PART",
        env = "FACTORY_SANDBOX_WITHOUT",
        value_delimiter = ',',
        hide_short_help = true
    )]
    sandbox_without: Vec<OsString>,
    /// Refuse to run where the kernel can't do this: landlock, landlock-network, landlock-scope, landlock-unix, seccomp,
    /// network-namespace, user-namespace; repeat it for more. Default: none.
    #[arg(
        long,
        value_name = "FEATURE",
        env = "FACTORY_SANDBOX_REQUIRE",
        value_delimiter = ',',
        hide_short_help = true
    )]
    sandbox_require: Vec<OsString>,
}

/// Reads which plugins may run; what was accepted is remembered in the store.
pub(super) fn pins(from: &mut Sources, store: &Path) -> PinOptions {
    let trust = from.or("sandbox.trust", "plugin_trust", Trust::FirstUse);
    PinOptions { file: Some(store.join("factory.lock")), trust }
}

/// Reads what is kept from plugins.
pub(super) fn sandbox(from: &mut Sources) -> Options {
    Options {
        mode: from.or("sandbox.mode", "sandbox", Mode::Enforce),
        plugins: from.list_or("sandbox.plugins", "sandbox_plugin", Vec::new),
        grants: from.list_or("sandbox.allow", "sandbox_allow", Vec::new),
        without: from.list_or("sandbox.without", "sandbox_without", Vec::new),
        require: from.list_or("sandbox.require", "sandbox_require", Vec::new),
    }
}

/// A relative path in a file is relative to that file's directory.
impl Value for ReattachSource {
    const EXPECTED: &'static str =
        "JSON as `PLUGIN debug` prints it, or the path of a file that has it";

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "" => Err("this is empty".to_owned()),
            _ => Self::parse(text).map_err(|error| error.to_string()),
        }
    }

    fn read(node: &Node, directory: &Path) -> Result<Self, String> {
        match &node.value {
            NodeValue::Text(text) => match <Self as Value>::parse(text)? {
                Self::File(path) => Ok(Self::File(directory.join(path))),
                config => Ok(config),
            },
            other => Err(format!("this is {}", other.kind())),
        }
    }

    fn json(&self) -> Json {
        match self {
            Self::Config(config) => Json::from(json!(config).to_string()),
            Self::File(path) => json!(path.to_string_lossy()),
        }
    }
}

impl Value for Trust {
    const EXPECTED: &'static str = "`first-use` or `locked`";

    fn parse(text: &str) -> Result<Self, String> {
        let all = [Self::FirstUse, Self::Locked];
        let found = all.into_iter().find(|trust| trust.as_str() == text);
        found.ok_or_else(|| format!("{} is no such word", quote(text)))
    }

    fn json(&self) -> Json {
        json!(self.as_str())
    }
}

impl Value for Mode {
    const EXPECTED: &'static str = "`enforce`, `warn` or `off`";

    fn parse(text: &str) -> Result<Self, String> {
        Self::parse(text).ok_or_else(|| format!("{} is no such word", quote(text)))
    }

    fn json(&self) -> Json {
        json!(self.as_str())
    }
}

impl Value for Setting {
    const EXPECTED: &'static str = "a plugin and a mode, such as `kvm=off`";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error: crate::sandbox::InvalidGrant| error.to_string())
    }

    fn json(&self) -> Json {
        json!(self.to_string())
    }
}

impl Value for Grant {
    const EXPECTED: &'static str = "a plugin and an absolute path, such as `kvm=/srv/pool`";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error: crate::sandbox::InvalidGrant| error.to_string())
    }

    fn json(&self) -> Json {
        json!(self.to_string())
    }
}

impl Value for Without {
    const EXPECTED: &'static str = "a plugin and a part of its sandbox, such as `kvm=system-calls`";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error: crate::sandbox::InvalidGrant| error.to_string())
    }

    fn json(&self) -> Json {
        json!(self.to_string())
    }
}

impl Value for Feature {
    const EXPECTED: &'static str = "`landlock`, `landlock-network`, `landlock-scope`, `landlock-unix`, `seccomp`, `network-namespace` or `user-namespace`";

    fn parse(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|feature| feature.as_str() == text);
        found.ok_or_else(|| format!("{} is no such feature", quote(text)))
    }

    fn json(&self) -> Json {
        json!(self.as_str())
    }
}
