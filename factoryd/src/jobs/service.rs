//! What goes on beside the jobs: settling what a dead factory left, hearing cancellations from other processes, and the end.

use super::Jobs;
use crate::domain::ImageId;
use crate::{report, store};
use tokio_util::sync::CancellationToken;
use tracing::warn;

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

    /// Takes over what factories that are gone left: images that are not settled go on, or end FAILED (or DELETEFAILED)
    /// with the reason; what was half done is removed.
    ///
    /// # Errors
    /// If the store can't be read or written.
    pub async fn recover(&self) -> Result<(), store::Error> {
        self.jobs.take_over().await?;
        self.hear_cancellations().await;
        self.jobs.0.store.clean_work().await
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
                self.look_for_dead().await;
            }
        }
        self.drain().await
    }

    /// Goes on with what other processes leave that end while this one runs.
    async fn look_for_dead(&self) {
        if !self.jobs.0.options.takes_up {
            return;
        }
        if let Err(error) = self.jobs.take_over().await {
            warn!("what other processes left can't be taken over: {}", report::chain(&error));
        }
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
        self.jobs.interrupt_all();
        inner.tasks.close();
        let ended = tokio::time::timeout(inner.options.drain_deadline, inner.tasks.wait()).await;
        ended.map_err(|_| Late(self.jobs.active()))
    }
}
