//! The events of one operation that the factory has not acknowledged yet. Knows no clock, lock or channel.

use crate::Failure;
use factory_proto::plugin_v1::{Event, event::Kind};
use prost::Message;
use std::collections::VecDeque;
use tonic::Status;

/// How many bytes of unacknowledged events make a writer wait: of memory, which for small ones is far more than they take on
/// the wire.
pub(crate) const FULL_BYTES: usize = 32 * 1024 * 1024;
/// How many bytes of events go into one batch.
pub(crate) const BATCH_BYTES: usize = 64 * 1024;

/// The unacknowledged events, in order, and how the operation ended.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    entries: VecDeque<Entry>,
    acknowledged: u64,
    /// Bytes of all events ever written, so that the bytes between two events are a subtraction.
    written: usize,
    forgotten: usize,
    /// Bytes of memory that the unacknowledged events take.
    kept: usize,
    last_urgent: u64,
    end: Option<End>,
}

#[derive(Debug)]
struct Entry {
    event: Event,
    written: usize,
}

impl Entry {
    /// Returns about how many bytes of memory it takes.
    fn weight(&self) -> usize {
        size_of::<Self>() + self.event.encoded_len()
    }
}

/// How an operation ended.
#[derive(Debug, Clone)]
pub(crate) enum End {
    /// With a terminal event.
    Event,
    /// With a gRPC status, because the plugin does not have the method.
    Refused(Failure),
}

/// What a reader should do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pending {
    /// Wait for something new.
    Nothing,
    /// Wait a little, so that more can go into the batch.
    Some,
    /// Send now: a batch is full, or something must not wait.
    Now,
    /// Everything was read and nothing follows.
    End,
}

impl Journal {
    /// Adds an event and returns its number; does nothing once the operation has ended.
    pub(crate) fn push(&mut self, kind: Kind, time: prost_types::Timestamp) -> u64 {
        if self.end.is_some() {
            return self.last_seq();
        }
        if is_terminal(&kind) {
            self.end = Some(End::Event);
        }
        let urgent = is_terminal(&kind) || matches!(kind, Kind::ResourceIntent(_));
        let event = Event { seq: self.last_seq() + 1, time: Some(time), kind: Some(kind) };
        self.written += event.encoded_len();
        if urgent {
            self.last_urgent = event.seq;
        }
        let entry = Entry { event, written: self.written };
        self.kept += entry.weight();
        self.entries.push_back(entry);
        self.last_seq()
    }

    /// Ends the operation without a terminal event.
    pub(crate) fn refuse(&mut self, why: Failure) {
        self.end.get_or_insert(End::Refused(why));
    }

    /// Forgets all events up to a number.
    pub(crate) fn acknowledge(&mut self, up_to: u64) {
        while let Some(entry) = self.entries.front().filter(|entry| entry.event.seq <= up_to) {
            self.acknowledged = entry.event.seq;
            self.forgotten = entry.written;
            self.kept -= entry.weight();
            self.entries.pop_front();
        }
    }

    /// Returns the number of the last event.
    pub(crate) fn last_seq(&self) -> u64 {
        self.acknowledged + self.entries.len() as u64
    }

    /// Returns the number of the last event that was acknowledged.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// Tells whether writers must wait for an acknowledgement.
    pub(crate) fn is_full(&self) -> bool {
        FULL_BYTES <= self.kept
    }

    /// Tells whether nothing follows.
    pub(crate) fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// Returns why the plugin refused the operation, if it did.
    pub(crate) fn refusal(&self) -> Option<Status> {
        match &self.end {
            Some(End::Refused(why)) => Some(why.clone().into_status(tonic::Code::Unimplemented)),
            Some(End::Event) | None => None,
        }
    }

    /// Tells whether it ended and all of it was acknowledged.
    pub(crate) fn is_settled(&self) -> bool {
        self.has_ended() && self.entries.is_empty()
    }

    /// Says what a reader that has everything up to `cursor` should do.
    pub(crate) fn pending(&self, cursor: u64) -> Pending {
        let Some(last) = self.entries.back().filter(|last| cursor < last.event.seq) else {
            return if self.has_ended() { Pending::End } else { Pending::Nothing };
        };
        let read = match self.index_after(cursor) {
            0 => self.forgotten,
            index => self.entries[index - 1].written,
        };
        let full = BATCH_BYTES <= last.written - read;
        if full || self.has_ended() || cursor < self.last_urgent {
            return Pending::Now;
        }
        Pending::Some
    }

    /// Returns the events after `cursor` that go into one batch.
    pub(crate) fn batch(&self, cursor: u64) -> Vec<Event> {
        let mut bytes = 0;
        let unread = self.entries.range(self.index_after(cursor)..);
        unread
            .take_while(|entry| {
                let fits = bytes < BATCH_BYTES;
                bytes += entry.event.encoded_len();
                fits
            })
            .map(|entry| entry.event.clone())
            .collect()
    }

    fn index_after(&self, cursor: u64) -> usize {
        let index = cursor.saturating_sub(self.acknowledged) as usize;
        index.min(self.entries.len())
    }
}

fn is_terminal(kind: &Kind) -> bool {
    matches!(kind, Kind::Completed(_) | Kind::Failed(_) | Kind::Cancelled(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use factory_proto::plugin_v1::{Completed, Heartbeat, LogLine};

    fn log(bytes: usize) -> Kind {
        Kind::Log(LogLine { message: "x".repeat(bytes), ..Default::default() })
    }

    fn journal(kinds: impl IntoIterator<Item = Kind>) -> Journal {
        let mut journal = Journal::default();
        for kind in kinds {
            journal.push(kind, prost_types::Timestamp::default());
        }
        journal
    }

    fn seqs(events: &[Event]) -> Vec<u64> {
        events.iter().map(|event| event.seq).collect()
    }

    #[test]
    fn numbers_start_at_one_and_go_on_after_an_acknowledgement() {
        let mut journal = journal([log(1), log(1), log(1)]);
        assert_eq!(seqs(&journal.batch(0)), [1, 2, 3]);
        journal.acknowledge(2);
        assert_eq!(journal.push(log(1), prost_types::Timestamp::default()), 4);
        assert_eq!(seqs(&journal.batch(2)), [3, 4]);
        assert_eq!(seqs(&journal.batch(3)), [4]);
        assert_eq!(seqs(&journal.batch(9)), Vec::<u64>::new());
    }

    #[test]
    fn nothing_follows_a_terminal_event() {
        let mut journal = journal([Kind::Completed(Completed::default()), log(1)]);
        assert_eq!(journal.last_seq(), 1);
        assert!(journal.has_ended() && !journal.is_settled());
        assert_eq!(journal.pending(0), Pending::Now);
        assert_eq!(journal.pending(1), Pending::End);
        journal.acknowledge(1);
        assert!(journal.is_settled());
    }

    #[test]
    fn a_reader_waits_for_more_until_a_batch_is_full() {
        assert_eq!(journal([]).pending(0), Pending::Nothing);
        assert_eq!(journal([log(10)]).pending(0), Pending::Some);
        let full = journal([log(BATCH_BYTES / 2), log(BATCH_BYTES / 2), log(1)]);
        assert_eq!(full.pending(0), Pending::Now);
        assert_eq!(full.pending(1), Pending::Some);
        assert_eq!(seqs(&full.batch(0)), [1, 2]);
    }

    #[test]
    fn an_intent_is_not_kept_waiting() {
        let intent = Kind::ResourceIntent(Default::default());
        let journal = journal([log(1), intent, Kind::Heartbeat(Heartbeat {})]);
        assert_eq!(journal.pending(0), Pending::Now);
    }

    #[test]
    fn it_is_full_until_enough_is_acknowledged() {
        let mut journal = journal((0..32).map(|_| log(1024 * 1024)));
        assert!(journal.is_full());
        journal.acknowledge(1);
        assert!(!journal.is_full());
    }

    #[test]
    fn tiny_events_count_as_what_they_take_in_memory() {
        let mut journal = Journal::default();
        let written = (0..).take_while(|_| {
            let full = journal.is_full();
            journal.push(log(1), prost_types::Timestamp::default());
            !full
        });
        assert!(written.count() <= FULL_BYTES / size_of::<Entry>());
        journal.acknowledge(journal.last_seq());
        assert_eq!(journal.kept, 0);
    }

    #[test]
    fn acknowledging_too_much_or_twice_does_no_harm() {
        let mut journal = journal([log(1), log(1)]);
        journal.acknowledge(1);
        journal.acknowledge(1);
        journal.acknowledge(99);
        assert_eq!((journal.acknowledged(), journal.last_seq()), (2, 2));
    }
}
