//! What can be typed after `factory plugin`: for who writes plugins, and who installs them.

use super::packages::{
    InstallArguments, ListArguments, PackArguments, RemoveArguments, UpdateArguments,
};
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Install, update and remove plugins; write them: look at one, try it out, make a package of it.
#[derive(Debug, Subcommand)]
pub(crate) enum PluginVerb {
    Install(InstallArguments),
    List(ListArguments),
    Update(UpdateArguments),
    Remove(RemoveArguments),
    Describe(DescribeArguments),
    Pack(PackArguments),
}

/// Print what a plugin says of itself: what it serves, can do and needs, and the schemas of what it takes.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  factory plugin describe ./target/debug/factory-plugin-mine

It runs the executable with `describe`, as you and without a sandbox.")]
pub(crate) struct DescribeArguments {
    /// The plugin's executable.
    #[arg(value_name = "PATH")]
    pub(crate) plugin: PathBuf,
    /// Print what the plugin prints: JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
