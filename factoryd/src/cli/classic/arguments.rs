//! What can be typed after `imagefactory`.

use super::super::arguments::{DiskArguments, PlaceArguments};
use super::parameters::ParametersArguments;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

const AFTER_HELP: &str = "\
Examples:
  imagefactory base_image fedora.tdl --parameter generate_icicle false
  imagefactory --output json target_image kvm --id 0192f3a4-5b6c-7d8e-9f01-23456789abcd
  imagefactory images '{\"type\": \"TargetImage\", \"target\": \"kvm\"}'

The exit code is 0 if it went well, 1 if not, and 2 if the command line makes no sense. `factory --help` shows what the
same program does under its own name.";

/// Builds operating system images: Image Factory's command line.
#[derive(Debug, Parser)]
#[command(name = "imagefactory", version, after_help = AFTER_HELP, propagate_version = true)]
pub struct Arguments {
    #[command(flatten)]
    pub(super) place: PlaceArguments,
    #[command(flatten)]
    pub(super) options: Options,
    #[command(subcommand)]
    pub(super) verb: Verb,
}

/// Options that may stand before or after the verb.
#[derive(Debug, Clone, Args)]
pub(super) struct Options {
    /// Print the result in this form.
    #[arg(long, global = true, value_name = "FORM", default_value = "log")]
    pub(super) output: Output,
    /// Print JSON without colours. There never are any.
    #[arg(long, global = true)]
    raw: bool,
    /// Print the build's log too, to standard error.
    #[arg(long, global = true)]
    pub(super) verbose: bool,
    /// Log more, to standard error.
    #[arg(long, global = true, overrides_with = "nodebug")]
    pub(super) debug: bool,
    /// Log as usual.
    #[arg(long, global = true, overrides_with = "debug")]
    nodebug: bool,
    #[command(flatten)]
    ignored: IgnoredOptions,
}

/// Options that mean nothing any more.
#[derive(Debug, Clone, Args)]
struct IgnoredOptions {
    /// Means nothing any more: work is done in the store.
    #[arg(long, global = true, value_name = "DIR")]
    imgdir: Option<OsString>,
    /// Means nothing any more: plugins have parameters for it.
    #[arg(long, global = true, value_name = "SECONDS")]
    timeout: Option<OsString>,
    /// Means nothing any more: work is done in the store.
    #[arg(long, global = true, value_name = "DIR")]
    tmpdir: Option<OsString>,
    /// Means nothing any more.
    #[arg(long = "ec2-32bit-util", global = true, value_name = "TYPE")]
    ec2_32bit_util: Option<OsString>,
    /// Means nothing any more.
    #[arg(long = "ec2-64bit-util", global = true, value_name = "TYPE")]
    ec2_64bit_util: Option<OsString>,
}

/// The form of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    /// Lines for a person.
    Log,
    /// One JSON document.
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
#[command(rename_all = "snake_case")]
pub(super) enum Verb {
    BaseImage(BaseImageArguments),
    TargetImage(TargetImageArguments),
    ProviderImage(ProviderImageArguments),
    ImportBaseImage(ImportBaseImageArguments),
    Images(ImagesArguments),
    Delete(DeleteArguments),
    Plugins(PluginsArguments),
}

/// Build a base image from a template.
#[derive(Debug, Args)]
pub(super) struct BaseImageArguments {
    /// The template (TDL, XML); `-` reads it from standard input.
    #[arg(value_name = "TEMPLATE")]
    pub(super) template: PathBuf,
    #[command(flatten)]
    pub(super) parameters: ParametersArguments,
}

/// Build a target image from a base image, or from a template, which builds a base image first.
#[derive(Debug, Args)]
pub(super) struct TargetImageArguments {
    /// The target, such as `kvm`.
    pub(super) target: String,
    #[command(flatten)]
    pub(super) source: SourceArguments,
    #[command(flatten)]
    pub(super) parameters: ParametersArguments,
}

/// Push a target image to a provider; from a template, build base and target images first.
#[derive(Debug, Args)]
pub(super) struct ProviderImageArguments {
    /// The target, such as `docker`.
    pub(super) target: String,
    /// The provider: `@` and its name, or a file with its definition.
    pub(super) provider: String,
    /// A file with the credentials; `-` reads them from standard input. `secret:NAME` takes those that the factory keeps.
    #[arg(value_name = "CREDENTIALS_FILE")]
    pub(super) credentials: PathBuf,
    #[command(flatten)]
    pub(super) source: SourceArguments,
    /// Build inside the account, from the template, instead of pushing.
    #[arg(long)]
    pub(super) snapshot: bool,
    #[command(flatten)]
    pub(super) parameters: ParametersArguments,
}

/// From what an image is made.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct SourceArguments {
    /// Make it from this image.
    #[arg(long, value_name = "ID")]
    pub(super) id: Option<String>,
    /// Make it from this template (TDL, XML).
    #[arg(long, value_name = "FILE")]
    pub(super) template: Option<PathBuf>,
}

/// Take a disk image as a base image. The parameters have no meaning.
#[derive(Debug, Args)]
pub(super) struct ImportBaseImageArguments {
    #[command(flatten)]
    pub(super) disk: DiskArguments,
    #[command(flatten)]
    pub(super) parameters: ParametersArguments,
}

/// Print the images that have exactly these properties.
#[derive(Debug, Args)]
pub(super) struct ImagesArguments {
    /// One JSON object; beside the properties of an image it may have `type`: BaseImage, TargetImage or ProviderImage.
    #[arg(value_name = "FETCH_SPEC")]
    pub(super) spec: String,
}

/// Delete an image: its file, and what it is in a provider's account.
#[derive(Debug, Args)]
pub(super) struct DeleteArguments {
    /// The image.
    #[arg(value_name = "ID")]
    pub(super) image: String,
    /// The provider, if it is not the one the image was made with: `@` and its name, or a file with its definition.
    #[arg(long)]
    pub(super) provider: Option<String>,
    /// A file with the provider's credentials, or `secret:NAME`.
    #[arg(long, value_name = "FILE")]
    pub(super) credentials: Option<PathBuf>,
    /// The target; the image knows its own.
    #[arg(long)]
    pub(super) target: Option<String>,
    #[command(flatten)]
    pub(super) parameters: ParametersArguments,
}

/// Print what plugins say of themselves.
#[derive(Debug, Args)]
pub(super) struct PluginsArguments {
    /// Print this plugin only.
    #[arg(long, value_name = "NAME")]
    pub(super) id: Option<String>,
}

impl Options {
    /// Warns of options that mean nothing any more; `None` if there are none.
    pub(super) fn warning(&self) -> Option<String> {
        let IgnoredOptions { imgdir, timeout, tmpdir, ec2_32bit_util, ec2_64bit_util } =
            &self.ignored;
        let given = [
            ("--imgdir", imgdir),
            ("--timeout", timeout),
            ("--tmpdir", tmpdir),
            ("--ec2-32bit-util", ec2_32bit_util),
            ("--ec2-64bit-util", ec2_64bit_util),
        ];
        let names: Vec<&str> =
            given.iter().filter(|(_, value)| value.is_some()).map(|(name, _)| *name).collect();
        let (verb, names) = match names.as_slice() {
            [] => return None,
            [one] => ("means", (*one).to_owned()),
            many => ("mean", many.join(", ")),
        };
        Some(format!("warning: {names} {verb} nothing any more"))
    }
}

#[cfg(test)]
mod tests;
