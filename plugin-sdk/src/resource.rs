//! What a plugin creates outside this machine: announced before, confirmed after.

use crate::Failure;
use crate::record::Record;
use factory_proto::plugin_v1::{ResourceCreated, ResourceDeleted, ResourceIntent, event::Kind};
use std::sync::Arc;

/// A resource outside this machine that was announced and must be confirmed as created or deleted.
///
/// One that is dropped without either stays an open intent: the factory settles it later, for what exists and is recorded
/// nowhere costs its owner money.
#[derive(Debug)]
#[must_use = "confirm it with `created` or `deleted`"]
pub struct ResourceGuard {
    record: Arc<Record>,
    intent_id: String,
    durable: bool,
    settled: bool,
}

impl ResourceGuard {
    /// Announces an intent and waits until the factory has made it durable.
    pub(crate) async fn announce(
        record: Arc<Record>,
        intent: ResourceIntent,
    ) -> Result<Self, Failure> {
        let intent_id = intent.intent_id.clone();
        let seq = record.report(Kind::ResourceIntent(intent)).await?;
        let mut guard = Self { record, intent_id, durable: false, settled: false };
        guard.record.acknowledged(seq).await?;
        guard.durable = true;
        Ok(guard)
    }

    /// Confirms that it exists, under the provider's identifier. Goes out even from an operation that is to stop.
    ///
    /// # Errors
    /// None today.
    pub async fn created(&mut self, resource_id: &str) -> Result<(), Failure> {
        self.settled = true;
        self.record.write(Kind::ResourceCreated(ResourceCreated {
            intent_id: self.intent_id.clone(),
            resource_id: resource_id.to_owned(),
        }));
        Ok(())
    }

    /// Confirms that it is gone, or was never created. Goes out even from an operation that is to stop.
    ///
    /// # Errors
    /// None today.
    pub async fn deleted(mut self) -> Result<(), Failure> {
        self.report_deleted();
        Ok(())
    }

    /// Leaves it to the operation's ledger, which confirms it in the end.
    pub(crate) fn handed_over(mut self) {
        self.settled = true;
    }

    fn report_deleted(&mut self) {
        self.settled = true;
        let intent_id = self.intent_id.clone();
        self.record.write(Kind::ResourceDeleted(ResourceDeleted { intent_id }));
    }
}

impl Drop for ResourceGuard {
    fn drop(&mut self) {
        if !self.settled && !self.durable {
            // Nobody waits for it any more, so nothing was created.
            self.report_deleted();
        }
        if !self.settled {
            tracing::error!(
                intent = self.intent_id,
                "resource was announced, but neither confirmed nor deleted"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_util::sync::CancellationToken;

    fn intent() -> ResourceIntent {
        ResourceIntent { intent_id: "volume-1".into(), ..Default::default() }
    }

    fn kinds(record: &Record) -> Vec<Kind> {
        record.batch(0).into_iter().filter_map(|event| event.kind).collect()
    }

    #[tokio::test]
    async fn nothing_is_created_before_the_intent_is_acknowledged() {
        let record = Arc::new(Record::new(CancellationToken::new()));
        let mut announced = std::pin::pin!(ResourceGuard::announce(record.clone(), intent()));
        assert!(futures_util::poll!(&mut announced).is_pending());
        record.acknowledge(1);
        let mut guard = announced.await.unwrap();
        guard.created("vol-42").await.unwrap();
        let created =
            ResourceCreated { intent_id: "volume-1".into(), resource_id: "vol-42".into() };
        assert_eq!(kinds(&record), [Kind::ResourceCreated(created)]);
    }

    #[tokio::test]
    async fn an_intent_that_is_cancelled_while_it_waits_is_withdrawn() {
        let record = Arc::new(Record::new(CancellationToken::new()));
        let mut announced = std::pin::pin!(ResourceGuard::announce(record.clone(), intent()));
        assert!(futures_util::poll!(&mut announced).is_pending());
        record.cancellation().cancel();
        assert!(announced.await.unwrap_err().is_cancelled());
        let deleted = ResourceDeleted { intent_id: "volume-1".into() };
        assert_eq!(
            kinds(&record),
            [Kind::ResourceIntent(intent()), Kind::ResourceDeleted(deleted)]
        );
    }
}
