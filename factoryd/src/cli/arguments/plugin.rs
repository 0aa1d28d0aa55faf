//! What can be typed after `factory plugin`: for who writes plugins, and who installs them.

use super::check::CheckArguments;
use super::new::NewArguments;
use super::packages::{
    InstallArguments, ListArguments, PackArguments, RemoveArguments, UpdateArguments,
};
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Install, update and remove plugins; write them: look at one, try it out, make a package of it.
#[derive(Debug, Subcommand)]
pub(crate) enum PluginVerb {
    New(NewArguments),
    Check(CheckArguments),
    Install(InstallArguments),
    List(ListArguments),
    Update(UpdateArguments),
    Remove(RemoveArguments),
    Describe(DescribeArguments),
    Pack(PackArguments),
    Call(CallArguments),
    Record(RecordArguments),
    Replay(ReplayArguments),
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

/// Call a method of a plugin with JSON, and print what it answers as JSON.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  factory plugin call ./factory-plugin-mine Describe
  factory plugin call kvm Validate --request '{\"parameters_json\": \"{\\\"cpus\\\": 0}\"}'
  ./factory-plugin-mine debug > mine.json &        # or under a debugger
  factory plugin call mine CreateBaseImage --request @request.json --reattach mine.json

Messages have the field names of the .proto files. Of a stream, each event is a line; an operation gets an id and a
directory if the request names none, and what it announces is acknowledged. The exit code is 1 if the call fails, or its
operation does.")]
pub(crate) struct CallArguments {
    /// The plugin: its executable (with a `/` in it), or its name.
    #[arg(value_name = "PATH|NAME")]
    pub(crate) plugin: String,
    /// The method, such as `Describe` or `CloudDelegate/PushImageToProvider`.
    pub(crate) method: String,
    /// The request as JSON; `@FILE` reads it from a file, `@-` from standard input. Default: {}.
    #[arg(long, value_name = "JSON|@FILE")]
    pub(crate) request: Option<String>,
}

/// Write down what a factory and a plugin say to each other: one line of JSON for each message, without secrets.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  factory plugin record kvm --output kvm.jsonl > kvm.json &
  factory build web.tdl --target kvm --reattach kvm.json
  kill %1

It serves in the plugin's place until ^C, and prints what --reattach takes.")]
pub(crate) struct RecordArguments {
    /// The plugin: its executable (with a `/` in it), or its name.
    #[arg(value_name = "PATH|NAME")]
    pub(crate) plugin: String,
    /// Write to this file, which must not be there yet.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: PathBuf,
}

/// Answer calls as a record has it, in the plugin's place: to try a factory without the plugin.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  factory plugin replay kvm.jsonl > kvm.json &
  factory build web.tdl --target kvm --reattach kvm.json

It serves until ^C, and prints what --reattach takes. Files that the record announces are made with nothing in them.")]
pub(crate) struct ReplayArguments {
    /// The record.
    #[arg(value_name = "FILE")]
    pub(crate) record: PathBuf,
}
