//! Who may begin: a bounded line in which callers take turns, and then room on the disk.

mod disk;
mod line;

pub use disk::DiskOptions;

use super::{Job, Jobs};
use crate::domain::ImageId;
use crate::pipeline;
use line::Line;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// So many images wait that no more are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{waiting} images wait to be built, and no more are taken until some of them are done")]
pub struct Busy {
    /// How many wait.
    pub waiting: usize,
}

/// The line of one process.
pub(super) struct Admission {
    waiting_max: usize,
    state: Mutex<State>,
    moved: Notify,
}

struct State {
    line: Line,
    /// Who asked for images that have not come to the line yet.
    callers: BTreeMap<ImageId, String>,
    /// The numbers of those who wait.
    numbers: BTreeMap<ImageId, u64>,
    /// Those who were let in and have not entered yet.
    called: Vec<u64>,
}

/// A place, until dropped.
pub(super) struct Place<'a> {
    admission: &'a Admission,
    number: u64,
    image: ImageId,
}

impl Admission {
    /// Makes a line before so many places, in which so many may wait.
    pub(super) fn new(places: usize, waiting_max: usize) -> Self {
        let (callers, numbers, called) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        let state = State { line: Line::new(places), callers, numbers, called };
        Self { waiting_max, state: Mutex::new(state), moved: Notify::new() }
    }

    /// Takes an image that is about to be recorded, for the caller.
    pub(super) fn take(&self, image: &ImageId, caller: &str) -> Result<(), Busy> {
        let mut state = self.state();
        let waiting = state.line.waiting() + state.callers.len();
        if self.waiting_max <= waiting {
            return Err(Busy { waiting });
        }
        state.callers.insert(image.clone(), caller.to_owned());
        Ok(())
    }

    /// Forgets an image that was taken and could not be recorded.
    pub(super) fn forget(&self, image: &ImageId) {
        self.state().callers.remove(image);
    }

    /// Answers how many images of the same caller wait before one; `None` if it does not wait here.
    pub(super) fn before(&self, image: &ImageId) -> Option<usize> {
        let state = self.state();
        state.numbers.get(image).and_then(|number| state.line.before(*number))
    }

    /// Waits for a place. Dropping the wait leaves the line.
    async fn place(&self, image: &ImageId, plugins: line::Plugins) -> Place<'_> {
        let place = self.come(image, plugins);
        loop {
            let mut moved = std::pin::pin!(self.moved.notified());
            moved.as_mut().enable();
            if self.is_called(place.number) {
                return place;
            }
            moved.await;
        }
    }

    fn come(&self, image: &ImageId, plugins: line::Plugins) -> Place<'_> {
        let mut state = self.state();
        let caller = state.callers.remove(image).unwrap_or_default();
        let number = state.line.come(&caller, plugins);
        state.numbers.insert(image.clone(), number);
        self.call(&mut state);
        Place { admission: self, number, image: image.clone() }
    }

    /// Calls everybody who may enter.
    fn call(&self, state: &mut State) {
        while let Some(number) = state.line.admit() {
            state.called.push(number);
        }
        self.moved.notify_waiters();
    }

    fn is_called(&self, number: u64) -> bool {
        let mut state = self.state();
        let found = state.called.iter().position(|called| *called == number);
        found.map(|index| state.called.remove(index)).is_some()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.admission.state();
        state.line.go(self.number);
        state.called.retain(|called| *called != self.number);
        state.numbers.remove(&self.image);
        self.admission.call(&mut state);
    }
}

impl Jobs {
    /// Takes an image that is about to be recorded, for a caller, who may have none (a command line in its own process).
    ///
    /// # Errors
    /// If so many wait that no more are taken.
    pub fn take(&self, image: &ImageId, caller: &str) -> Result<(), Busy> {
        self.0.admission.take(image, caller)
    }

    /// Forgets an image that was taken and could not be recorded.
    pub fn forget(&self, image: &ImageId) {
        self.0.admission.forget(image);
    }

    /// Answers how many images of its caller wait before an image that waits for a place here.
    pub fn waiting_before(&self, image: &ImageId) -> Option<usize> {
        self.0.admission.before(image)
    }

    /// Waits until a job may begin: for its turn, then for room on the disk. Who waits for room keeps its place, or others
    /// would take the room again and again.
    ///
    /// # Errors
    /// If it is cancelled, or needs more room than there can be.
    pub(super) async fn admit(
        &self,
        job: &Job,
        cancellation: &CancellationToken,
    ) -> pipeline::Result<Place<'_>> {
        let image = &job.image;
        let waiting = async {
            let plugins = self.0.pipeline.plugins_of(image, &job.template).await;
            self.0.admission.place(&image.id, plugins).await
        };
        let place = cancellation.run_until_cancelled(waiting).await;
        let place = place.ok_or_else(|| pipeline::cancelled(&[]))?;
        self.room(job, cancellation).await?;
        Ok(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u32) -> ImageId {
        ImageId::parse(&format!("0192f3a4-5b6c-7d8e-9f01-{number:012}")).unwrap()
    }

    #[tokio::test]
    async fn one_that_stops_waiting_or_working_makes_room_for_the_next() {
        let admission = Admission::new(1, 10);
        let ids = [1, 2, 3, 4].map(id);
        let wait = |index: usize| Box::pin(admission.place(&ids[index], Vec::new()));
        let first = wait(0).await;
        let [mut second, mut third, mut fourth] = [1, 2, 3].map(wait);
        for waiting in [&mut second, &mut third, &mut fourth] {
            assert!(futures_util::poll!(waiting.as_mut()).is_pending());
        }
        assert_eq!(admission.before(&ids[3]), Some(2));
        drop(second);
        assert_eq!((admission.before(&ids[1]), admission.before(&ids[3])), (None, Some(1)));
        drop(first);
        // It has been called, and goes without having heard it.
        drop(third);
        drop(fourth.await);
        assert_eq!(admission.state().line.waiting(), 0);
        assert!(admission.state().called.is_empty());
    }

    #[test]
    fn no_more_are_taken_than_may_wait() {
        let admission = Admission::new(1, 2);
        admission.take(&id(1), "a").unwrap();
        admission.take(&id(2), "a").unwrap();
        assert_eq!(admission.take(&id(3), "b"), Err(Busy { waiting: 2 }));
        admission.forget(&id(2));
        admission.take(&id(3), "b").unwrap();
    }
}
