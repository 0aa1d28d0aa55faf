//! What can be typed after `factory plugins`.

use clap::{Args, Subcommand};

/// List the plugins, what they serve and what is wrong with them; or show one, with what it needs and what it may do.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct PluginsArguments {
    #[command(subcommand)]
    pub(crate) verb: Option<PluginsVerb>,
    /// Show this plugin only, with all that is known of it.
    pub(crate) name: Option<String>,
    /// Print a JSON array of factory.v1.Plugin.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What is done with plugins.
#[derive(Debug, Subcommand)]
pub(crate) enum PluginsVerb {
    /// Accept plugins as they are now, and show what changed. One whose files were changed is refused until then.
    Accept(AcceptArguments),
}

/// What is accepted.
#[derive(Debug, Args)]
pub(crate) struct AcceptArguments {
    /// The plugins.
    #[arg(value_name = "PLUGIN", required_unless_present = "all")]
    pub(crate) names: Vec<String>,
    /// Accept all there are.
    #[arg(long, conflicts_with = "names")]
    pub(crate) all: bool,
    /// Print a JSON array of factory.v1.PluginAcceptance.
    #[arg(long)]
    pub(crate) json: bool,
}
