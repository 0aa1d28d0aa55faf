//! Waiting for what this process writes.
//!
//! Who waits is woken in the order in which the waiting began. (A channel of tokio's kind for this wakes in an arbitrary order,
//! so that no run could be repeated.)

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Notify;

/// Wakes who waits for news. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Herald(Arc<Told>);

#[derive(Debug, Default)]
struct Told {
    times: AtomicU64,
    notify: Notify,
}

impl Herald {
    /// Says that there may be news.
    pub(super) fn tell(&self) {
        self.0.times.fetch_add(1, Ordering::Release);
        self.0.notify.notify_waiters();
    }

    /// Answers one who has heard everything so far.
    pub(super) fn listen(&self) -> News {
        News { heard: self.0.times.load(Ordering::Acquire), herald: self.clone() }
    }
}

/// Tells that this process wrote something to the store.
#[derive(Debug, Clone)]
pub struct News {
    herald: Herald,
    heard: u64,
}

impl News {
    /// Takes what there is as heard.
    pub fn mark_unchanged(&mut self) {
        self.heard = self.herald.0.times.load(Ordering::Acquire);
    }

    /// Waits for something that was not heard yet.
    pub async fn changed(&mut self) {
        loop {
            let mut told = pin!(self.herald.0.notify.notified());
            // In the queue before looking, so that nothing is told in between.
            told.as_mut().enable();
            let times = self.herald.0.times.load(Ordering::Acquire);
            if times != self.heard {
                self.heard = times;
                return;
            }
            told.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn what_is_told_before_or_while_one_waits_is_heard_once() {
        let herald = Herald::default();
        let mut news = herald.listen();
        assert!(news.changed().now_or_never().is_none());
        herald.tell();
        herald.tell();
        assert!(news.changed().now_or_never().is_some());
        assert!(news.changed().now_or_never().is_none());
        let mut other = news.clone();
        let mut waits = tokio::task::JoinSet::new();
        waits.spawn(async move { other.changed().await });
        tokio::task::yield_now().await;
        herald.tell();
        waits.join_next().await.unwrap().unwrap();
        news.mark_unchanged();
        assert!(news.changed().now_or_never().is_none());
    }
}
