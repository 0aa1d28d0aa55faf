//! Reads an operation's events from the plugin, whatever the sink does, and attaches again when the connection breaks.

use super::contract::{Admitted, Contract, End};
use super::outbox::Outbox;
use super::request::Request;
use super::retry::{self, Next};
use crate::delegate::{Announced, OperationEvent};
use crate::plugin::failure::{self, status_text};
use crate::plugin::hidden;
use crate::plugin::instance::Instance;
use factory_proto::plugin_v1::EventBatch;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};
use tonic::{Status, Streaming};

/// How long what a process that ended had sent before may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(1);
/// How long the end of the stream may take after the operation's.
const END_OF_STREAM: Duration = Duration::from_secs(1);

/// Reads the events of one operation.
pub(super) struct Reader {
    pub(super) instance: Arc<Instance>,
    pub(super) request: Request,
    pub(super) outbox: Arc<Outbox>,
    pub(super) last_seq: Arc<AtomicU64>,
    contract: Contract,
}

/// Why there is nothing more to read.
#[derive(Debug)]
pub(super) enum Ended {
    /// The operation ended.
    ByItself(End),
    /// A rule was broken. The stream, if it still is one, may go on.
    Violation { rule: String, stream: Option<Box<Streaming<EventBatch>>> },
    /// The plugin answered with an error.
    Refused(Status),
    /// The connection broke and can't be had again, though the process lives.
    Lost(Status),
    /// The process ended.
    Exited,
}

impl Ended {
    fn violation(rule: String, stream: Streaming<EventBatch>) -> Self {
        Self::Violation { rule, stream: Some(Box::new(stream)) }
    }
}

impl Reader {
    pub(super) fn new(instance: Arc<Instance>, request: Request, outbox: Arc<Outbox>) -> Self {
        let last_seq = Arc::default();
        Self { instance, request, outbox, last_seq, contract: Contract::default() }
    }

    /// Reads until there is nothing more.
    pub(super) async fn run(mut self) -> Ended {
        let mut attempt = 0;
        loop {
            let before = self.contract.last_seq();
            let status = match self.attach().await {
                Ok(ended) => return ended,
                Err(status) => status,
            };
            attempt = if before < self.contract.last_seq() { 1 } else { attempt + 1 };
            if failure::is_broken(&status) && self.exits().await {
                return Ended::Exited;
            }
            match retry::next(&status, failure::details(&status).as_ref(), attempt) {
                Next::Again(pause) => self.pause(&status, pause).await,
                Next::Refused => return Ended::Refused(status),
                Next::Lost => return Ended::Lost(status),
                Next::TooLarge => {
                    let rule = "it sent a message of more than 64 MiB".to_owned();
                    return Ended::Violation { rule, stream: None };
                }
            }
        }
    }

    /// Calls the method, and reads until the stream ends in one way or another.
    async fn attach(&mut self) -> Result<Ended, Status> {
        let request = self.request.after(self.contract.last_seq());
        let Some(opened) = self.or_exit(request.open(self.instance.channel())).await else {
            return Ok(Ended::Exited);
        };
        let mut stream = opened?;
        loop {
            self.outbox.room().await;
            let Some(message) = self.or_exit(stream.message()).await else {
                return Ok(Ended::Exited);
            };
            let Some(batch) = message? else {
                let rule = "the stream ended without a terminal event".to_owned();
                return Ok(Ended::Violation { rule, stream: None });
            };
            self.instance.heard();
            match self.admit(batch) {
                Ok(None) => {}
                Ok(Some(end)) => return Ok(self.confirm(end, stream).await),
                Err(rule) => return Ok(Ended::violation(rule, stream)),
            }
        }
    }

    /// Makes sure that nothing follows the end.
    async fn confirm(&mut self, end: End, mut stream: Streaming<EventBatch>) -> Ended {
        let next = tokio::time::timeout(END_OF_STREAM, stream.message()).await;
        // The operation has said how it ended: whether its stream then ends well is no matter.
        let Ok(Ok(Some(batch))) = next else { return Ended::ByItself(end) };
        match self.admit(batch) {
            Ok(_) => Ended::ByItself(end),
            Err(rule) => Ended::violation(rule, stream),
        }
    }

    /// Judges a batch and hands on what it announces, also when it then breaks a rule.
    fn admit(&mut self, batch: EventBatch) -> Result<Option<End>, String> {
        let received = SystemTime::now();
        let mut events = Vec::with_capacity(batch.events.len());
        let mut end = Ok(None);
        let redactor = self.instance.redactor();
        for mut event in batch.events {
            if let Some(kind) = &mut event.kind {
                hidden::clean(&redactor, kind);
            }
            match self.contract.admit(event, received) {
                Ok(Admitted::Nothing) => {}
                Ok(Admitted::Event(event)) => events.push(self.signed(event)),
                Ok(Admitted::End(it)) => end = Ok(Some(it)),
                Err(rule) => {
                    end = Err(rule);
                    break;
                }
            }
        }
        let seq = self.contract.last_seq();
        self.last_seq.store(seq, Ordering::Relaxed);
        self.outbox.push(events, seq);
        end
    }

    /// Notes with a resource who announced it, and in which operation: it may have to be settled by somebody else.
    fn signed(&self, mut event: OperationEvent) -> OperationEvent {
        if let Announced::Resource(resource) = &mut event.what {
            self.instance.name().clone_into(&mut resource.plugin);
            self.request.announced_in().clone_into(&mut resource.operation);
        }
        event
    }

    /// Waits for something from the plugin, unless the plugin ends.
    async fn or_exit<T>(&self, something: impl Future<Output = T>) -> Option<T> {
        let exited = async {
            self.instance.exited().await;
            tokio::time::sleep(ARRIVAL).await;
        };
        tokio::select! {
            biased;
            something = something => Some(something),
            () = exited => None,
        }
    }

    /// Tells whether a broken connection is the process's end, which may show a moment later.
    async fn exits(&self) -> bool {
        let wait = self.instance.timing().exit_wait;
        self.instance.exited_within(wait).await.is_some()
    }

    async fn pause(&self, status: &Status, pause: Duration) {
        let (plugin, why) = (self.instance.name(), status_text(status));
        let after_seq = self.contract.last_seq();
        tracing::warn!(plugin, why, ?pause, after_seq, "attaching to the operation again");
        let _ = self.or_exit(tokio::time::sleep(pause)).await;
    }
}
