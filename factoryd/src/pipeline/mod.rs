//! The story of one image, told over the ports.
//!
//! ```text
//! base      OS.CreateBaseImage
//! target    Cloud.Should ─no─► done
//!             │ yes
//!           Cloud.Will ─► OS.CreateTargetImage ─► Cloud.Did
//! push      Cloud.PushImageToProvider
//! snapshot  Cloud.SnapshotImageOnProvider
//! delete    Cloud.DeleteFromProvider (provider images), then the bodies
//! ```
//!
//! Before a template is given to a plugin to install or to make a snapshot of, what it names by URL is fetched. That is Image Factory's sequence. When a story runs and with how many beside it is the business of `jobs`.
//!
//! **Invariant:** nothing here knows a process or a network: `pipeline` never imports `plugin`.

mod contents;
mod delete;
mod images;
mod recorder;
mod shortage;
mod step;
mod target;
mod target_content;

pub use images::{for_customisation, recorded_template};
pub(crate) use step::cancelled;
pub use target_content::{InvalidTargetContent, TargetContent};

use crate::delegate::{ContentSource, Delegates, NoContents};
use crate::domain::{Failure, Fault, Image, Secret, Template};
use crate::report;
use crate::store::{self, Store};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Why a story did not end well: what is recorded with the image.
pub type Result<T> = std::result::Result<T, Box<Failure>>;

/// One image to be worked on.
#[derive(Clone)]
pub struct Build {
    /// The image, as it was when the work began.
    pub image: Image,
    /// What it is built from.
    pub template: Template,
    /// Its sensitive parameters.
    pub secrets: Vec<(String, Secret)>,
    /// Fires when the work is to stop.
    pub cancellation: CancellationToken,
    /// How long a plugin may clean up after that.
    pub cancel_grace: Duration,
}

/// What a factory is made of.
#[derive(Clone)]
pub struct Parts {
    /// Where everything is recorded.
    pub store: Store,
    /// Who installs systems and speaks to clouds.
    pub delegates: Arc<dyn Delegates>,
    /// Who fetches what templates name by URL.
    pub contents: Arc<dyn ContentSource>,
    /// What is added to target images, if anything is.
    pub target_content: Option<TargetContent>,
}

impl Parts {
    /// Makes a factory's parts: one that fetches nothing, and adds nothing.
    pub fn new(store: Store, delegates: Arc<dyn Delegates>) -> Self {
        Self { store, delegates, contents: Arc::new(NoContents), target_content: None }
    }
}

/// Tells the story of images. Cheap to clone.
#[derive(Clone)]
pub struct Pipeline {
    store: Store,
    delegates: Arc<dyn Delegates>,
    contents: Arc<dyn ContentSource>,
    target_content: Option<TargetContent>,
}

impl Pipeline {
    /// Makes a pipeline that records, works and fetches through these parts.
    pub fn new(parts: Parts) -> Self {
        let Parts { store, delegates, contents, target_content } = parts;
        Self { store, delegates, contents, target_content }
    }
}

/// Says that no plugin does what is needed.
fn no_delegate(error: &crate::delegate::NoDelegate) -> Box<Failure> {
    let failure = Failure::new(Fault::User, "NO_PLUGIN", error.to_string());
    Box::new(failure.hint("see `factory plugins` for what is served"))
}

/// Says that the store failed, or that there is no room for it.
pub(crate) fn store_failed(error: &store::Error) -> Box<Failure> {
    if let store::Error::Full(shortage) = error {
        return Box::new(shortage.failure());
    }
    Box::new(Failure::new(Fault::Factory, "STORE_FAILED", report::chain(error).to_string()))
}
