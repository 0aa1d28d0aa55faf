//! What can be asked of the factory: plain arguments of its use cases.

use crate::domain::{ImageId, Parameters, Secret};
use crate::store::{ImageFilter, Page};

/// Asks for a base image.
#[derive(Debug, Clone)]
pub struct BaseImageRequest {
    /// The template: TDL, XML.
    pub template_xml: String,
    /// Parameters, the sensitive ones included.
    pub parameters: Parameters,
}

/// From what a target image is made.
#[derive(Debug, Clone)]
pub enum TargetSource {
    /// A base image, built or being built.
    BaseImage(ImageId),
    /// A template (TDL, XML); its base image is built first.
    Template(String),
}

/// Asks for a target image.
#[derive(Debug, Clone)]
pub struct TargetImageRequest {
    /// The target, such as `docker`.
    pub target: String,
    /// From what.
    pub source: TargetSource,
    /// Parameters, the sensitive ones included.
    pub parameters: Parameters,
}

/// From what a provider image is made.
#[derive(Debug, Clone)]
pub enum ProviderSource {
    /// A target image, built or being built, is pushed.
    TargetImage(ImageId),
    /// A template (TDL, XML); its base and target images are built first, then pushed.
    Template(String),
    /// A template (TDL, XML); the image is made inside the account.
    Snapshot(String),
}

/// Asks for a provider image.
#[derive(Debug, Clone)]
pub struct ProviderImageRequest {
    /// The target.
    pub target: String,
    /// The provider: a name or a definition.
    pub provider: String,
    /// The credentials; kept in memory only.
    pub credentials: Secret,
    /// From what.
    pub source: ProviderSource,
    /// Parameters, the sensitive ones included.
    pub parameters: Parameters,
}

/// Asks to delete an image.
#[derive(Debug, Clone)]
pub struct DeleteRequest {
    /// The image.
    pub id: ImageId,
    /// The provider, if it is not the one the image was made with.
    pub provider: Option<String>,
    /// Credentials for the provider; kept in memory only.
    pub credentials: Secret,
    /// Parameters, the sensitive ones included.
    pub parameters: Parameters,
    /// Delete the images made from it too, first.
    pub cascade: bool,
    /// Cancel what is being built first, and wait for its end.
    pub force: bool,
}

/// Asks to try an image again that failed.
#[derive(Debug, Clone)]
pub struct RetryRequest {
    /// The image.
    pub id: ImageId,
    /// The step to begin with, though it may be done; `None`: the first that is not.
    pub from_step: Option<String>,
    /// Credentials for the provider, if they are to be given again.
    pub credentials: Secret,
    /// Sensitive parameters that are to be given again.
    pub parameters: Parameters,
    /// The image's template with its secrets, if they are to be given again.
    pub template_xml: Option<String>,
}

/// Which images to list, and which part of the list.
#[derive(Debug, Clone, Default)]
pub struct ListRequest {
    /// Which images.
    pub filter: ImageFilter,
    /// Which part.
    pub page: Page,
}

/// Asks for what is left over to be settled now.
#[derive(Debug, Clone)]
pub struct ReapRequest {
    /// These entries of the ledger; all if empty.
    pub numbers: Vec<u64>,
    /// Of this image only.
    pub image: Option<ImageId>,
    /// Credentials for the provider, or the name of some; may be empty.
    pub credentials: Secret,
}

/// Which events to watch.
#[derive(Debug, Clone, Default)]
pub struct WatchRequest {
    /// Of these images; none: of all.
    pub images: Vec<ImageId>,
    /// After this cursor; 0 for all.
    pub after: u64,
    /// False: end at the last event there is. True: go on until every named image is settled, or for ever if none is named.
    pub follow: bool,
    /// Whether to include log lines.
    pub logs: bool,
}
