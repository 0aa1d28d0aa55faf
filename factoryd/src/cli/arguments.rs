//! What can be typed: the verbs of `factory` and their options.

use super::connect::DaemonPlace;
use super::fsck::FsckArguments;
use super::prune::PruneArguments;
use super::resources::{ReapArguments, ResourcesArguments};
use super::token::TokenVerb;
mod check;
mod images;
mod import;
mod new;
mod packages;
mod plugin;
mod plugins;

pub(super) use check::{CheckArguments, KindArgument};
pub(super) use images::{
    ImagesArguments, KindWord, LogVerbArguments, ShowArguments, StatusWord, WatchArguments,
};
pub(super) use import::{DiskArguments, ImportArguments, ImportStoreArguments};
pub(super) use new::{KindOfPlugin, Language, NewArguments};
pub(super) use packages::{
    HowArguments, InstallArguments, ListArguments as ListPackagesArguments, PackArguments,
    RemoveArguments, UpdateArguments,
};
pub(super) use plugin::{
    CallArguments, DescribeArguments, PluginVerb, RecordArguments, ReplayArguments,
};
pub(super) use plugins::{AcceptArguments, PluginsArguments, PluginsVerb};

use crate::config::{Flags, SharedArguments};
use crate::manual;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

const AFTER_HELP: &str = "\
Examples:
  factory build examples/debian-12.tdl --target docker --target kvm
  factory images
  factory log 3f2a --follow
  factory template check examples/debian-12.tdl

Image Factory's own verbs (base_image, target_image, provider_image, import_base_image) and their options work too:
`factory base_image --help`; so does a symbolic link `imagefactory` to this program.

Exit codes:
  0    done
  1    a build, push or deletion failed, or the store is not as it should be
  2    the command line, a file or the template is not valid
  3    refused: no plugin serves it, there is no such image, its status does not allow it, or you may not
  4    the factory itself is unusable: the store, the plugin directories or the daemon
  130  cancelled by ^C or SIGTERM

An image id can be shortened to any beginning, of at least 4 digits, that no other image has.";

/// Builds operating system images from templates, through plugins.
#[derive(Debug, Parser)]
#[command(name = "factory", version, after_help = AFTER_HELP, propagate_version = true)]
pub struct Arguments {
    #[command(flatten)]
    pub(super) place: PlaceArguments,
    #[command(subcommand)]
    pub(super) verb: Verb,
}

/// Where the factory is.
#[derive(Debug, Args)]
pub(super) struct PlaceArguments {
    #[command(flatten)]
    pub(super) daemon: DaemonPlace,
    #[command(flatten)]
    pub(super) settings: Flags<SharedArguments>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    Build(BuildArguments),
    Push(PushArguments),
    Images(ImagesArguments),
    Show(ShowArguments),
    Log(LogVerbArguments),
    Watch(WatchArguments),
    Cancel(CancelArguments),
    Retry(RetryArguments),
    Delete(DeleteArguments),
    Prune(PruneArguments),
    Fsck(FsckArguments),
    Plugins(PluginsArguments),
    #[command(subcommand)]
    Plugin(PluginVerb),
    Resources(ResourcesArguments),
    Reap(ReapArguments),
    Import(ImportArguments),
    ImportStore(ImportStoreArguments),
    #[command(subcommand)]
    Template(TemplateVerb),
    #[command(subcommand)]
    Token(TokenVerb),
    #[command(flatten)]
    Manual(manual::Verb),
}

/// Build a base image from a template, and target images from it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  factory build debian.tdl --target docker --target kvm
  factory build debian.tdl --target kvm --parameter compress=true --json
  factory build debian.tdl --target docker --provider docker=registry.example.org/debian --credentials auth.json

^C once cancels the build and waits until it is cleaned up; ^C twice ends at once.
With --json every line is one object: an event of factory.v1.Event with snake_case names, or {\"image\": ...}, which
comes once for each image at the start and once at the end.")]
pub(super) struct BuildArguments {
    /// The template (TDL, XML); `-` reads it from standard input.
    pub(super) template: PathBuf,
    /// Make an image for this target; repeat it for more.
    #[arg(long = "target", short, value_name = "TARGET")]
    pub(super) targets: Vec<String>,
    /// Push the image of a target to a provider.
    #[arg(long = "provider", value_name = "TARGET=PROVIDER", value_parser = pair)]
    pub(super) providers: Vec<(String, String)>,
    #[command(flatten)]
    pub(super) credentials: CredentialsArguments,
    #[command(flatten)]
    pub(super) parameters: ParametersArguments,
    #[command(flatten)]
    pub(super) follow: FollowArguments,
}

/// Push a target image to a provider.
#[derive(Debug, Args)]
pub(super) struct PushArguments {
    /// The target image.
    pub(super) image: String,
    /// The provider: a name or a definition, as the plugin takes it.
    #[arg(long, value_name = "PROVIDER")]
    pub(super) provider: String,
    #[command(flatten)]
    pub(super) credentials: CredentialsArguments,
    #[command(flatten)]
    pub(super) parameters: ParametersArguments,
    #[command(flatten)]
    pub(super) follow: FollowArguments,
}

/// Cancel the build of an image.
#[derive(Debug, Args)]
pub(super) struct CancelArguments {
    /// The image.
    pub(super) image: String,
}

/// Try an image again that failed: from the step that failed, with what the steps before it left.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  factory retry 0192f3a4
  factory retry 0192f3a4 --from create-target-image
  factory retry 0192f3a4 --credentials secret:registry

`factory show ID` tells the steps. Secrets that were given by value are not kept: they have to be given again.")]
pub(super) struct RetryArguments {
    /// The image; one that is DELETEFAILED is deleted again.
    pub(super) image: String,
    /// Begin with this step, though it may be done.
    #[arg(long, value_name = "STEP")]
    pub(super) from: Option<String>,
    /// Read the image's template from this file, with the passwords that the record does not have.
    #[arg(long, value_name = "FILE")]
    pub(super) template: Option<PathBuf>,
    #[command(flatten)]
    pub(super) credentials: CredentialsArguments,
    #[command(flatten)]
    pub(super) parameters: ParametersArguments,
    #[command(flatten)]
    pub(super) follow: FollowArguments,
}

/// Delete images: their files, and what they are in a provider's account.
///
/// An image from which others were made stays until they are gone. To delete one that is deleted, or is being deleted, is no
/// error.
#[derive(Debug, Args)]
pub(super) struct DeleteArguments {
    /// The images.
    #[arg(required = true)]
    pub(super) images: Vec<String>,
    /// Delete the images made from them too, first.
    #[arg(long)]
    pub(super) cascade: bool,
    /// Cancel what is still being built, instead of refusing.
    #[arg(long)]
    pub(super) force: bool,
    #[command(flatten)]
    pub(super) credentials: CredentialsArguments,
}

/// Read a template without building it.
#[derive(Debug, Subcommand)]
pub(super) enum TemplateVerb {
    /// Check a template, and print every problem with its line and column.
    Check(TemplateArguments),
    /// Show what a template says.
    Show(TemplateArguments),
}

/// A template.
#[derive(Debug, Args)]
pub(super) struct TemplateArguments {
    /// The template (TDL, XML); `-` reads it from standard input.
    pub(super) template: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

/// Credentials for a provider.
#[derive(Debug, Args)]
pub(super) struct CredentialsArguments {
    /// Read the provider's credentials from this file; `-` is standard input. They are never stored. `secret:NAME` takes those
    /// that the factory keeps under this name.
    #[arg(long, value_name = "FILE")]
    pub(super) credentials: Option<PathBuf>,
}

/// Parameters for the plugins.
#[derive(Debug, Args)]
pub(super) struct ParametersArguments {
    /// Give the plugins a parameter; `K:=JSON` gives it as JSON. It wins over --parameters.
    #[arg(long = "parameter", short, value_name = "K=V")]
    pub(super) pairs: Vec<String>,
    /// Read parameters from this file: one JSON object.
    #[arg(long = "parameters", value_name = "FILE")]
    pub(super) file: Option<PathBuf>,
}

/// How to show a build.
#[derive(Debug, Args)]
pub(super) struct FollowArguments {
    /// Print one event a line as JSON on standard output.
    #[arg(long, conflicts_with = "quiet")]
    pub(super) json: bool,
    /// Print nothing but the result.
    #[arg(long, short, conflicts_with = "follow_logs")]
    pub(super) quiet: bool,
    /// Print the build's log too.
    #[arg(long, visible_alias = "verbose")]
    pub(super) follow_logs: bool,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((left, right)) if !left.is_empty() && !right.is_empty() => {
            Ok((left.to_owned(), right.to_owned()))
        }
        _ => Err("must be TARGET=PROVIDER".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_makes_sense_to_clap() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_provider_needs_its_target() {
        assert_eq!(pair("ec2=eu-west-1"), Ok(("ec2".into(), "eu-west-1".into())));
        assert!(pair("ec2").is_err());
    }
}
