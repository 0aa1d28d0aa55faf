//! The rules of an operation's event stream (`events.proto`). Pure.

use crate::delegate::{Announced, OperationEvent};
use crate::domain::Failure;
use crate::plugin::convert;
use factory_proto::plugin_v1 as proto;
use factory_proto::plugin_v1::completed::Result as Completed;
use factory_proto::plugin_v1::event::Kind;
use std::time::SystemTime;

/// What was seen of an operation so far.
#[derive(Debug, Default)]
pub(super) struct Contract {
    last_seq: u64,
    percent: f64,
    ended: bool,
}

/// What an event is to us.
#[derive(Debug, PartialEq)]
pub(super) enum Admitted {
    /// The plugin lives.
    Nothing,
    /// Something to hand on.
    Event(OperationEvent),
    /// The operation's end.
    End(End),
}

/// How an operation ended by its plugin's account.
#[derive(Debug, PartialEq)]
pub(super) enum End {
    Completed(Option<Completed>),
    Failed(Failure),
    Cancelled { left_behind: Vec<String> },
}

impl Contract {
    /// Answers the number of the last event.
    pub(super) fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// Judges the next event, received at that time.
    ///
    /// # Errors
    /// Names the rule that it breaks.
    pub(super) fn admit(
        &mut self,
        event: proto::Event,
        received: SystemTime,
    ) -> Result<Admitted, String> {
        if self.ended {
            return Err(format!("event {} came after the operation's end", event.seq));
        }
        if event.seq != self.last_seq + 1 {
            let (after, seq) = (self.last_seq, event.seq);
            return Err(format!("event {seq} came after event {after}: numbers must rise by 1"));
        }
        self.last_seq = event.seq;
        let time = convert::time(event.time, received);
        // An unknown kind of event is one of a later version: it is skipped.
        let Some(kind) = event.kind else { return Ok(Admitted::Nothing) };
        let end = match kind {
            Kind::Completed(completed) => End::Completed(completed.result),
            Kind::Failed(failure) => End::Failed(convert::failure(failure)),
            Kind::Cancelled(it) => End::Cancelled { left_behind: it.left_behind },
            other => return self.announced(other, event.seq, time),
        };
        self.ended = true;
        Ok(Admitted::End(end))
    }

    fn announced(&mut self, kind: Kind, seq: u64, time: SystemTime) -> Result<Admitted, String> {
        let what = convert::announced(kind)?;
        Ok(what.map_or(Admitted::Nothing, |what| {
            Admitted::Event(OperationEvent { seq, time, what: self.clamp(what) })
        }))
    }

    /// Keeps percent between what it was and 100: a plugin that miscounts is no reason to fail a build.
    fn clamp(&mut self, what: Announced) -> Announced {
        let Announced::Progress { percent: Some(sent), progress } = what else { return what };
        if sent.is_nan() {
            return Announced::Progress { percent: None, progress };
        }
        self.percent = sent.clamp(self.percent, 100.0);
        Announced::Progress { percent: Some(self.percent), progress }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(seq: u64, kind: Kind) -> proto::Event {
        proto::Event { seq, time: None, kind: Some(kind) }
    }

    fn heartbeat(seq: u64) -> proto::Event {
        event(seq, Kind::Heartbeat(proto::Heartbeat {}))
    }

    fn completed(seq: u64) -> proto::Event {
        event(seq, Kind::Completed(proto::Completed::default()))
    }

    fn admit(contract: &mut Contract, event: proto::Event) -> Result<Admitted, String> {
        contract.admit(event, SystemTime::UNIX_EPOCH)
    }

    #[test]
    fn numbers_start_at_1_and_rise_by_1() {
        for (first, second) in [(0, None), (2, None), (1, Some(1)), (1, Some(3))] {
            let mut contract = Contract::default();
            let mut outcome = admit(&mut contract, heartbeat(first));
            if let Some(second) = second {
                assert_eq!(outcome, Ok(Admitted::Nothing));
                outcome = admit(&mut contract, heartbeat(second));
            }
            assert!(outcome.unwrap_err().contains("numbers must rise by 1"));
        }
    }

    #[test]
    fn nothing_follows_the_end() {
        let mut contract = Contract::default();
        assert_eq!(admit(&mut contract, completed(1)), Ok(Admitted::End(End::Completed(None))));
        for late in [completed(2), heartbeat(2)] {
            let rule = admit(&mut contract, late).unwrap_err();
            assert_eq!(rule, "event 2 came after the operation's end");
        }
    }

    #[test]
    fn percent_never_falls_and_stays_within_100() {
        let mut contract = Contract::default();
        let sent = [Some(10.0), Some(5.0), None, Some(f64::NAN), Some(-1.0), Some(1e9)];
        let mut seen = Vec::new();
        for (seq, percent) in (1..).zip(sent) {
            let progress = proto::Progress { percent, ..Default::default() };
            match admit(&mut contract, event(seq, Kind::Progress(progress))).unwrap() {
                Admitted::Event(OperationEvent {
                    what: Announced::Progress { percent, .. },
                    ..
                }) => seen.push(percent),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(seen, [Some(10.0), Some(10.0), None, None, Some(10.0), Some(100.0)]);
    }

    #[test]
    fn an_event_of_a_later_version_is_skipped() {
        let mut contract = Contract::default();
        let unknown = proto::Event { seq: 1, time: None, kind: None };
        assert_eq!(admit(&mut contract, unknown), Ok(Admitted::Nothing));
        assert_eq!(contract.last_seq(), 1);
    }
}
