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
//! **Invariant:** every box of the diagram is a step of the journal (`journal`): written down before it is begun, and when it is done
//! with what it leaves to those after it. A story that is told again leaves out what is done, and begins what was
//! interrupted again, as the `policy` says.
//!
//! **Invariant:** nothing here knows a process or a network: `pipeline` never imports `plugin`.

mod contents;
mod delete;
mod images;
mod journal;
mod policy;
mod recorder;
mod shortage;
mod step;
mod target;
mod target_content;

pub use images::{for_customisation, recorded_template, template_for_deletion};
pub use policy::{Fate, fate};
pub(crate) use step::cancelled;
pub use target_content::{InvalidTargetContent, TargetContent};

use crate::delegate::{Account, ContentSource, Delegates, NoContents};
use crate::domain::{Failure, Fault, GivenSecret, Image, SecretGone, Template};
use crate::reap::Reaper;
use crate::report;
use crate::secrets::Secrets;
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
    /// Its sensitive parameters, whose values are looked up for each step.
    pub secrets: Vec<(String, GivenSecret)>,
    /// Fires when the work is to stop.
    pub cancellation: CancellationToken,
    /// How long a plugin may clean up after that.
    pub cancel_grace: Duration,
    /// How often a step is begun again after a crash of its plugin.
    pub retries: u32,
    /// The secrets that can't be had again: what needs a plugin fails.
    pub gone: Option<SecretGone>,
}

/// An account of a provider, as a request gives it.
#[derive(Debug, Clone)]
pub struct GivenAccount {
    /// The provider: a name or a definition.
    pub provider: String,
    /// The credentials; looked up when they are used.
    pub credentials: GivenSecret,
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
    /// Where secrets are that are only named.
    pub secrets: Secrets,
}

impl Parts {
    /// Makes a factory's parts: one that fetches nothing, adds nothing, and knows no secrets.
    pub fn new(store: Store, delegates: Arc<dyn Delegates>) -> Self {
        let contents = Arc::new(NoContents);
        let secrets = Secrets::default();
        Self { store, delegates, contents, target_content: None, secrets }
    }
}

/// Tells the story of images. Cheap to clone.
#[derive(Clone)]
pub struct Pipeline {
    store: Store,
    delegates: Arc<dyn Delegates>,
    contents: Arc<dyn ContentSource>,
    target_content: Option<TargetContent>,
    secrets: Secrets,
    reaper: Reaper,
}

impl Pipeline {
    /// Makes a pipeline that records, works and fetches through these parts.
    pub fn new(parts: Parts) -> Self {
        let Parts { store, delegates, contents, target_content, secrets } = parts;
        let reaper = Reaper::new(store.clone(), Arc::clone(&delegates), secrets.clone());
        Self { store, delegates, contents, target_content, secrets, reaper }
    }

    /// Answers who settles what stories leave over outside this machine.
    pub fn reaper(&self) -> Reaper {
        self.reaper.clone()
    }

    /// Answers an account with its credentials as they are now.
    ///
    /// # Errors
    /// If they are named, and can't be had.
    fn account(&self, given: &GivenAccount) -> Result<Account> {
        let credentials = self.secrets.value(&given.credentials)?;
        Ok(Account { provider: given.provider.clone(), credentials })
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
