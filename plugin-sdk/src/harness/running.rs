//! An operation under way, as a test sees it.

use super::ended::{Ended, Outcome, Rules};
use super::request::{Call, Request};
use factory_proto::MESSAGE_SIZE_MAX;
use factory_proto::plugin_v1::{
    AcknowledgeRequest, CancelRequest, Event, EventBatch,
    cloud_delegate_client::CloudDelegateClient, event::Kind, operations_client::OperationsClient,
    os_delegate_client::OsDelegateClient,
};
use std::collections::VecDeque;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use tonic::transport::Channel;
use tonic::{Response, Status, Streaming};

/// An operation under way.
#[derive(Debug)]
pub struct Running {
    channel: Channel,
    request: Request,
    work_dir: TempDir,
    stream: Option<Streaming<EventBatch>>,
    refused: Option<Status>,
    ready: VecDeque<Event>,
    events: Vec<Event>,
    rules: Rules,
}

impl Running {
    pub(super) async fn start(channel: Channel, request: Request, work_dir: TempDir) -> Self {
        let request = request.work_dir(work_dir.path());
        let (stream, refused) = match call(channel.clone(), request.clone()).await {
            Ok(response) => (Some(response.into_inner()), None),
            Err(status) => (None, Some(status)),
        };
        let rules = Rules::new(request.after());
        let (ready, events) = (VecDeque::new(), Vec::new());
        Self { channel, request, work_dir, stream, refused, ready, events, rules }
    }

    /// Hangs up, which cancels nothing, and calls again for the events after `seq`.
    pub async fn reattach(self, seq: u64) -> Self {
        drop(self.stream);
        Self::start(self.channel, self.request.after_seq(seq), self.work_dir).await
    }

    /// Returns the operation's id.
    pub fn id(&self) -> &str {
        self.request.id()
    }

    /// Returns the operation's work directory.
    pub fn work_dir(&self) -> &Path {
        self.work_dir.path()
    }

    /// Waits for the next event and acknowledges it; `None` after the last.
    ///
    /// # Panics
    /// If a rule of the event stream is broken.
    pub async fn next(&mut self) -> Option<Event> {
        if self.ready.is_empty() {
            self.read_batch().await;
        }
        let event = self.ready.pop_front()?;
        self.events.push(event.clone());
        Some(event)
    }

    /// Waits until an event is as asked for, and returns it; `None` if the operation ends before.
    ///
    /// # Panics
    /// If a rule of the event stream is broken.
    pub async fn until(&mut self, wanted: impl Fn(&Kind) -> bool) -> Option<Event> {
        loop {
            let event = self.next().await?;
            if event.kind.as_ref().is_some_and(&wanted) {
                return Some(event);
            }
        }
    }

    /// Asks the operation to stop.
    ///
    /// # Panics
    /// If the plugin does not know it.
    pub async fn cancel(&self, grace: Duration) {
        let grace = prost_types::Duration::try_from(grace).ok();
        let request = CancelRequest { operation_id: self.id().to_owned(), grace };
        let cancelled = OperationsClient::new(self.channel.clone()).cancel(request).await;
        cancelled.expect("the operation is known");
    }

    /// Reads all events to the end.
    ///
    /// # Panics
    /// If a rule of the event stream is broken.
    pub async fn end(mut self) -> Ended {
        while self.next().await.is_some() {}
        let outcome = match self.refused {
            Some(status) => Outcome::Refused(status),
            None => self.rules.outcome(),
        };
        Ended { events: self.events, outcome, work_dir: self.work_dir }
    }

    async fn read_batch(&mut self) {
        let Some(stream) = &mut self.stream else { return };
        match stream.message().await {
            Ok(Some(batch)) => {
                batch.events.iter().for_each(|event| self.rules.check(event));
                let last = batch.events.last().map(|event| event.seq);
                self.ready.extend(batch.events);
                self.acknowledge(last.unwrap_or_default()).await;
            }
            Ok(None) => self.stream = None,
            Err(status) => {
                self.stream = None;
                self.refused = Some(status);
            }
        }
    }

    async fn acknowledge(&self, up_to_seq: u64) {
        let request = AcknowledgeRequest { operation_id: self.id().to_owned(), up_to_seq };
        // An operation whose last event was acknowledged before is not known any more.
        let _ = OperationsClient::new(self.channel.clone()).acknowledge(request).await;
    }
}

async fn call(
    channel: Channel,
    request: Request,
) -> Result<Response<Streaming<EventBatch>>, Status> {
    let mut os = OsDelegateClient::new(channel.clone()).max_decoding_message_size(MESSAGE_SIZE_MAX);
    let mut operations = OperationsClient::new(channel.clone());
    let mut cloud = CloudDelegateClient::new(channel).max_decoding_message_size(MESSAGE_SIZE_MAX);
    match request.into_call() {
        Call::BaseImage(call) => os.create_base_image(*call).await,
        Call::TargetImage(call) => os.create_target_image(*call).await,
        Call::Should(call) => cloud.should_create_target_image(*call).await,
        Call::Will(call) => cloud.will_create_target_image(*call).await,
        Call::Did(call) => cloud.did_create_target_image(*call).await,
        Call::Push(call) => cloud.push_image_to_provider(*call).await,
        Call::Snapshot(call) => cloud.snapshot_image_on_provider(*call).await,
        Call::Delete(call) => cloud.delete_from_provider(*call).await,
        Call::Reconcile(call) => operations.reconcile(*call).await,
    }
}
