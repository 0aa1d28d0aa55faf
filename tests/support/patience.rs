//! Waiting for other programs: look often, give up at a deadline.

use std::thread;
use std::time::{Duration, Instant};

/// How often to look.
const INTERVAL: Duration = Duration::from_millis(20);

/// Looks until `look` finds something, and returns it; `None` once the deadline has passed.
pub(crate) fn look_until<T>(deadline: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + deadline;
    loop {
        let found = look();
        if found.is_some() || end <= Instant::now() {
            return found;
        }
        thread::sleep(INTERVAL);
    }
}
