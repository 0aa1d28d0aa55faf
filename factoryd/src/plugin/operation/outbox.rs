//! The buffer between the task that reads from a plugin and the task that feeds the sink.

use super::buffer::{Batch, Buffer};
use crate::delegate::OperationEvent;
use crate::plugin::lock::lock;
use std::sync::Mutex;
use tokio::sync::Notify;

/// The buffer between one reader and one feeder.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    state: Mutex<State>,
    filled: Notify,
    emptied: Notify,
}

#[derive(Debug, Default)]
struct State {
    buffer: Buffer,
    closed: bool,
    abandoned: bool,
}

impl State {
    fn has_room(&self) -> bool {
        self.abandoned || !self.buffer.is_full()
    }

    fn take(&mut self) -> (Option<Batch>, bool) {
        (self.buffer.take(), self.closed)
    }
}

impl Outbox {
    /// Takes events in, and notes that all up to `seq` came.
    pub(super) fn push(&self, events: Vec<OperationEvent>, seq: u64) {
        let mut state = lock(&self.state);
        if !state.abandoned {
            events.into_iter().for_each(|event| state.buffer.push(event));
            state.buffer.seen(seq);
        }
        drop(state);
        self.filled.notify_one();
    }

    /// Waits until there is room for more.
    pub(super) async fn room(&self) {
        loop {
            if lock(&self.state).has_room() {
                return;
            }
            self.emptied.notified().await;
        }
    }

    /// Waits for the oldest events; answers `None` when there are none left and no more will come.
    pub(super) async fn take(&self) -> Option<Batch> {
        loop {
            let (batch, closed) = lock(&self.state).take();
            self.emptied.notify_one();
            if batch.is_some() || closed {
                return batch;
            }
            self.filled.notified().await;
        }
    }

    /// Says that no more events will come.
    pub(super) fn close(&self) {
        lock(&self.state).closed = true;
        self.filled.notify_one();
    }

    /// Says that nobody takes events any more: they are dropped.
    pub(super) fn abandon(&self) {
        let mut state = lock(&self.state);
        state.abandoned = true;
        state.buffer = Buffer::default();
        drop(state);
        self.emptied.notify_one();
    }
}
