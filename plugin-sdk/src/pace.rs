//! How often progress goes out: the newest wins, and percent never falls. Knows no clock.

use factory_proto::plugin_v1::Progress;
use std::time::Duration;
use tokio::time::Instant;

/// The shortest time between two progress events of an operation.
pub(crate) const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// Decides which reports of progress become events.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    held: Option<Progress>,
    last_out: Option<Instant>,
    percent_max: f64,
}

impl Pace {
    /// Takes a report. It waits until [`take_due`](Self::take_due) or [`take_held`](Self::take_held) hands it out.
    pub(crate) fn offer(&mut self, mut progress: Progress) {
        let percent = progress.percent.filter(|percent| percent.is_finite());
        progress.percent = percent.map(|percent| self.raise(percent.clamp(0.0, 100.0)));
        if progress.percent.is_none() {
            progress.percent = self.held.take().and_then(|held| held.percent);
        }
        self.held = Some(progress);
    }

    fn raise(&mut self, percent: f64) -> f64 {
        self.percent_max = self.percent_max.max(percent);
        self.percent_max
    }

    /// Returns the report that waits, if its time has come.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<Progress> {
        let due = self.last_out.is_none_or(|last| last + PROGRESS_INTERVAL <= now);
        if due { self.take_held(now) } else { None }
    }

    /// Returns the report that waits, whatever the time: something else goes out, and must come after it.
    pub(crate) fn take_held(&mut self, now: Instant) -> Option<Progress> {
        let held = self.held.take()?;
        self.last_out = Some(now);
        Some(held)
    }

    /// Returns when the report that waits may go out; `None` if none waits for a time.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.held.as_ref()?;
        Some(self.last_out? + PROGRESS_INTERVAL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(percent: f64) -> Progress {
        Progress { percent: Some(percent), ..Default::default() }
    }

    fn percent(progress: Option<Progress>) -> Option<f64> {
        progress.and_then(|progress| progress.percent)
    }

    #[test]
    fn the_first_report_goes_out_at_once_and_the_newest_of_the_rest_after_the_interval() {
        let start = Instant::now();
        let mut pace = Pace::default();
        pace.offer(at(1.0));
        assert_eq!(percent(pace.take_due(Instant::now())), Some(1.0));
        pace.offer(at(2.0));
        pace.offer(at(3.0));
        assert_eq!(pace.take_due(start), None);
        let later = Instant::now() + PROGRESS_INTERVAL;
        assert_eq!(percent(pace.take_due(later)), Some(3.0));
        assert_eq!(pace.take_due(later), None);
    }

    #[test]
    fn percent_never_falls_and_stays_within_its_range() {
        let mut pace = Pace::default();
        for (report, out) in [(20.0, 20.0), (10.0, 20.0), (-5.0, 20.0), (250.0, 100.0)] {
            pace.offer(at(report));
            assert_eq!(percent(pace.take_held(Instant::now())), Some(out));
        }
        pace.offer(at(f64::NAN));
        assert_eq!(percent(pace.take_held(Instant::now())), None);
    }

    #[test]
    fn a_report_without_percent_does_not_swallow_the_percent_that_waited() {
        let mut pace = Pace::default();
        pace.offer(at(40.0));
        pace.offer(Progress { activity: "unpacking".into(), ..Default::default() });
        let out = pace.take_held(Instant::now()).unwrap();
        assert_eq!((out.percent, out.activity.as_str()), (Some(40.0), "unpacking"));
    }
}
