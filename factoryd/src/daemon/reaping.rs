//! Settling what is left over outside this machine, which every factory process takes part in.

use super::Error;
use crate::reap::Service;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// A clean-up at work.
pub(super) struct Reaping {
    task: JoinSet<()>,
    stop: CancellationToken,
}

impl Reaping {
    /// Begins to settle.
    pub(super) fn start(service: Service) -> Self {
        let (mut task, stop) = (JoinSet::new(), CancellationToken::new());
        task.spawn(service.run(stop.clone()));
        Self { task, stop }
    }

    /// Settles what can be settled soon; what is left is for the next process.
    pub(super) async fn end(&mut self) -> Result<(), Error> {
        self.stop.cancel();
        match self.task.join_next().await {
            None | Some(Ok(())) => Ok(()),
            Some(Err(_)) => Err(Error::Ended("the clean-up of what is left over")),
        }
    }
}
