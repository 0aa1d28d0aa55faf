//! What can be typed after `factoryd`.

use super::{DaemonArguments, Flags};
use crate::manual;
use clap::{Parser, Subcommand};
use std::path::PathBuf;

/// Serves an image factory over gRPC, and over REST if asked to.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "factoryd",
    version,
    after_help = "\
Once it can be called, one line on standard output says where: `listening on 127.0.0.1:8076`.
With --rest a second one follows: `REST listening on 127.0.0.1:8075`.
SIGTERM or SIGINT ends it after its builds have been cleaned up; a second one ends it at once.

Every setting can be a flag, an environment variable or a key of the settings file; `factoryd config show` lists them.

Exit codes: 0 ended on request, 1 failed while running, 2 the settings are not valid, 4 can't start."
)]
pub struct DaemonCommand {
    #[command(flatten)]
    pub(super) flags: Flags<DaemonArguments>,
    /// What to do instead of serving.
    #[command(subcommand)]
    pub verb: Option<DaemonVerb>,
}

/// What `factoryd` does besides serving.
#[derive(Debug, Clone, Subcommand)]
pub enum DaemonVerb {
    /// Look at the settings.
    #[command(subcommand)]
    Config(ConfigVerb),
    /// What shells and manuals are told.
    #[command(flatten)]
    Manual(manual::Verb),
}

/// `factoryd config`.
#[derive(Debug, Clone, Subcommand)]
pub enum ConfigVerb {
    /// Check the settings, and print every problem with its place. Exit code 0: there is none; 2: there are some.
    Check,
    /// Print every setting: its key, its value, and who said so.
    Show {
        /// Print a JSON array.
        #[arg(long)]
        json: bool,
    },
    /// Print a configuration of Image Factory's (JSON) as a settings file, and a warning for each key that has no meaning
    /// any more.
    Translate {
        /// The configuration, such as /etc/imagefactory/imagefactory.conf.
        file: PathBuf,
        /// Write its OAuth clients, with their secrets, to this new file, which only its owner may read.
        #[arg(long, value_name = "FILE")]
        oauth_clients_out: Option<PathBuf>,
    },
}
