//! Gives an operation's events to its sink, and tells the plugin what was taken.

use super::outbox::Outbox;
use crate::delegate::{EventSink, SinkError};
use crate::plugin::channel::within;
use crate::plugin::failure::status_text;
use crate::plugin::instance::Instance;
use factory_proto::plugin_v1::operations_client::OperationsClient;
use factory_proto::plugin_v1::{AcknowledgeRequest, CancelRequest};
use std::sync::Arc;
use std::time::Duration;
use tonic::Code;

/// Gives an operation's events to its sink.
pub(super) struct Feeder {
    pub(super) instance: Arc<Instance>,
    pub(super) operation_id: String,
    pub(super) outbox: Arc<Outbox>,
    pub(super) sink: Arc<dyn EventSink>,
}

impl Feeder {
    /// Feeds until the reader is done and nothing is left.
    pub(super) async fn run(self) -> Result<(), SinkError> {
        let mut listening = true;
        while let Some(batch) = self.outbox.take().await {
            if !batch.events.is_empty() {
                self.sink.accept(batch.events).await?;
            }
            listening = listening && self.acknowledge(batch.up_to_seq).await;
        }
        Ok(())
    }

    /// Answers whether the plugin wants to know.
    async fn acknowledge(&self, up_to_seq: u64) -> bool {
        if self.instance.exit().is_some() {
            return false;
        }
        let request = AcknowledgeRequest { operation_id: self.operation_id.clone(), up_to_seq };
        let mut operations = OperationsClient::new(self.instance.channel());
        let call = operations.acknowledge(request);
        match within(self.instance.timing().call_timeout, call).await {
            Ok(_) => true,
            Err(status) if status.code() == Code::NotFound => true,
            Err(status) => {
                // The next one says the same and more.
                tracing::debug!(why = status_text(&status), up_to_seq, "not acknowledged");
                status.code() != Code::Unimplemented
            }
        }
    }
}

/// Tells a plugin to stop an operation. Answers whether it knows the operation.
pub(super) async fn cancel(instance: &Instance, operation_id: &str, grace: Duration) -> bool {
    let grace = prost_types::Duration::try_from(grace).ok();
    let request = CancelRequest { operation_id: operation_id.to_owned(), grace };
    let mut operations = OperationsClient::new(instance.channel());
    match within(instance.timing().call_timeout, operations.cancel(request)).await {
        Ok(_) => true,
        Err(status) => {
            tracing::debug!(why = status_text(&status), "the cancellation was not taken");
            status.code() != Code::NotFound
        }
    }
}
