//! When something that remains is tried again. Pure.
//!
//! | what is in the way | pauses |
//! |---|---|
//! | anything that may pass | 1 s, 2 s, 4 s, … at most 15 min |
//! | somebody has to change something: credentials, the plugin, its account | 1 min, 2 min, … at most 1 h |
//!
//! Each pause is up to a fifth longer or shorter, so that not all come at once. There is no last try.

use crate::domain::Fault;
use std::time::Duration;
use uuid::Uuid;

/// Answers how long to wait after the `attempt`th try (from 1). `chance` is from 0 to 1.
pub(super) fn pause(attempt: u32, fault: Fault, chance: f64) -> Duration {
    let (first, longest) = match fault {
        Fault::Transient | Fault::Conflict | Fault::Factory | Fault::Plugin | Fault::Host => {
            (1, 900)
        }
        Fault::User | Fault::Auth | Fault::Quota => (60, 3600),
    };
    let doubled = 1_u64.checked_shl(attempt.saturating_sub(1)).unwrap_or(u64::MAX);
    let seconds = doubled.saturating_mul(first).min(longest);
    Duration::from_secs(seconds).mul_f64(0.8 + 0.4 * chance.clamp(0.0, 1.0))
}

/// Makes a number from 0 to 1 of a fresh id; it need not be hard to guess, only different.
pub(super) fn chance(fresh: Uuid) -> f64 {
    let [a, b, ..] = *fresh.as_bytes();
    f64::from(u16::from_be_bytes([a, b])) / f64::from(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_to_a_limit_and_never_end() {
        let seconds = |attempt, fault| pause(attempt, fault, 0.5).as_secs();
        let soon = [1, 2, 3, 10, 11, 1000, u32::MAX].map(|n| seconds(n, Fault::Transient));
        assert_eq!(soon, [1, 2, 4, 512, 900, 900, 900]);
        let late = [1, 2, 6, 7, u32::MAX].map(|n| seconds(n, Fault::Auth));
        assert_eq!(late, [60, 120, 1920, 3600, 3600]);
        assert_eq!(pause(1, Fault::Plugin, 0.0), Duration::from_millis(800));
        assert_eq!(pause(1, Fault::Plugin, 1.0), Duration::from_millis(1200));
    }
}
