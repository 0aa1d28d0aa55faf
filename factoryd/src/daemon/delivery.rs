//! The delivery of callbacks, which every factory process takes part in.

use super::Error;
use crate::callbacks::{Options, Register, Service};
use crate::outbound::Policy;
use crate::rest;
use crate::store::Store;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// A delivery at work.
pub(super) struct Delivery {
    task: JoinSet<()>,
    stop: CancellationToken,
}

impl Delivery {
    /// Begins to deliver. Answers where new callbacks are registered.
    ///
    /// # Errors
    /// If a file of secrets can't be used.
    pub(super) fn start(
        store: Store,
        policy: Policy,
        options: &Options,
    ) -> Result<(Self, Register), Error> {
        let secrets = options.load().map_err(Error::Callbacks)?;
        let (service, register) = Service::new(store, policy, secrets, rest::callback_body);
        let (mut task, stop) = (JoinSet::new(), CancellationToken::new());
        task.spawn(service.run(stop.clone()));
        Ok((Self { task, stop }, register))
    }

    /// Tells what can still be told; what is left is for the next process.
    pub(super) async fn end(&mut self) -> Result<(), Error> {
        self.stop.cancel();
        match self.task.join_next().await {
            None | Some(Ok(())) => Ok(()),
            Some(Err(_)) => Err(Error::Ended("the delivery of callbacks")),
        }
    }
}
