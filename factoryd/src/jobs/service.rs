//! What goes on beside the jobs: settling what a dead factory left, hearing cancellations from other processes, and the end.

use super::Jobs;
use super::run::interrupted;
use crate::domain::{EventKind, Image, ImageId, Status};
use crate::{report, store};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// Runs beside the jobs for as long as the factory lives.
pub struct Service {
    jobs: Jobs,
}

/// Images whose work did not end in time at a shutdown.
#[derive(Debug, thiserror::Error)]
#[error("work on {} image(s) did not end in time: {}", .0.len(), names(.0))]
pub struct Late(pub Vec<ImageId>);

fn names(ids: &[ImageId]) -> String {
    ids.iter().map(ImageId::as_str).collect::<Vec<_>>().join(", ")
}

impl Service {
    pub(super) fn new(jobs: Jobs) -> Self {
        Self { jobs }
    }

    /// Settles images whose factory is gone: they end FAILED (or DELETEFAILED), with the reason.
    ///
    /// # Errors
    /// If the store can't be read or written.
    pub async fn recover(&self) -> Result<(), store::Error> {
        let store = &self.jobs.0.store;
        for image in store.abandoned().await? {
            info!(id = %image.id, status = %image.status, "settling an image of a factory that is gone");
            store.append(&image.id, vec![(store.now(), settled(&image))]).await?;
        }
        store.clean_work().await
    }

    /// Runs until the token fires, then ends all work.
    ///
    /// # Errors
    /// If some work does not end in time; the error names it.
    pub async fn run(self, token: CancellationToken) -> Result<(), Late> {
        while !token.is_cancelled() {
            let poll = tokio::time::sleep(self.jobs.0.options.cancel_poll);
            if token.run_until_cancelled(poll).await.is_some() {
                self.hear_cancellations().await;
            }
        }
        self.drain().await
    }

    async fn hear_cancellations(&self) {
        if self.jobs.active().is_empty() {
            return;
        }
        match self.jobs.0.store.cancel_requests().await {
            Ok(ids) => ids.iter().for_each(|id| {
                self.jobs.cancel(id);
            }),
            Err(error) => {
                warn!("cancellations of other processes can't be read: {}", report::chain(&error));
            }
        }
    }

    async fn drain(&self) -> Result<(), Late> {
        let inner = &self.jobs.0;
        inner.shutdown.cancel();
        for token in self.jobs.running().values() {
            token.cancel();
        }
        inner.tasks.close();
        let ended = tokio::time::timeout(inner.options.drain_deadline, inner.tasks.wait()).await;
        ended.map_err(|_| Late(self.jobs.active()))
    }
}

/// What happens to an image whose factory is gone.
fn settled(image: &Image) -> EventKind {
    let to = match image.status {
        Status::Deleting => Status::DeleteFailed,
        _ => Status::Failed,
    };
    let failure = interrupted("the factory that worked on it is gone");
    EventKind::Status { from: image.status, to, failure: Some(failure) }
}
