//! What can be typed after `factory plugin check`.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Prove a plugin right or wrong: every case is a sentence of the protocol.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  factory plugin check ./target/debug/factory-plugin-mine
  factory plugin check ./mine --request conformance.json --junit report.xml
  factory plugin check ./mine --filter CA --verbose

Operations are run only if a sample says which are quick and harmless: the file conformance.json beside the executable,
or that of --request. Without one, nothing is built or pushed, and the cases that need it are not applicable. The plugin
runs as you and without a sandbox.")]
pub(crate) struct CheckArguments {
    /// The plugin's executable.
    #[arg(value_name = "PATH")]
    pub(crate) plugin: PathBuf,
    /// What it must be.
    #[arg(long)]
    pub(crate) kind: Option<KindArgument>,
    /// A sample of the requests that it can be sent (JSON).
    #[arg(long, value_name = "FILE")]
    pub(crate) request: Option<PathBuf>,
    /// Run only cases whose id starts with this, or whose title contains it; repeat it for more.
    #[arg(long = "filter", value_name = "TEXT")]
    pub(crate) filters: Vec<String>,
    /// Write a report for a build service, as JUnit's XML.
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Print the report as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Print the environment, the requests and the events of each case.
    #[arg(long, conflicts_with = "json")]
    pub(crate) verbose: bool,
}

/// A kind of plugins.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum KindArgument {
    /// Installs operating systems.
    Os,
    /// Is for a cloud or hypervisor.
    Cloud,
}
