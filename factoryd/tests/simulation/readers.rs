//! Readers that follow events: fast and slow ones, and such that drop out and come back with their cursor.

use crate::machine::Machine;
use factoryd::domain::{Event, EventKind, ImageId};
use factoryd::factory::{Factory, WatchRequest};
use futures_util::StreamExt;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A reader: what it has seen outlives every crash.
pub(crate) struct Reader {
    machine: Arc<Machine>,
    pub(crate) number: usize,
    pub(crate) logs: bool,
    slow: u64,
    drops_one_in: u64,
    seen: Mutex<Vec<Event>>,
}

impl Reader {
    pub(crate) fn several(machine: &Arc<Machine>) -> Vec<Arc<Self>> {
        let number = machine.chance(|chance| chance.between(1, 2));
        (0..usize::try_from(number).unwrap()).map(|number| Self::new(machine, number)).collect()
    }

    fn new(machine: &Arc<Machine>, number: usize) -> Arc<Self> {
        let machine = machine.clone();
        let (logs, slow, drops_one_in) = machine.chance(|chance| {
            let slow = *chance.pick(&[0, 0, 50, 1000]).unwrap();
            (!chance.one_in(3), slow, *chance.pick(&[0, 5, 30]).unwrap())
        });
        Arc::new(Self { machine, number, logs, slow, drops_one_in, seen: Mutex::default() })
    }

    /// Answers the last cursor it has seen.
    pub(crate) fn cursor(&self) -> u64 {
        self.seen.lock().unwrap().last().map_or(0, |event| event.cursor)
    }

    /// Follows all events for ever.
    pub(crate) async fn follow(self: Arc<Self>, factory: Factory, images: Vec<ImageId>) {
        loop {
            let (after, logs) = (self.cursor(), self.logs);
            let request = WatchRequest { images: images.clone(), after, follow: true, logs };
            let mut events = pin!(factory.watch(request));
            while let Some(event) = events.next().await {
                let Ok(event) = event else { break };
                self.see(event);
                let (pause, drops) = self.machine.chance(|chance| {
                    (chance.below(self.slow + 1), chance.one_in(self.drops_one_in))
                });
                let pause = if self.machine.is_calm() { 0 } else { pause };
                if pause != 0 {
                    self.machine.count("pauses of readers");
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                }
                if drops {
                    self.machine.note(format!("reader {} drops out", self.number));
                    self.machine.count("readers that drop out");
                    break;
                }
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    fn see(&self, event: Event) {
        let last = self.cursor();
        if event.cursor <= last {
            let number = self.number;
            self.machine.wrong(format!("reader {number} got {} after {last}", event.cursor));
        }
        self.seen.lock().unwrap().push(event);
    }

    /// Compares what was seen with all there is: nothing that was seen may be missing or different, nothing may be left out.
    pub(crate) fn check(&self, all: &[Event]) {
        let seen = self.seen.lock().unwrap();
        let last = seen.last().map_or(0, |event| event.cursor);
        let expected: Vec<&Event> = all
            .iter()
            .filter(|event| event.cursor <= last)
            .filter(|event| self.logs || !matches!(event.kind, EventKind::Log(_)))
            .collect();
        for (seen, expected) in seen.iter().zip(&expected) {
            if normal(seen) != normal(expected) {
                let (number, cursor) = (self.number, seen.cursor);
                self.machine.wrong(format!(
                    "reader {number} saw {cursor} as {seen:?}, and now there is {expected:?}"
                ));
                return;
            }
        }
        if seen.len() != expected.len() {
            let (number, got, there) = (self.number, seen.len(), expected.len());
            self.machine.wrong(format!("reader {number} saw {got} events up to {last} of {there}"));
        }
    }
}

/// Takes out where the store is, which changes from life to life.
fn normal(event: &Event) -> Event {
    let mut event = event.clone();
    if let EventKind::Artifact(artifact) = &mut event.kind {
        let names: Vec<_> = artifact.path.iter().rev().take(2).collect();
        artifact.path = names.iter().rev().collect();
    }
    event
}
