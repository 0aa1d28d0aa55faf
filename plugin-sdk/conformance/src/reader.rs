//! One reader of an operation: its events as they come.

use crate::case::Stop;
use crate::client::{Client, Refusal, code_name};
use factory_proto::plugin_v1::{Event, EventBatch, event::Kind};
use prost::Message;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::timeout;
use tonic::{Status, Streaming};

/// What an operation may take, in terms of what a short call may take.
const OPERATION_PATIENCE: u32 = 12;

/// One reader of an operation.
#[derive(Debug)]
pub(crate) struct Reader {
    client: Client,
    id: String,
    stream: Streaming<EventBatch>,
    queue: VecDeque<Event>,
    acknowledges_intents: bool,
    acknowledged: u64,
    /// All events that were handed out.
    pub(crate) events: Vec<Event>,
    /// All batches that came.
    pub(crate) batches: Vec<Batch>,
}

/// A batch, without its events.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Batch {
    pub(crate) bytes: usize,
}

impl Reader {
    pub(crate) fn new(client: Client, id: &str, stream: Streaming<EventBatch>) -> Self {
        Self {
            client,
            id: id.to_owned(),
            stream,
            queue: VecDeque::new(),
            acknowledges_intents: true,
            acknowledged: 0,
            events: Vec::new(),
            batches: Vec::new(),
        }
    }

    /// Acknowledges nothing by itself, also no announcement of a resource.
    pub(crate) fn silent(mut self) -> Self {
        self.acknowledges_intents = false;
        self
    }

    /// Leaves out the events that it has acknowledged, which the plugin may have forgotten; returns the last one's number.
    pub(crate) fn leave_out_acknowledged(&mut self) -> u64 {
        self.events.retain(|event| self.acknowledged < event.seq);
        self.acknowledged
    }

    /// Returns the operation's id.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Returns the next event; `None` once the stream has ended in order.
    pub(crate) async fn next(&mut self) -> Result<Option<Event>, Stop> {
        self.next_within(self.client.patience() * OPERATION_PATIENCE).await
    }

    /// Returns the next event, which must come within the time.
    pub(crate) async fn next_within(&mut self, patience: Duration) -> Result<Option<Event>, Stop> {
        while self.queue.is_empty() {
            match timeout(patience, self.stream.message()).await {
                Ok(Ok(Some(batch))) => self.take(batch).await?,
                Ok(Ok(None)) => return Ok(None),
                Ok(Err(status)) => return Err(self.broken_off(&status)),
                Err(_) => {
                    let seconds = patience.as_secs_f32();
                    return Err(Stop::broken(format!(
                        "no event and no end of the stream within {seconds} s after {}",
                        self.last()
                    )));
                }
            }
        }
        let event = self.queue.pop_front();
        self.events.extend(event.clone());
        Ok(event)
    }

    /// Reads up to an event that is as asked for, and returns it.
    pub(crate) async fn until(
        &mut self,
        what: &str,
        wanted: impl Fn(&Kind) -> bool,
    ) -> Result<Event, Stop> {
        while let Some(event) = self.next().await? {
            if event.kind.as_ref().is_some_and(&wanted) {
                return Ok(event);
            }
        }
        Err(Stop::broken(format!("the stream ended without {what}, after {}", self.last())))
    }

    /// Reads to the end of the stream, and returns the terminal event's kind.
    pub(crate) async fn ended(&mut self) -> Result<Kind, Stop> {
        while self.next().await?.is_some() {}
        let terminal = self.events.iter().rev().filter_map(|event| event.kind.as_ref());
        terminal.into_iter().find(|kind| is_terminal(kind)).cloned().ok_or_else(|| {
            Stop::broken(format!(
                "the stream ended without a terminal event, after {}",
                self.last()
            ))
        })
    }

    /// Returns the status with which the stream ends before any event; `None` if there is one, or neither in time.
    pub(crate) async fn refusal(&mut self, patience: Duration) -> Option<Refusal> {
        match timeout(patience, self.stream.message()).await {
            Ok(Err(status)) => Some(Refusal { call: "the operation".to_owned(), status }),
            Ok(Ok(None)) => {
                let status = Status::ok("the stream ended without any event");
                Some(Refusal { call: "the operation".to_owned(), status })
            }
            Ok(Ok(Some(_))) | Err(_) => None,
        }
    }

    /// Returns the number of the last event that was handed out.
    pub(crate) fn last_seq(&self) -> u64 {
        self.events.last().map_or(0, |event| event.seq)
    }

    async fn take(&mut self, batch: EventBatch) -> Result<(), Stop> {
        for event in &batch.events {
            self.client.trace().say(format!("  event {event:?}"));
        }
        self.batches.push(Batch { bytes: batch.encoded_len() });
        let intent = |event: &&Event| matches!(event.kind, Some(Kind::ResourceIntent(_)));
        let intent = batch.events.iter().rfind(intent).map(|event| event.seq);
        self.queue.extend(batch.events);
        if let Some(seq) = intent.filter(|_| self.acknowledges_intents) {
            self.client.acknowledge(&self.id, seq).await?;
            self.acknowledged = seq;
        }
        Ok(())
    }

    fn broken_off(&self, status: &Status) -> Stop {
        let (code, message) = (code_name(status.code()), status.message());
        Stop::broken(format!("the stream broke off with {code} ({message}) after {}", self.last()))
    }

    fn last(&self) -> String {
        match self.events.last() {
            Some(event) => {
                format!("event {} ({})", event.seq, event.kind.as_ref().map_or("of no kind", name))
            }
            None => "no event at all".to_owned(),
        }
    }
}

/// Tells whether an event ends an operation.
pub(crate) fn is_terminal(kind: &Kind) -> bool {
    matches!(kind, Kind::Completed(_) | Kind::Failed(_) | Kind::Cancelled(_))
}

/// Returns the name of an event's kind, as the protocol has it.
pub(crate) fn name(kind: &Kind) -> &'static str {
    match kind {
        Kind::State(_) => "state",
        Kind::Progress(_) => "progress",
        Kind::Property(_) => "property",
        Kind::Log(_) => "log",
        Kind::Warning(_) => "warning",
        Kind::Artifact(_) => "artifact",
        Kind::Packages(_) => "packages",
        Kind::CloudIdentifiers(_) => "cloud_identifiers",
        Kind::ResourceIntent(_) => "resource_intent",
        Kind::ResourceCreated(_) => "resource_created",
        Kind::ResourceDeleted(_) => "resource_deleted",
        Kind::Heartbeat(_) => "heartbeat",
        Kind::ResourceRemains(_) => "resource_remains",
        Kind::Completed(_) => "completed",
        Kind::Failed(_) => "failed",
        Kind::Cancelled(_) => "cancelled",
    }
}
