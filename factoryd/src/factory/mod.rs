//! The facade: one method per use case, with plain arguments. The edges translate to it and decide nothing.

mod create;
mod delete;
mod error;
mod refused;
mod request;
mod watch;

pub use crate::jobs::{Late, Options, Service};
pub use error::Error;
pub use refused::RefusedRequest;
pub use request::{
    BaseImageRequest, DeleteRequest, ListRequest, ProviderImageRequest, ProviderSource,
    TargetImageRequest, TargetSource, WatchRequest,
};

use crate::delegate::Delegates;
use crate::domain::{Image, ImageId};
use crate::jobs::Jobs;
use crate::pipeline::Pipeline;
use crate::store::{ImageFilter, Store};
use std::sync::Arc;

/// An image factory. Cheap to clone.
#[derive(Clone)]
pub struct Factory {
    store: Store,
    delegates: Arc<dyn Delegates>,
    jobs: Jobs,
}

impl Factory {
    /// Makes a factory over a store and plugins, and the service that must run beside it.
    pub fn new(store: Store, delegates: Arc<dyn Delegates>, options: Options) -> (Self, Service) {
        let pipeline = Pipeline::new(store.clone(), delegates.clone());
        let (jobs, service) = Jobs::new(store.clone(), pipeline, options);
        (Self { store, delegates, jobs }, service)
    }

    /// Answers an image.
    ///
    /// # Errors
    /// If there is none, or the store fails.
    pub async fn image(&self, id: &ImageId) -> Result<Image, Error> {
        self.store.image(id).await?.ok_or_else(|| Error::NotFound(id.clone()))
    }

    /// Lists images, oldest first.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn images(&self, request: ListRequest) -> Result<Vec<Image>, Error> {
        let filter = ImageFilter {
            kind: request.kind,
            status: request.status,
            parent: request.parent,
            include_deleted: request.include_deleted,
        };
        Ok(self.store.images(&filter).await?)
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
