//! One reader of an operation: batches of events, from a number on, until the operation has ended.

use crate::journal::Pending;
use crate::record::Record;
use factory_proto::plugin_v1::EventBatch;
use futures_util::stream::{self, Stream};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tonic::Status;

/// The shortest time between two batches, unless one is full or urgent.
const BATCH_INTERVAL: Duration = Duration::from_millis(100);

/// The answer to every call that starts an operation or attaches to one.
pub type EventStream = Pin<Box<dyn Stream<Item = Result<EventBatch, Status>> + Send>>;

/// Streams the events after `after_seq`. Dropping the stream changes nothing for the operation.
pub(crate) fn events_after(record: Arc<Record>, after_seq: u64) -> EventStream {
    let reader = Reader {
        changes: record.changes(),
        record,
        cursor: after_seq,
        not_before: Instant::now(),
        ended: false,
    };
    Box::pin(stream::unfold(reader, Reader::next))
}

struct Reader {
    record: Arc<Record>,
    changes: watch::Receiver<()>,
    cursor: u64,
    not_before: Instant,
    ended: bool,
}

impl Reader {
    async fn next(mut self) -> Option<(Result<EventBatch, Status>, Self)> {
        while !self.ended {
            self.changes.mark_unchanged();
            match self.record.pending(self.cursor) {
                Pending::Now => return Some((Ok(self.take_batch()), self)),
                Pending::Some if self.not_before <= Instant::now() => {
                    return Some((Ok(self.take_batch()), self));
                }
                Pending::Some => self.wait_for_more().await,
                Pending::Nothing => {
                    // The sender lives as long as the record, which is ours.
                    let _ = self.changes.changed().await;
                }
                Pending::End => {
                    self.ended = true;
                    return self.record.refusal().map(|status| (Err(status), self));
                }
            }
        }
        None
    }

    async fn wait_for_more(&mut self) {
        tokio::select! {
            () = sleep_until(self.not_before) => {}
            _ = self.changes.changed() => {}
        }
    }

    fn take_batch(&mut self) -> EventBatch {
        let events = self.record.batch(self.cursor);
        self.cursor = events.last().map_or(self.cursor, |event| event.seq);
        self.not_before = Instant::now() + BATCH_INTERVAL;
        EventBatch { events }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Failure;
    use factory_proto::plugin_v1::{Completed, LogLine, event::Kind};
    use futures_util::StreamExt;
    use tokio_util::sync::CancellationToken;

    fn record() -> Arc<Record> {
        Arc::new(Record::new(CancellationToken::new()))
    }

    fn log() -> Kind {
        Kind::Log(LogLine { message: "line".into(), ..Default::default() })
    }

    fn write_logs(record: &Record, count: usize) {
        for _ in 0..count {
            record.write(log());
        }
    }

    async fn sizes(stream: EventStream) -> Vec<usize> {
        stream.map(|batch| batch.unwrap().events.len()).collect().await
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_event_goes_at_once_and_the_next_ones_together() {
        let record = record();
        let write = async {
            for _ in 0..50 {
                record.write(log());
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            record.write(Kind::Completed(Completed::default()));
        };
        let (sizes, ()) = tokio::join!(sizes(events_after(record.clone(), 0)), write);
        assert_eq!(sizes, [1, 50]);
    }

    #[tokio::test]
    async fn a_flood_is_sent_in_full_batches() {
        let record = record();
        write_logs(&record, 100_000);
        record.write(Kind::Completed(Completed::default()));
        let sizes = sizes(events_after(record, 0)).await;
        assert_eq!(sizes.iter().sum::<usize>(), 100_001);
        assert!(sizes.len() < 100, "{} batches", sizes.len());
    }

    #[tokio::test]
    async fn a_second_reader_gets_what_the_first_one_got() {
        let record = record();
        write_logs(&record, 10);
        record.write(Kind::Completed(Completed::default()));
        drop(events_after(record.clone(), 0).next().await);
        let rest: Vec<_> = events_after(record, 7).collect().await;
        assert_eq!(rest[0].as_ref().unwrap().events[0].seq, 8);
        assert_eq!(rest.len(), 1);
    }

    #[tokio::test]
    async fn a_refused_operation_ends_with_a_status() {
        let record = record();
        record.refuse(Failure::unimplemented("CreateTargetImage"));
        let items: Vec<_> = events_after(record, 0).collect().await;
        assert_eq!(items[0].as_ref().unwrap_err().code(), tonic::Code::Unimplemented);
        assert_eq!(items.len(), 1);
    }
}
