//! What can be typed to look at images: `images`, `show`, `log` and `watch`.

use clap::{Args, ValueEnum};

/// List images, oldest first.
#[derive(Debug, Args)]
pub(crate) struct ImagesArguments {
    /// List images of this kind only.
    #[arg(long)]
    pub(crate) kind: Option<KindWord>,
    /// List images with this status only, such as `complete`.
    #[arg(long, ignore_case = true)]
    pub(crate) status: Option<StatusWord>,
    /// List deleted images too.
    #[arg(long, short)]
    pub(crate) all: bool,
    /// Print a JSON array of factory.v1.Image.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Show all there is to know about an image.
#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    /// The image.
    pub(crate) image: String,
    /// Print a factory.v1.Image as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Print an image's log.
#[derive(Debug, Args)]
pub(crate) struct LogVerbArguments {
    /// The image.
    pub(crate) image: String,
    /// Go on until the image has ended.
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Print one factory.v1.Event a line as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Print what happens to images.
#[derive(Debug, Args)]
#[command(after_help = "\
Without an image it shows what happens to all of them, until ^C. With images it ends when all of them have ended.")]
pub(crate) struct WatchArguments {
    /// The images; none: all.
    pub(crate) images: Vec<String>,
    /// Start after this cursor.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) after: u64,
    /// End at the last event there is.
    #[arg(long)]
    pub(crate) no_follow: bool,
    /// Print one factory.v1.Event a line as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `--kind`.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum KindWord {
    Base,
    Target,
    Provider,
}

/// `--status`.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum StatusWord {
    New,
    Pending,
    Building,
    Complete,
    Failed,
    Deleting,
    Deleted,
    #[value(name = "deletefailed")]
    DeleteFailed,
}
