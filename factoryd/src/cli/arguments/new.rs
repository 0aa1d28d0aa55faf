//! What can be typed after `factory plugin new`.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Make the directory of a new plugin, which builds, runs and passes `factory plugin check` as it is.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  factory plugin new --kind os beos
  factory plugin new --kind cloud acme --sdk ../factory/plugin-sdk")]
pub(crate) struct NewArguments {
    /// What the plugin is called: lower-case letters, digits and `-`.
    pub(crate) name: String,
    /// What it is for: installing operating systems, or putting images into a cloud.
    #[arg(long)]
    pub(crate) kind: KindOfPlugin,
    /// What it is written in.
    #[arg(long, default_value = "rust")]
    pub(crate) lang: Language,
    /// Make the directory here instead of below the working directory, under the plugin's name.
    #[arg(long, value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
    /// Use the SDK in this directory (`plugin-sdk` of the factory's sources) instead of a published one.
    #[arg(long, value_name = "DIR")]
    pub(crate) sdk: Option<PathBuf>,
}

/// What a plugin is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KindOfPlugin {
    /// It installs operating systems.
    Os,
    /// It makes images fit for a cloud or hypervisor, and puts them there.
    Cloud,
}

/// What a plugin is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    /// By the crate `factory-plugin-sdk`.
    Rust,
}
