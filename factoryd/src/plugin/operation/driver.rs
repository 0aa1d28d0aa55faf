//! Decides what happens with one operation.

use super::contract::End;
use super::feeder::{Feeder, cancel};
use super::outbox::Outbox;
use super::reader::{Ended, Reader};
use super::request::Request;
use crate::confine::Events;
use crate::delegate::{Announced, Error, Operation, OperationEvent, SinkError};
use crate::domain::{Failure, LogLevel, LogLine};
use crate::plugin::failure::{self, violation};
use crate::plugin::instance::{Cause, Instance, Running};
use factory_proto::plugin_v1::EventBatch;
use factory_proto::plugin_v1::completed::Result as Completed;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;
use tonic::{Code, Streaming};

/// How long the sink may take for the last line of a plugin that was killed.
const LAST_LINE: Duration = Duration::from_secs(5);
/// How often, and how far apart, an operation that the plugin does not know yet is cancelled.
const CANCEL_ATTEMPTS: usize = 3;
const CANCEL_PAUSE: Duration = Duration::from_millis(100);

/// Decides what happens with one operation.
pub(super) struct Driver<'a> {
    instance: Arc<Instance>,
    running: Running,
    operation: &'a Operation,
    method: &'static str,
    outbox: Arc<Outbox>,
    last_seq: Arc<AtomicU64>,
    tasks: JoinSet<Occurrence>,
    /// Whether the plugin's stream is still open.
    reading: bool,
    /// Whether the sink is still fed.
    feeding: bool,
    ended: Option<Ended>,
    winding: Option<Winding>,
    leaving: Leaving,
    /// What limits had done to the plugin before the operation.
    limited: Events,
}

/// Everything that can happen to an operation.
enum Occurrence {
    /// The reader is done.
    Ended(Ended),
    /// The stream of a plugin that broke a rule is at its end.
    Drained,
    /// The sink has everything, or refuses.
    Fed(Result<(), SinkError>),
    /// The plugin was told to stop; whether it knew the operation.
    Told(bool),
    /// The caller wants the operation to stop.
    Cancelled,
    /// The plugin had its time to stop.
    GraceOver,
}

/// The operation is coming to its end before its time.
struct Winding {
    /// Why, unless the caller wanted it.
    failure: Option<Failure>,
    deadline: Instant,
    /// Whether the process was ended for it.
    killed: bool,
}

impl<'a> Driver<'a> {
    pub(super) fn new(instance: Arc<Instance>, operation: &'a Operation, request: Request) -> Self {
        let outbox = Arc::<Outbox>::default();
        let method = request.method();
        let reader = Reader::new(Arc::clone(&instance), request, Arc::clone(&outbox));
        let feeder = Feeder {
            instance: Arc::clone(&instance),
            operation_id: operation.id.to_string(),
            outbox: Arc::clone(&outbox),
            sink: Arc::clone(&operation.sink),
        };
        let last_seq = Arc::clone(&reader.last_seq);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { Occurrence::Ended(reader.run().await) });
        tasks.spawn(async move { Occurrence::Fed(feeder.run().await) });
        Self {
            running: instance.begin(),
            leaving: Leaving::new(&instance, operation),
            limited: instance.events(),
            instance,
            operation,
            method,
            outbox,
            last_seq,
            tasks,
            reading: true,
            feeding: true,
            ended: None,
            winding: None,
        }
    }

    /// Runs the operation to its end.
    pub(super) async fn run(mut self) -> Result<Option<Completed>, Error> {
        while self.reading || self.feeding {
            let occurrence = self.next().await;
            self.handle(occurrence).await;
        }
        let by_itself = matches!(self.ended, Some(Ended::ByItself(_)));
        if by_itself {
            self.running.was_useful();
        }
        self.leaving.done =
            by_itself || matches!(self.ended, Some(Ended::Refused(_) | Ended::Exited));
        self.tell_of_kill().await;
        self.outcome().await
    }

    async fn next(&mut self) -> Occurrence {
        let deadline = self.winding.as_ref().map(|winding| winding.deadline);
        let grace_over = tokio::time::sleep_until(deadline.unwrap_or_else(Instant::now));
        tokio::select! {
            biased;
            Some(done) = self.tasks.join_next() => done.unwrap_or_else(propagate),
            () = self.operation.cancellation.cancelled(), if deadline.is_none() => {
                Occurrence::Cancelled
            }
            () = grace_over, if deadline.is_some() => Occurrence::GraceOver,
        }
    }

    async fn handle(&mut self, occurrence: Occurrence) {
        match occurrence {
            Occurrence::Ended(Ended::Violation { rule, stream: Some(stream) }) => {
                self.outbox.close();
                self.tasks.spawn(drain(stream));
                self.wind_up(Some(violation(self.instance.name(), &rule)));
            }
            Occurrence::Ended(ended) => self.read_to_the_end(ended),
            Occurrence::Drained => self.reading = false,
            Occurrence::Fed(outcome) => {
                self.feeding = false;
                if let Err(SinkError(refused)) = outcome {
                    self.outbox.abandon();
                    self.wind_up(Some(*refused));
                }
            }
            Occurrence::Told(known) => {
                let begun = 0 < self.last_seq.load(Ordering::Relaxed);
                if !known && !begun {
                    // It waits for a place in the plugin, or never came there.
                    self.give_up();
                }
            }
            Occurrence::Cancelled => self.wind_up(None),
            Occurrence::GraceOver => self.grace_is_over().await,
        }
    }

    fn read_to_the_end(&mut self, ended: Ended) {
        self.reading = false;
        self.outbox.close();
        self.ended = Some(ended);
    }

    /// Tells the plugin to stop, for that reason or because the caller wants it; the first reason counts.
    fn wind_up(&mut self, failure: Option<Failure>) {
        if self.winding.is_some() {
            return;
        }
        let grace = self.operation.cancel_grace;
        self.winding = Some(Winding { failure, deadline: Instant::now() + grace, killed: false });
        if matches!(self.ended, Some(Ended::ByItself(_) | Ended::Exited)) {
            return;
        }
        let (instance, id) = (Arc::clone(&self.instance), self.operation.id.to_string());
        self.tasks.spawn(async move {
            for _ in 0..CANCEL_ATTEMPTS {
                if cancel(&instance, &id, grace).await {
                    return Occurrence::Told(true);
                }
                tokio::time::sleep(CANCEL_PAUSE).await;
            }
            Occurrence::Told(false)
        });
    }

    async fn grace_is_over(&mut self) {
        let overdue = self.winding.as_ref().is_some_and(|winding| winding.killed);
        if !self.reading || overdue {
            return self.give_up();
        }
        let operation = self.operation.id.to_string();
        let plugin = self.instance.name();
        tracing::error!(plugin, operation, "plugin ignored the cancellation; it is ended");
        self.instance.end(Cause::IgnoredCancellation(operation)).await;
        if let Some(winding) = &mut self.winding {
            winding.killed = true;
            winding.deadline = Instant::now() + LAST_LINE;
        }
    }

    /// Waits for nobody any more.
    fn give_up(&mut self) {
        self.reading = false;
        self.feeding = false;
        self.tasks.abort_all();
    }

    /// Puts it into the image's log that the process was killed.
    async fn tell_of_kill(&self) {
        if !self.winding.as_ref().is_some_and(|winding| winding.killed) {
            return;
        }
        let message = format!(
            "plugin {} ignored the cancellation for {} s and was killed",
            self.instance.name(),
            self.operation.cancel_grace.as_secs_f32()
        );
        let line = LogLine { level: LogLevel::Error, message, source: "factory".to_owned() };
        let event = OperationEvent {
            seq: self.last_seq.load(Ordering::Relaxed) + 1,
            time: SystemTime::now(),
            what: Announced::Log(line),
        };
        let told = tokio::time::timeout(LAST_LINE, self.operation.sink.accept(vec![event])).await;
        if !matches!(told, Ok(Ok(()))) {
            tracing::warn!("the image's log does not say that the plugin was killed");
        }
    }

    async fn outcome(self) -> Result<Option<Completed>, Error> {
        let plugin = self.instance.name().to_owned();
        match (self.winding, self.ended) {
            (Some(Winding { failure: Some(failure), .. }), _) => Err(failure.into()),
            (_, Some(Ended::ByItself(End::Completed(result)))) => Ok(result),
            (Some(winding), ended) => {
                Err(Error::Cancelled { left_behind: left_behind(&plugin, &winding, ended) })
            }
            (None, Some(Ended::ByItself(End::Failed(failure)))) => {
                Err(self.instance.limited(self.limited, failure).into())
            }
            (None, Some(Ended::ByItself(End::Cancelled { .. }))) => {
                Err(violation(&plugin, "the operation says it was cancelled, but nobody asked")
                    .into())
            }
            (None, Some(Ended::Refused(status))) if status.code() == Code::Unimplemented => {
                Err(Error::Unimplemented(self.method))
            }
            (None, Some(Ended::Refused(status))) => {
                Err(failure::from_status(&plugin, &status).into())
            }
            (None, Some(Ended::Lost(status))) => Err(failure::unreachable(&plugin, &status).into()),
            (None, Some(Ended::Violation { rule, .. })) => Err(violation(&plugin, &rule).into()),
            (None, Some(Ended::Exited) | None) => Err(self.instance.ending().await.into()),
        }
    }
}

/// Answers what a cancelled operation may have left.
fn left_behind(plugin: &str, winding: &Winding, ended: Option<Ended>) -> Vec<String> {
    match ended {
        _ if winding.killed => vec![format!(
            "plugin {plugin} ignored the cancellation and was killed; what it was doing is unfinished"
        )],
        Some(Ended::ByItself(End::Cancelled { left_behind })) => left_behind,
        Some(Ended::ByItself(End::Failed(failure))) => {
            tracing::info!(%failure, "the operation failed while it was being cancelled");
            Vec::new()
        }
        Some(Ended::Exited) => {
            vec![format!(
                "plugin {plugin} ended while it cancelled; what it was doing is unfinished"
            )]
        }
        _ => Vec::new(),
    }
}

/// Reads what a plugin that broke a rule still sends, until it stops.
async fn drain(mut stream: Box<Streaming<EventBatch>>) -> Occurrence {
    while let Ok(Some(_)) = stream.message().await {}
    Occurrence::Drained
}

/// A task of ours panicked: so does the operation.
fn propagate(error: JoinError) -> Occurrence {
    match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => Occurrence::Drained,
    }
}

/// Tells the plugin to stop if nobody waits for the operation any more, though it may still be working.
struct Leaving {
    instance: Arc<Instance>,
    operation_id: String,
    grace: Duration,
    done: bool,
}

impl Leaving {
    fn new(instance: &Arc<Instance>, operation: &Operation) -> Self {
        Self {
            instance: Arc::clone(instance),
            operation_id: operation.id.to_string(),
            grace: operation.cancel_grace,
            done: false,
        }
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        if !self.done {
            let (id, grace) = (self.operation_id.clone(), self.grace);
            let instance = Arc::clone(&self.instance);
            self.instance.spawn(async move {
                cancel(&instance, &id, grace).await;
            });
        }
    }
}
