//! What becomes of a delivery after a try. Pure.
//!
//! | answer | what follows |
//! |---|---|
//! | 2xx | delivered |
//! | 410 | the receiver wants no more: stopped |
//! | no answer, 408, 425, 429, 5xx | again after 1 s, 2 s, 4 s, … at most 15 min |
//! | 3xx, other 4xx, forbidden by the policy | again after 1 min, 2 min, … at most 1 h |
//!
//! Each pause is up to a fifth longer or shorter, so that not all come at once; a `Retry-After` makes it longer, up to a
//! day. Three days after its first failure a delivery is given up, and its callback with it: the next change would
//! arrive without this one.

use crate::outbound::{Answer, Error};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);
/// How long a delivery is tried.
pub(super) const PATIENCE: Duration = Duration::from_secs(3 * 24 * 3600);

/// How a try ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It was taken.
    Delivered,
    /// The receiver wants no more.
    Unwanted,
    /// It was not taken; it may be later.
    Failed {
        /// Why.
        why: String,
        /// Whether somebody has to change something first.
        slow: bool,
        /// When the receiver wants to be asked again.
        retry_after: Option<Duration>,
    },
}

impl Outcome {
    /// Reads what came of a try.
    pub(super) fn of(tried: Result<Answer, Error>) -> Self {
        let failed = |why, slow, retry_after| Self::Failed { why, slow, retry_after };
        match tried {
            Ok(Answer { status: 200..=299, .. }) => Self::Delivered,
            Ok(Answer { status: 410, .. }) => Self::Unwanted,
            Ok(Answer { status, retry_after }) => {
                let soon = matches!(status, 408 | 425 | 429 | 500..=599);
                let retry_after = retry_after.filter(|_| matches!(status, 429 | 503));
                failed(format!("the receiver answers {status}"), !soon, retry_after)
            }
            Err(error) => {
                let forbidden = matches!(
                    error,
                    Error::Address { .. } | Error::Scheme { .. } | Error::Unreadable { .. }
                );
                failed(crate::report::chain(&error).to_string(), forbidden, None)
            }
        }
    }
}

/// Answers how long to wait after the `attempt`th failure (from 1), the first of which is `failing` ago; `None` to give up.
/// `chance` is from 0 to 1.
pub(super) fn pause(
    attempt: u32,
    failing: Duration,
    slow: bool,
    retry_after: Option<Duration>,
    chance: f64,
) -> Option<Duration> {
    let (first, longest) = if slow { (60, 3600) } else { (1, 900) };
    let doubled = 1_u64.checked_shl(attempt.saturating_sub(1)).unwrap_or(u64::MAX);
    let seconds = doubled.saturating_mul(first).min(longest);
    let pause = Duration::from_secs(seconds).mul_f64(0.8 + 0.4 * chance.clamp(0.0, 1.0));
    let pause = pause.max(retry_after.unwrap_or_default().min(DAY));
    (failing + pause <= PATIENCE).then_some(pause)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, retry_after: Option<u64>) -> Outcome {
        let retry_after = retry_after.map(Duration::from_secs);
        Outcome::of(Ok(Answer { status, retry_after }))
    }

    #[test]
    fn answers_mean_what_they_say() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(answered(status, None), Outcome::Delivered);
        }
        assert_eq!(answered(410, None), Outcome::Unwanted);
        for (status, slow_expected) in [
            (301, true),
            (308, true),
            (400, true),
            (401, true),
            (404, true),
            (408, false),
            (425, false),
            (429, false),
            (500, false),
            (502, false),
            (503, false),
            (100, true),
        ] {
            let Outcome::Failed { slow, .. } = answered(status, None) else { panic!("{status}") };
            assert_eq!(slow, slow_expected, "{status}");
        }
        let wait = |status| match answered(status, Some(7)) {
            Outcome::Failed { retry_after, .. } => retry_after,
            _ => None,
        };
        assert_eq!(
            (wait(429), wait(503)),
            (Some(Duration::from_secs(7)), Some(Duration::from_secs(7)))
        );
        assert_eq!((wait(500), wait(404)), (None, None));
    }

    #[test]
    fn pauses_double_to_a_limit_and_end_after_three_days() {
        let seconds =
            |attempt, slow| pause(attempt, Duration::ZERO, slow, None, 0.5).unwrap().as_secs();
        assert_eq!([1, 2, 3, 10, 11, 1000].map(|n| seconds(n, false)), [1, 2, 4, 512, 900, 900]);
        assert_eq!([1, 2, 6, 7, u32::MAX].map(|n| seconds(n, true)), [60, 120, 1920, 3600, 3600]);
        assert_eq!(pause(1, Duration::ZERO, false, None, 0.0), Some(Duration::from_millis(800)));
        assert_eq!(pause(1, Duration::ZERO, false, None, 1.0), Some(Duration::from_millis(1200)));
        let asked =
            |seconds| pause(1, Duration::ZERO, false, Some(Duration::from_secs(seconds)), 0.5);
        assert_eq!(asked(3000), Some(Duration::from_secs(3000)));
        assert_eq!(asked(u64::MAX), Some(DAY), "a receiver can't stop it for ever");
        assert_eq!(pause(500, PATIENCE, false, None, 0.5), None);
        assert!(pause(500, PATIENCE - Duration::from_secs(901), false, None, 0.5).is_some());
    }
}
