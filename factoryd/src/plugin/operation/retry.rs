//! Whether a call that did not come to its end is made again. Pure.

use crate::plugin::failure::is_broken;
use factory_proto::plugin_v1::Failure;
use std::time::Duration;
use tonic::{Code, Status};

/// How often a call is made again without an event in between.
const ATTEMPTS_MAX: u32 = 6;
const PAUSE_FIRST: Duration = Duration::from_millis(50);
/// The longest pause that a plugin may ask for.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// What to do about a call that did not come to its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Wait, and make it again.
    Again(Duration),
    /// The plugin means it.
    Refused,
    /// The connection broke and can't be had again.
    Lost,
    /// A message was larger than allowed.
    TooLarge,
}

/// Decides what to do after the `attempt`-th failure in a row (from 1); `details` is the plugin's own account.
pub(super) fn next(status: &Status, details: Option<&Failure>, attempt: u32) -> Next {
    if is_broken(status) {
        return again(attempt, None).unwrap_or(Next::Lost);
    }
    match status.code() {
        Code::OutOfRange if status.message().contains("message length too large") => Next::TooLarge,
        Code::Aborted | Code::Unavailable => again(attempt, None).unwrap_or(Next::Refused),
        Code::ResourceExhausted => {
            let retry = details.and_then(|failure| failure.retry.as_ref());
            let wanted = retry.filter(|retry| retry.retryable);
            let after = wanted.map(|retry| {
                let after = retry.after.and_then(|after| Duration::try_from(after).ok());
                after.unwrap_or(Duration::from_secs(1)).min(PAUSE_MAX)
            });
            after.and_then(|after| again(attempt, Some(after))).unwrap_or(Next::Refused)
        }
        _ => Next::Refused,
    }
}

fn again(attempt: u32, pause: Option<Duration>) -> Option<Next> {
    let doubling = || PAUSE_FIRST.saturating_mul(1 << attempt.min(10));
    (attempt < ATTEMPTS_MAX).then(|| Next::Again(pause.unwrap_or_else(doubling)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use factory_proto::plugin_v1::Retry;

    fn broken() -> Status {
        Status::from_error(Box::new(std::io::Error::from(std::io::ErrorKind::BrokenPipe)))
    }

    #[test]
    fn a_broken_connection_is_tried_again_with_growing_pauses_and_then_lost() {
        let pauses: Vec<Next> = (1..=6).map(|attempt| next(&broken(), None, attempt)).collect();
        let millis = |ms| Next::Again(Duration::from_millis(ms));
        let expected =
            [millis(100), millis(200), millis(400), millis(800), millis(1600), Next::Lost];
        assert_eq!(pauses, expected);
    }

    #[test]
    fn what_the_plugin_means_is_not_tried_again() {
        for status in
            [Status::invalid_argument("no"), Status::internal("oops"), Status::unknown("x")]
        {
            assert_eq!(next(&status, None, 1), Next::Refused);
        }
        assert!(matches!(next(&Status::aborted("watched"), None, 1), Next::Again(_)));
        assert!(matches!(next(&Status::unavailable("not now"), None, 1), Next::Again(_)));
        assert_eq!(next(&Status::unavailable("not now"), None, 6), Next::Refused);
    }

    #[test]
    fn a_plugin_that_is_full_says_when_to_come_again() {
        let failure = |seconds| Failure {
            retry: Some(Retry {
                retryable: true,
                after: Some(prost_types::Duration { seconds, nanos: 0 }),
            }),
            ..Default::default()
        };
        let full = Status::resource_exhausted("full");
        assert_eq!(next(&full, None, 1), Next::Refused);
        assert_eq!(next(&full, Some(&failure(2)), 1), Next::Again(Duration::from_secs(2)));
        assert_eq!(next(&full, Some(&failure(9999)), 1), Next::Again(PAUSE_MAX));
    }
}
