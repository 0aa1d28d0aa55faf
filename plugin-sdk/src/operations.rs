//! The operations that a plugin knows: started once per id, attached to any number of times, cancelled, acknowledged, and
//! forgotten when the factory has all of their events.

use crate::executor::Executor;
use crate::operation::Operation;
use crate::record::Record;
use crate::request::{self, Request};
use crate::stream::{EventStream, events_after};
use crate::supervisor::{Deadline, Supervisor};
use crate::{Failure, Fault};
use factory_proto::plugin_v1::{OperationStatus, completed};
use futures_util::future::BoxFuture;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::{Code, Response, Status};

/// How many ended operations are kept for a factory that has not acknowledged them.
const ENDED_MAX: usize = 64;
/// How long an ended operation is kept for a factory that has not acknowledged it.
const ENDED_AGE_MAX: Duration = Duration::from_mins(10);

/// What a plugin's method answers.
pub(crate) type Answer = Result<Option<completed::Result>, Failure>;
/// A plugin's method with its request, ready to run.
pub(crate) type Work = Box<dyn FnOnce(Operation) -> BoxFuture<'static, Answer> + Send>;

/// The operations that a plugin knows.
#[derive(Debug)]
pub(crate) struct Operations {
    known: Mutex<Known>,
    tasks: TaskTracker,
    executor: Executor,
    concurrent_max: usize,
}

#[derive(Debug, Default)]
struct Known {
    entries: HashMap<String, Entry>,
    closed: bool,
}

#[derive(Debug)]
struct Entry {
    record: Arc<Record>,
    method: &'static str,
    fingerprint: request::Fingerprint,
    deadline: Deadline,
    ended: Option<Instant>,
}

impl Operations {
    /// Knows none yet; runs at most `concurrent_max` at once (0: any number).
    pub(crate) fn new(executor: Executor, concurrent_max: usize) -> Arc<Self> {
        let known = Mutex::default();
        Arc::new(Self { known, tasks: TaskTracker::new(), executor, concurrent_max })
    }

    /// Starts the operation that a request asks for, or attaches to it if it is known; answers its events.
    ///
    /// # Errors
    /// If the request can't be carried out (`prepare` says what is missing), its id runs another request, or the plugin is
    /// ending or busy.
    pub(crate) fn call<R: Request>(
        self: &Arc<Self>,
        request: R,
        prepare: impl FnOnce(R) -> Result<Work, Failure>,
    ) -> Result<Response<EventStream>, Status> {
        let after_seq = request.header().map_or(0, |header| header.after_seq);
        let record = self.attach_or_start(request, prepare)?;
        let (_, acknowledged) = record.seqs();
        if after_seq < acknowledged {
            let message =
                format!("events up to {acknowledged} were acknowledged and are forgotten");
            return Err(Status::out_of_range(message));
        }
        Ok(Response::new(events_after(record, after_seq)))
    }

    fn attach_or_start<R: Request>(
        self: &Arc<Self>,
        request: R,
        prepare: impl FnOnce(R) -> Result<Work, Failure>,
    ) -> Result<Arc<Record>, Status> {
        let invalid = |failure: Failure| failure.into_status(Code::InvalidArgument);
        let header = request::checked_header(&request).map_err(invalid)?;
        let fingerprint = request::fingerprint(&request);
        let mut known = self.lock();
        if let Some(entry) = known.entries.get(&header.operation_id) {
            return attach(entry, &fingerprint);
        }
        self.admit(&mut known, header.after_seq)?;
        let id = header.operation_id.clone();
        let record = Arc::new(Record::new(CancellationToken::new()));
        let operation = Operation::new(record.clone(), header).map_err(invalid)?;
        let work = prepare(request).map_err(invalid)?;
        let deadline = self.start(id.clone(), operation, &record, work);
        let method = R::METHOD;
        let entry = Entry { record: record.clone(), method, fingerprint, deadline, ended: None };
        known.entries.insert(id, entry);
        Ok(record)
    }

    /// Runs a method and its supervisor; answers the deadline by which a cancelled operation is aborted. The caller holds the
    /// lock until the operation is known, so that it can't end before.
    fn start(
        self: &Arc<Self>,
        id: String,
        operation: Operation,
        record: &Arc<Record>,
        work: Work,
    ) -> Deadline {
        let deadline = Deadline::default();
        let supervisor = Supervisor {
            record: record.clone(),
            tools: operation.tools().clone(),
            ledger: operation.ledger().clone(),
            executor: self.executor,
            deadline: deadline.clone(),
        };
        supervisor.announce();
        let task = self.executor.spawn(work(operation));
        let operations = self.clone();
        self.tasks.spawn(async move {
            supervisor.run(task).await;
            operations.ended(&id);
        });
        deadline
    }

    fn admit(&self, known: &mut Known, after_seq: u64) -> Result<(), Status> {
        if known.closed {
            return Err(Status::unavailable("the plugin is ending"));
        }
        if 0 < after_seq {
            let message = "the operation is not known (any more), so its events can't be replayed";
            return Err(Status::not_found(message));
        }
        known.forget_old(Instant::now());
        let running = known.entries.values().filter(|entry| entry.ended.is_none()).count();
        if 0 < self.concurrent_max && self.concurrent_max <= running {
            let message = format!("{running} operations are running, and no more can");
            let busy = Failure::new(Fault::Quota, "TOO_MANY_OPERATIONS", message).retryable();
            return Err(busy.into_status(Code::ResourceExhausted));
        }
        Ok(())
    }

    /// Asks an operation to stop within `grace`.
    ///
    /// # Errors
    /// If it is not known.
    pub(crate) fn cancel(&self, id: &str, grace: Duration) -> Result<(), Status> {
        self.lock().entry(id)?.cancel(grace);
        Ok(())
    }

    /// Forgets the events of an operation up to a number, and the operation if it has ended and that was its last one.
    ///
    /// # Errors
    /// If it is not known.
    pub(crate) fn acknowledge(&self, id: &str, up_to: u64) -> Result<(), Status> {
        let mut known = self.lock();
        let entry = known.entry(id)?;
        if entry.record.acknowledge(up_to) && entry.ended.is_some() {
            known.entries.remove(id);
        }
        Ok(())
    }

    /// Lists what is known, by id.
    pub(crate) fn list(&self) -> Vec<OperationStatus> {
        let mut known = self.lock();
        known.forget_old(Instant::now());
        let mut list: Vec<_> = known.entries.iter().map(|(id, entry)| entry.status(id)).collect();
        list.sort_by(|a, b| a.operation_id.cmp(&b.operation_id));
        list
    }

    /// Starts no more operations, cancels all, and waits until they have ended; at most a little longer than `grace`.
    /// Returns the ids of those that have not.
    pub(crate) async fn stop(&self, grace: Duration) -> Vec<String> {
        {
            let mut known = self.lock();
            known.closed = true;
            known.entries.values().for_each(|entry| entry.cancel(grace));
        }
        self.tasks.close();
        let _ = tokio::time::timeout(grace + Duration::from_millis(500), self.tasks.wait()).await;
        let known = self.lock();
        let late = known.entries.iter().filter(|(_, entry)| entry.ended.is_none());
        late.map(|(id, _)| id.clone()).collect()
    }

    fn ended(&self, id: &str) {
        let mut known = self.lock();
        let Some(entry) = known.entries.get_mut(id) else { return };
        entry.ended = Some(Instant::now());
        if entry.record.acknowledge(0) {
            known.entries.remove(id);
        }
        known.forget_old(Instant::now());
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn attach(entry: &Entry, fingerprint: &request::Fingerprint) -> Result<Arc<Record>, Status> {
    if entry.fingerprint == *fingerprint {
        return Ok(entry.record.clone());
    }
    let message = "the operation's id is in use for a different request";
    let failure = Failure::new(Fault::Conflict, "OPERATION_ID_REUSED", message);
    Err(failure.into_status(Code::AlreadyExists))
}

impl Known {
    fn entry(&self, id: &str) -> Result<&Entry, Status> {
        self.entries.get(id).ok_or_else(|| Status::not_found(format!("no operation {id:?}")))
    }

    /// Forgets ended operations that nobody acknowledged: those that are too old, and the oldest of too many.
    fn forget_old(&mut self, now: Instant) {
        let is_old = |ended: Instant| ENDED_AGE_MAX <= now - ended;
        self.entries.retain(|_, entry| !entry.ended.is_some_and(is_old));
        let mut ended: Vec<(Instant, String)> = self
            .entries
            .iter()
            .filter_map(|(id, entry)| Some((entry.ended?, id.clone())))
            .collect();
        ended.sort();
        for (_, id) in ended.iter().take(ended.len().saturating_sub(ENDED_MAX)) {
            self.entries.remove(id);
        }
    }
}

impl Entry {
    fn cancel(&self, grace: Duration) {
        if self.ended.is_none() && !self.record.has_ended() {
            self.deadline.bring_forward(grace);
            self.record.cancellation().cancel();
        }
    }

    fn status(&self, id: &str) -> OperationStatus {
        OperationStatus {
            operation_id: id.to_owned(),
            method: self.method.to_owned(),
            last_seq: self.record.seqs().0,
            ended: self.record.has_ended(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use factory_proto::plugin_v1::{CreateBaseImageRequest, OperationHeader};
    use futures_util::StreamExt;

    fn request(id: &str) -> CreateBaseImageRequest {
        let work_dir = std::env::temp_dir().to_string_lossy().into_owned();
        let operation_id = id.to_owned();
        let header = OperationHeader { operation_id, work_dir, ..Default::default() };
        CreateBaseImageRequest { header: Some(header), template: None }
    }

    fn work<R>(_request: R) -> Result<Work, Failure> {
        Ok(Box::new(|_| Box::pin(std::future::ready(Ok(None)))))
    }

    fn operations() -> Arc<Operations> {
        Operations::new(Executor::Here, 0)
    }

    async fn run(operations: &Arc<Operations>, id: &str) {
        let stream = operations.call(request(id), work).unwrap().into_inner();
        let batches: Vec<_> = stream.collect().await;
        assert!(batches.iter().all(Result::is_ok));
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_acknowledges_is_kept_for_a_while_and_not_for_ever() {
        let operations = operations();
        run(&operations, "op").await;
        tokio::time::advance(ENDED_AGE_MAX - Duration::from_secs(10)).await;
        assert_eq!(operations.list().len(), 1);
        tokio::time::advance(Duration::from_secs(20)).await;
        assert_eq!(operations.list(), []);
    }

    #[tokio::test(start_paused = true)]
    async fn of_too_many_that_nobody_acknowledges_the_oldest_are_forgotten() {
        let operations = operations();
        for number in 0..ENDED_MAX + 2 {
            run(&operations, &format!("op-{number:03}")).await;
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        let known = operations.list();
        assert_eq!(known.len(), ENDED_MAX);
        assert_eq!(known[0].operation_id, "op-002");
    }

    #[tokio::test]
    async fn an_ended_operation_replays_until_it_is_acknowledged() {
        let operations = operations();
        run(&operations, "op").await;
        run(&operations, "op").await;
        operations.acknowledge("op", 1).unwrap();
        let forgotten = operations.call(request("op"), work).map(drop).unwrap_err();
        assert_eq!(forgotten.code(), Code::OutOfRange);
        operations.acknowledge("op", 2).unwrap();
        assert_eq!(operations.acknowledge("op", 2).unwrap_err().code(), Code::NotFound);
    }

    #[tokio::test]
    async fn a_plugin_that_ends_starts_nothing() {
        let operations = operations();
        assert_eq!(operations.stop(Duration::ZERO).await, Vec::<String>::new());
        let refused = operations.call(request("op"), work).map(drop).unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable);
    }
}
