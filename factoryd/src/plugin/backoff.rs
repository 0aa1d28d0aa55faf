//! When a plugin that ended by itself may be started again. Pure: time is an argument.

use super::options::Timing;
use std::time::{Duration, Instant};

/// A process that lived this long is not counted as a quick crash.
const LONG_LIFE: Duration = Duration::from_secs(60);

/// When a plugin that ended by itself may be started again: at once after the first time, then later and later.
#[derive(Debug)]
pub(super) struct Backoff {
    first: Duration,
    max: Duration,
    crashes: u32,
    not_before: Option<Instant>,
}

impl Backoff {
    pub(super) fn new(timing: &Timing) -> Self {
        Self { first: timing.backoff_first, max: timing.backoff_max, crashes: 0, not_before: None }
    }

    /// Notes that a process ended by itself at `now`. It was `useful` if an operation had come to its own end in it.
    pub(super) fn crashed(&mut self, now: Instant, lived: Duration, useful: bool) {
        let quick = !useful && lived < LONG_LIFE;
        self.crashes = if quick { self.crashes.saturating_add(1) } else { 1 };
        self.not_before = Some(now + self.pause());
    }

    /// Answers how long a start must still wait.
    pub(super) fn remaining(&self, now: Instant) -> Duration {
        self.not_before.map_or(Duration::ZERO, |at| at.saturating_duration_since(now))
    }

    fn pause(&self) -> Duration {
        match self.crashes {
            0 | 1 => Duration::ZERO,
            more => self.first.saturating_mul(1 << (more - 2).min(20)).min(self.max),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Duration = Duration::from_millis(10);

    fn pauses(crashes: &[(Duration, bool)]) -> Vec<u64> {
        let mut backoff = Backoff::new(&Timing::default());
        let now = Instant::now();
        let after = |&(lived, useful): &(Duration, bool)| {
            backoff.crashed(now, lived, useful);
            u64::try_from(backoff.remaining(now).as_millis()).unwrap()
        };
        crashes.iter().map(after).collect()
    }

    #[test]
    fn the_first_restart_is_immediate_and_the_pause_then_doubles_up_to_its_maximum() {
        let expected = [0, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000];
        assert_eq!(pauses(&[(QUICK, false); 9]), expected);
        assert_eq!(pauses(&[(QUICK, false); 100])[99], 30_000);
    }

    #[test]
    fn a_useful_or_long_life_starts_the_count_anew() {
        assert_eq!(pauses(&[(QUICK, false), (QUICK, false), (QUICK, true)]), [0, 500, 0]);
        assert_eq!(pauses(&[(QUICK, false), (QUICK, false), (LONG_LIFE, false)]), [0, 500, 0]);
    }

    #[test]
    fn waiting_is_over_when_the_time_has_come() {
        let mut backoff = Backoff::new(&Timing::default());
        let now = Instant::now();
        backoff.crashed(now, QUICK, false);
        backoff.crashed(now, QUICK, false);
        assert_eq!(backoff.remaining(now + Duration::from_millis(400)).as_millis(), 100);
        assert_eq!(backoff.remaining(now + Duration::from_secs(9)), Duration::ZERO);
    }
}
