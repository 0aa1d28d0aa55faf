//! Events between the plugin that sends them and the sink that takes them. Pure.

use crate::delegate::{Announced, OperationEvent};
use std::collections::VecDeque;

/// Beyond this many bytes the reader waits for the sink, and HTTP/2 makes the plugin wait for the reader.
const BYTES_MAX: usize = 32 * 1024 * 1024;
/// Beyond this many bytes the newest progress takes the place of the one before it.
const COALESCE_BYTES: usize = 24 * 1024 * 1024;
/// How much the sink is given at once.
const BATCH_EVENTS_MAX: usize = 1024;
const BATCH_BYTES_MAX: usize = 1024 * 1024;

/// Events between the plugin that sends them and the sink that takes them.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    events: VecDeque<OperationEvent>,
    bytes: usize,
    /// The last event that came in, whether it is handed on or not.
    last_seq: u64,
    /// The last event that went out.
    taken_seq: u64,
}

/// Some events for the sink.
#[derive(Debug, PartialEq)]
pub(super) struct Batch {
    /// The events; may be empty when only heartbeats came.
    pub(super) events: Vec<OperationEvent>,
    /// When the sink has taken them, all events up to this number are done with.
    pub(super) up_to_seq: u64,
}

impl Buffer {
    /// Takes an event in. Loses nothing but progress that newer progress replaces, and that only if there is much.
    pub(super) fn push(&mut self, event: OperationEvent) {
        self.last_seq = event.seq;
        if COALESCE_BYTES < self.bytes && is_progress(&event) {
            self.events.pop_back_if(|last| is_progress(last)).iter().for_each(|replaced| {
                self.bytes -= weight(replaced);
            });
        }
        self.bytes += weight(&event);
        self.events.push_back(event);
    }

    /// Notes that events up to a number came, and are nothing for the sink.
    pub(super) fn seen(&mut self, seq: u64) {
        self.last_seq = seq;
    }

    /// Tells whether the reader should wait.
    pub(super) fn is_full(&self) -> bool {
        BYTES_MAX <= self.bytes
    }

    /// Answers the oldest events; `None` if nothing came since.
    pub(super) fn take(&mut self) -> Option<Batch> {
        if self.taken_seq == self.last_seq {
            return None;
        }
        let (mut events, mut bytes) = (Vec::new(), 0);
        while let Some(event) = self.events.pop_front() {
            bytes += weight(&event);
            events.push(event);
            if BATCH_EVENTS_MAX <= events.len() || BATCH_BYTES_MAX <= bytes {
                break;
            }
        }
        self.bytes -= bytes;
        let last = events.last().map(|event| event.seq);
        self.taken_seq = last.filter(|_| !self.events.is_empty()).unwrap_or(self.last_seq);
        Some(Batch { events, up_to_seq: self.taken_seq })
    }
}

fn is_progress(event: &OperationEvent) -> bool {
    matches!(event.what, Announced::Progress { .. })
}

/// Answers about how many bytes an event takes.
fn weight(event: &OperationEvent) -> usize {
    let text = match &event.what {
        Announced::Progress { progress, .. } => {
            progress.phase.len() + progress.activity.len() + progress.unit.len()
        }
        Announced::Property { key, value_json } => key.len() + value_json.len(),
        Announced::Log(line) => line.message.len() + line.source.len(),
        Announced::Warning(it) => it.message.len() + it.hint.len() + it.path.len(),
        Announced::Artifact { role, file, format, sha256, media_type, .. } => {
            role.len() + file.len() + format.len() + sha256.len() + media_type.len()
        }
        Announced::Packages(list) => list.icicle_xml.len(),
        Announced::CloudIdentifiers(it) => {
            it.identifier_on_provider.len() + it.provider_account_identifier.len()
        }
        Announced::Resource(it) => {
            it.intent_id.len() + it.description.len() + it.locator_json.len() + it.resource_id.len()
        }
        Announced::ResourceRemains { intent_id, why } => {
            intent_id.len() + why.message.len() + why.hint.len() + why.detail.len()
        }
    };
    size_of::<OperationEvent>() + text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{LogLevel, LogLine, Progress};
    use std::time::SystemTime;

    fn log(seq: u64, len: usize) -> OperationEvent {
        let message = "x".repeat(len);
        let line = LogLine { level: LogLevel::Info, message, source: String::new() };
        OperationEvent { seq, time: SystemTime::UNIX_EPOCH, what: Announced::Log(line) }
    }

    fn progress(seq: u64) -> OperationEvent {
        let what = Announced::Progress { percent: None, progress: Progress::default() };
        OperationEvent { seq, time: SystemTime::UNIX_EPOCH, what }
    }

    fn all(buffer: &mut Buffer) -> Vec<u64> {
        let batches = std::iter::from_fn(|| buffer.take());
        batches.flat_map(|batch| batch.events).map(|event| event.seq).collect()
    }

    #[test]
    fn a_hundred_thousand_tiny_events_fit_and_none_is_lost() {
        let mut buffer = Buffer::default();
        (1..=100_000).for_each(|seq| buffer.push(progress(seq)));
        assert!(!buffer.is_full());
        assert_eq!(all(&mut buffer), (1..=100_000).collect::<Vec<_>>());
        assert_eq!(buffer.bytes, 0);
    }

    #[test]
    fn with_much_waiting_only_progress_is_replaced_and_only_by_what_follows_it() {
        let mut buffer = Buffer::default();
        buffer.push(log(1, COALESCE_BYTES));
        buffer.push(progress(2));
        buffer.push(progress(3));
        buffer.push(log(4, 1));
        buffer.push(progress(5));
        assert_eq!(all(&mut buffer), [1, 3, 4, 5]);
        assert_eq!(buffer.bytes, 0);
    }

    #[test]
    fn a_full_buffer_has_room_again_once_events_are_taken() {
        let mut buffer = Buffer::default();
        let lines = BYTES_MAX / 65_536;
        (1..=lines as u64).for_each(|seq| buffer.push(log(seq, 65_536)));
        assert!(buffer.is_full());
        assert!(buffer.take().unwrap().events.len() <= 16, "a batch is limited by its bytes too");
        assert!(!buffer.is_full());
    }

    #[test]
    fn what_is_nothing_for_the_sink_is_done_with_once_all_before_it_is_taken() {
        let mut buffer = Buffer::default();
        assert_eq!(buffer.take(), None);
        (1..=1025).for_each(|seq| buffer.push(progress(seq)));
        buffer.seen(1026);
        assert_eq!(buffer.take().map(|batch| batch.up_to_seq), Some(1024));
        assert_eq!(buffer.take().map(|batch| batch.up_to_seq), Some(1026));
        buffer.seen(1027);
        assert_eq!(buffer.take(), Some(Batch { events: Vec::new(), up_to_seq: 1027 }));
        assert_eq!(buffer.take(), None);
    }
}
