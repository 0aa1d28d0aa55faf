//! The facade: one method per use case, with plain arguments. The edges translate to it and decide nothing.

mod callbacks;
mod create;
mod delete;
mod draft;
mod error;
mod import;
mod judgement;
mod refused;
mod request;
mod resources;
mod retry;
mod sensitive;
mod upkeep;
mod watch;

pub use crate::jobs::{DiskOptions, Late, Options, Service};
pub use crate::pipeline::Parts;
pub use crate::store::{
    CheckOptions, Checked, Finding, ImageFilter, LedgerEntry, LedgerFilter, Listed, Page, Remedy,
    Severity, Taking,
};
pub use callbacks::callbacks_of;
pub use error::Error;
pub use import::{
    ImportBaseImageRequest, ImportError, ImportStoreRequest, Imported, Meter, Outcome, StoreImport,
};
pub use refused::RefusedRequest;
pub use request::{
    BaseImageRequest, DeleteRequest, ListRequest, ProviderImageRequest, ProviderSource,
    ReapRequest, RetryRequest, TargetImageRequest, TargetSource, WatchRequest,
};

use crate::callbacks::Register;
use crate::delegate::{ContentSource, Delegates};
use crate::domain::{Image, ImageId, Status};
use crate::jobs::Jobs;
use crate::pipeline::Pipeline;
use crate::reap::{self, Reaper};
use crate::secrets::Secrets;
use crate::store::Store;
use crate::tdl;
use std::sync::Arc;

/// An image factory. Cheap to clone.
#[derive(Clone)]
pub struct Factory {
    store: Store,
    delegates: Arc<dyn Delegates>,
    contents: Arc<dyn ContentSource>,
    callbacks: Register,
    jobs: Jobs,
    templates: tdl::Options,
    secrets: Secrets,
    reaper: Reaper,
    caller: Arc<str>,
    shared_with: Arc<[String]>,
}

impl Factory {
    /// Makes a factory of its parts, and the service that must run beside it. It takes no callbacks.
    pub fn new(parts: Parts, options: Options) -> (Self, Service) {
        let pipeline = Pipeline::new(parts.clone());
        let reaper = pipeline.reaper();
        let Parts { store, delegates, contents, secrets, .. } = parts;
        let (jobs, service) = Jobs::new(store.clone(), pipeline, options);
        let (callbacks, templates) = (Register::refusing(), tdl::Options::default());
        let caller = Arc::from("");
        let factory = Self {
            store,
            delegates,
            contents,
            callbacks,
            jobs,
            templates,
            secrets,
            reaper,
            caller,
            shared_with: Arc::default(),
        };
        (factory, service)
    }

    /// Works for a caller, by name: callers take turns when there is more to build than can be built at once.
    pub fn called_by(self, caller: &str) -> Self {
        Self { caller: caller.into(), ..self }
    }

    /// Gets the same parameters for several images: what the plugins of these targets know is none that nobody knows, and a
    /// base image is refused if one of them would refuse what comes next.
    pub fn sharing_parameters_with(self, targets: Vec<String>) -> Self {
        Self { shared_with: targets.into(), ..self }
    }

    /// Is as strict with templates as these options say.
    pub fn with_templates(self, templates: tdl::Options) -> Self {
        Self { templates, ..self }
    }

    /// Records callbacks as the register takes them. Who delivers them runs elsewhere.
    pub fn with_callbacks(self, callbacks: Register) -> Self {
        Self { callbacks, ..self }
    }

    /// Makes what must run for anything that is left over outside this machine to be settled.
    pub fn reaper(&self, scope: reap::Scope) -> reap::Service {
        self.reaper.service(scope)
    }

    /// Answers an image. Of one that waits for a place in this process, the activity says how many are before it.
    ///
    /// # Errors
    /// If there is none, or the store fails.
    pub async fn image(&self, id: &ImageId) -> Result<Image, Error> {
        let mut image = self.store.image(id).await?.ok_or_else(|| Error::NotFound(id.clone()))?;
        if image.status == Status::Pending
            && let Some(before) = self.jobs.waiting_before(id)
        {
            image.activity =
                format!("waiting for a free place, {before} of the same caller before it");
        }
        Ok(image)
    }

    /// Lists images, oldest first.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn images(&self, request: &ListRequest) -> Result<Listed<Image>, Error> {
        Ok(self.store.images(&request.filter, &request.page).await?)
    }

    /// Lists images by their ids alone, oldest first.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn image_ids(&self, request: &ListRequest) -> Result<Listed<ImageId>, Error> {
        Ok(self.store.image_ids(&request.filter, &request.page).await?)
    }

    /// Counts the images that all pages of a list have together.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn count(&self, filter: &ImageFilter) -> Result<usize, Error> {
        Ok(self.store.count_images(filter).await?)
    }

    /// Asks for the work on an image to stop. It ends FAILED with the reason `CANCELLED` once the plugin has cleaned up.
    /// Asking twice is the same as asking once; the request reaches the process that works on the image, whichever it is.
    ///
    /// # Errors
    /// If there is no such image, or nothing is being done with it.
    pub async fn cancel(&self, id: &ImageId) -> Result<Image, Error> {
        let image = self.image(id).await?;
        if image.status.is_settled() {
            let why = "there is nothing to cancel";
            return Err(Error::Status { id: id.clone(), status: image.status, why });
        }
        self.store.request_cancel(id).await?;
        self.jobs.cancel(id);
        Ok(image)
    }
}
