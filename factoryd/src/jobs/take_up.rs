//! Images in the middle of whose work another factory ended: each goes on here, from what is recorded of it.

use super::run::interrupted;
use super::{Job, Jobs, Work};
use crate::domain::{EventKind, GivenSecret, Image, Kind, SecretGone, Status};
use crate::pipeline::{self, GivenAccount, for_customisation, recorded_template, store_failed};
use crate::store;
use tracing::{error, info};

impl Jobs {
    /// Takes over every image whose factory is gone: goes on with it, or lets it fail where this process does not do the work
    /// of others.
    ///
    /// # Errors
    /// If the store can't be read or written.
    pub(super) async fn take_over(&self) -> Result<(), store::Error> {
        for image in self.0.store.abandoned().await? {
            if self.0.options.takes_up {
                self.take_up(image).await?;
            } else {
                info!(id = %image.id, status = %image.status, "settling an image of a factory that is gone");
                self.settle(&image, interrupted(&image.id, GONE)).await?;
            }
        }
        Ok(())
    }

    async fn take_up(&self, image: Image) -> Result<(), store::Error> {
        info!(id = %image.id, status = %image.status, "going on with an image of a factory that is gone");
        match self.job_again(&image).await {
            Ok(job) => {
                if self.submit(job).is_err() {
                    // Who drains leaves it to the next.
                    info!(id = %image.id, "too late to go on with it");
                }
                Ok(())
            }
            Err(failure) => self.settle(&image, *failure).await,
        }
    }

    /// Makes the job of an image again from what is recorded. Secrets that are not recorded are named in it: what needs them
    /// fails.
    async fn job_again(&self, image: &Image) -> pipeline::Result<Job> {
        if image.status == Status::Deleting {
            return self.deletion_again(image).await;
        }
        let template = recorded_template(image)?;
        let (credentials, secrets, gone) = again(image.secrets.again());
        let provider = image.provider.clone().unwrap_or_default();
        let account = GivenAccount { provider, credentials };
        let (template, work) = match (image.kind, image.snapshot) {
            (Kind::Base, _) => (template, Work::Base),
            (Kind::Target, _) => (for_customisation(template), Work::Target),
            (Kind::Provider, false) => (for_customisation(template), Work::Push(account)),
            (Kind::Provider, true) => (template, Work::Snapshot(account)),
        };
        Ok(Job { image: image.clone(), template, secrets, work, gone, taken_up: true })
    }

    async fn deletion_again(&self, image: &Image) -> pipeline::Result<Job> {
        let deletion = self.0.store.deletion(&image.id).await;
        let deletion = deletion.map_err(|error| store_failed(&error))?.unwrap_or_default();
        let (credentials, secrets, gone) = again(deletion.secrets.again());
        let provider = deletion.provider.or_else(|| image.provider.clone());
        let account = GivenAccount { provider: provider.unwrap_or_default(), credentials };
        let mut image = image.clone();
        image.parameters.0.extend(deletion.parameters.0);
        let template = pipeline::template_for_deletion(&image);
        Ok(Job { image, template, secrets, work: Work::Delete(account), gone, taken_up: true })
    }

    async fn settle(
        &self,
        image: &Image,
        failure: crate::domain::Failure,
    ) -> Result<(), store::Error> {
        let to = match image.status {
            Status::Deleting => Status::DeleteFailed,
            _ => Status::Failed,
        };
        let failure = Some(self.with_left_over(&image.id, failure).await);
        let event = EventKind::Status { from: image.status, to, failure };
        match self.0.store.append(&image.id, vec![(self.0.store.now(), event)]).await {
            Err(store::Error::Taken(id)) => {
                error!(%id, "another process was faster");
                Ok(())
            }
            other => other.map(drop),
        }
    }
}

/// What is said of an image whose factory is gone.
const GONE: &str = "the factory that worked on it is gone";

/// Answers the secrets that can be had again, and those that can't.
fn again(
    secrets: Result<(GivenSecret, Vec<(String, GivenSecret)>), SecretGone>,
) -> (GivenSecret, Vec<(String, GivenSecret)>, Option<SecretGone>) {
    match secrets {
        Ok((credentials, parameters)) => (credentials, parameters, None),
        Err(gone) => (GivenSecret::none(), Vec::new(), Some(gone)),
    }
}
