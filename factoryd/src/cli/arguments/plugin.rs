//! What can be typed after `factory plugin`: for who writes plugins, and who installs them.

use super::packages::{
    InstallArguments, ListArguments, PackArguments, RemoveArguments, UpdateArguments,
};
use clap::{Args, Subcommand};

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
  factory plugin describe ./factory-plugin-mine
  factory plugin describe kvm --json

A path is run with `describe`, as you and without a sandbox. A name means an installed plugin, which the factory starts and
asks, and gives nothing that it does not say that it needs.")]
pub(crate) struct DescribeArguments {
    /// The plugin: its executable (with a `/` in it), or its name.
    #[arg(value_name = "PATH|NAME")]
    pub(crate) plugin: String,
    /// Print what the plugin says, as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
