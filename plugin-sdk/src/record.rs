//! What one running operation has said so far, shared by the plugin that writes it and the streams that read it.

use crate::Failure;
use crate::journal::{Journal, Pending};
use crate::pace::Pace;
use factory_proto::plugin_v1::{Event, Heartbeat, Progress, event::Kind};
use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tonic::Status;

/// After how long a silence a heartbeat goes out. The contract allows 10 seconds.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(5);

/// The record of one operation.
#[derive(Debug)]
pub(crate) struct Record {
    state: Mutex<State>,
    changes: watch::Sender<()>,
    cancellation: CancellationToken,
}

#[derive(Debug)]
struct State {
    journal: Journal,
    pace: Pace,
    last_event: Instant,
}

impl State {
    fn push(&mut self, kind: Kind) -> u64 {
        self.flush_progress(Pace::take_held);
        self.last_event = Instant::now();
        self.journal.push(kind, now())
    }

    fn flush_progress(&mut self, take: fn(&mut Pace, Instant) -> Option<Progress>) {
        if let Some(progress) = take(&mut self.pace, Instant::now()) {
            self.last_event = Instant::now();
            self.journal.push(Kind::Progress(progress), now());
        }
    }
}

impl Record {
    /// Starts an empty record.
    pub(crate) fn new(cancellation: CancellationToken) -> Self {
        let state = State {
            journal: Journal::default(),
            pace: Pace::default(),
            last_event: Instant::now(),
        };
        Self { state: Mutex::new(state), changes: watch::Sender::new(()), cancellation }
    }

    /// Returns the token that fires when the operation is to stop.
    pub(crate) fn cancellation(&self) -> &CancellationToken {
        &self.cancellation
    }

    /// Writes an event, and waits before that while too much is unacknowledged.
    ///
    /// # Errors
    /// [`Failure::cancelled`] once the operation is to stop.
    pub(crate) async fn report(&self, kind: Kind) -> Result<u64, Failure> {
        self.wait_for_room().await?;
        Ok(self.write(kind))
    }

    /// Writes an event, whether or not there is room for it.
    pub(crate) fn write(&self, kind: Kind) -> u64 {
        self.change(|state| state.push(kind))
    }

    /// Takes a report of progress; it goes out now or soon.
    ///
    /// # Errors
    /// [`Failure::cancelled`] once the operation is to stop.
    pub(crate) async fn progress(&self, progress: Progress) -> Result<(), Failure> {
        self.wait_for_room().await?;
        self.change(|state| {
            state.pace.offer(progress);
            state.flush_progress(Pace::take_due);
        });
        Ok(())
    }

    /// Ends the operation without a terminal event: the plugin does not have the method.
    pub(crate) fn refuse(&self, why: Failure) {
        self.change(|state| state.journal.refuse(why));
    }

    /// Forgets the events up to a number, and returns whether the operation has ended and all of it is forgotten.
    pub(crate) fn acknowledge(&self, up_to: u64) -> bool {
        self.change(|state| {
            state.journal.acknowledge(up_to);
            state.journal.is_settled()
        })
    }

    /// Waits until an event is acknowledged.
    ///
    /// # Errors
    /// [`Failure::cancelled`] if the operation is to stop first.
    pub(crate) async fn acknowledged(&self, seq: u64) -> Result<(), Failure> {
        self.wait_until(|journal| seq <= journal.acknowledged()).await
    }

    /// Says what a reader that has everything up to `cursor` should do.
    pub(crate) fn pending(&self, cursor: u64) -> Pending {
        self.lock().journal.pending(cursor)
    }

    /// Returns the events after `cursor` that go into one batch.
    pub(crate) fn batch(&self, cursor: u64) -> Vec<Event> {
        self.lock().journal.batch(cursor)
    }

    /// Returns the number of the last event and of the last acknowledged one.
    pub(crate) fn seqs(&self) -> (u64, u64) {
        let state = self.lock();
        (state.journal.last_seq(), state.journal.acknowledged())
    }

    /// Tells whether nothing follows.
    pub(crate) fn has_ended(&self) -> bool {
        self.lock().journal.has_ended()
    }

    /// Returns why the plugin refused the operation, if it did.
    pub(crate) fn refusal(&self) -> Option<Status> {
        self.lock().journal.refusal()
    }

    /// Returns a receiver that wakes on every change.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// Sends what time asks for, for as long as it is polled: progress that waits, and heartbeats in silence.
    pub(crate) async fn keep_time(&self) -> Infallible {
        let mut changes = self.changes();
        loop {
            changes.mark_unchanged();
            let next = self.tick();
            tokio::select! {
                () = sleep_until(next) => {}
                _ = changes.changed() => {}
            }
        }
    }

    /// Sends what is due and returns when to look again.
    fn tick(&self) -> Instant {
        let now = Instant::now();
        let (next, wrote) = {
            let mut state = self.lock();
            let before = state.journal.last_seq();
            state.flush_progress(Pace::take_due);
            if state.last_event + HEARTBEAT_INTERVAL <= now {
                state.push(Kind::Heartbeat(Heartbeat {}));
            }
            let silence_ends = state.last_event + HEARTBEAT_INTERVAL;
            let next = state.pace.due().map_or(silence_ends, |due| due.min(silence_ends));
            (next, before < state.journal.last_seq())
        };
        if wrote {
            self.changes.send_replace(());
        }
        next
    }

    async fn wait_for_room(&self) -> Result<(), Failure> {
        self.wait_until(|journal| !journal.is_full()).await
    }

    async fn wait_until(&self, ready: impl Fn(&Journal) -> bool) -> Result<(), Failure> {
        if self.cancellation.is_cancelled() {
            return Err(Failure::cancelled());
        }
        if ready(&self.lock().journal) {
            return Ok(());
        }
        let mut changes = self.changes();
        loop {
            if ready(&self.lock().journal) {
                return Ok(());
            }
            tokio::select! {
                () = self.cancellation.cancelled() => return Err(Failure::cancelled()),
                _ = changes.changed() => {}
            }
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let answer = change(&mut self.lock());
        self.changes.send_replace(());
        answer
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn now() -> prost_types::Timestamp {
    SystemTime::now().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::FULL_BYTES;
    use factory_proto::plugin_v1::LogLine;

    fn record() -> Record {
        Record::new(CancellationToken::new())
    }

    fn log(bytes: usize) -> Kind {
        Kind::Log(LogLine { message: "x".repeat(bytes), ..Default::default() })
    }

    fn percent(percent: f64) -> Progress {
        Progress { percent: Some(percent), ..Default::default() }
    }

    fn kinds(record: &Record) -> Vec<Kind> {
        record.batch(0).into_iter().filter_map(|event| event.kind).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_broken_by_a_heartbeat() {
        let record = record();
        let silence = tokio::time::timeout(Duration::from_secs(31), record.keep_time());
        assert!(silence.await.is_err());
        let heartbeats = kinds(&record);
        assert!((3..=7).contains(&heartbeats.len()), "{} heartbeats", heartbeats.len());
        assert!(heartbeats.iter().all(|kind| matches!(kind, Kind::Heartbeat(_))));
    }

    #[tokio::test(start_paused = true)]
    async fn at_most_ten_reports_a_second_go_out_and_the_last_one_always_does() {
        let record = record();
        let report = async {
            for step in 0..1000 {
                record.progress(percent(f64::from(step) / 10.0)).await.unwrap();
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        };
        tokio::select! { () = report => {} never = record.keep_time() => match never {} }
        let kinds = kinds(&record);
        assert!((9..=12).contains(&kinds.len()), "{} reports", kinds.len());
        assert_eq!(kinds.last(), Some(&Kind::Progress(percent(99.9))));
    }

    #[tokio::test(start_paused = true)]
    async fn progress_that_waits_goes_out_before_anything_else_does() {
        let record = record();
        record.progress(percent(1.0)).await.unwrap();
        record.progress(percent(2.0)).await.unwrap();
        record.write(log(1));
        let expected = [Kind::Progress(percent(1.0)), Kind::Progress(percent(2.0)), log(1)];
        assert_eq!(kinds(&record), expected);
    }

    #[tokio::test]
    async fn a_writer_waits_for_room_and_goes_on_when_there_is_some() {
        let record = record();
        record.report(log(FULL_BYTES)).await.unwrap();
        let mut waiting = std::pin::pin!(record.report(log(1)));
        assert!(futures_util::poll!(&mut waiting).is_pending());
        record.acknowledge(1);
        assert_eq!(waiting.await.unwrap(), 2);
    }

    #[tokio::test]
    async fn a_writer_that_waits_is_released_by_cancellation() {
        let record = record();
        record.report(log(FULL_BYTES)).await.unwrap();
        let waiting = record.report(log(1));
        record.cancellation().cancel();
        assert!(waiting.await.unwrap_err().is_cancelled());
    }
}
