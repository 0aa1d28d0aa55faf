//! When: which image is worked on now, which waits for its parent or for a free place, and how work ends early.
//!
//! ```text
//! submit ─► Pending ─ parent complete? ─ a slot free? ─► Building ─ pipeline ─► Complete | Failed
//! ```
//!
//! Images in the middle of whose work another factory ended are taken up by a daemon and go on from their last step: whether it
//! was killed or asked to end, unless they need a secret that ended with it.
//!
//! Every image that is being worked on has one task, owned by [`Jobs`]; cancelling it is the only way to end it early.
//! A client that goes away ends nothing.

mod admission;
mod children;
mod left_over;
mod parent;
mod run;
mod service;
mod take_up;

pub use admission::{Busy, DiskOptions};
pub use service::{Late, Service};

use admission::Admission;

use crate::domain::{GivenSecret, Image, ImageId, SecretGone, Template};
use crate::pipeline::{GivenAccount, Pipeline};
use crate::store::Store;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long to wait at most before looking at another image again: another process may be working on it, which wakes nobody
/// here.
const LOOK_AGAIN: Duration = Duration::from_millis(300);

/// How much is done at once, and how long things may take to end.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many images are built at once; more wait.
    pub concurrent_builds_max: usize,
    /// How many images may wait for that.
    pub waiting_max: usize,
    /// What they may take of the disk.
    pub disk: DiskOptions,
    /// How long a plugin may clean up after a cancellation.
    pub cancel_grace: Duration,
    /// How often cancellations asked for through another process are looked for.
    pub cancel_poll: Duration,
    /// How long a shutdown waits for the work to end.
    pub drain_deadline: Duration,
    /// How often a step is begun again after a crash of its plugin.
    pub retries: u32,
    /// Whether this process goes on with what others left in the middle of it. One that does not lets it fail.
    pub takes_up: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            concurrent_builds_max: std::thread::available_parallelism().map_or(2, usize::from),
            waiting_max: 1000,
            disk: DiskOptions::default(),
            cancel_grace: Duration::from_secs(10),
            cancel_poll: Duration::from_millis(500),
            drain_deadline: Duration::from_secs(30),
            retries: 1,
            takes_up: false,
        }
    }
}

/// What is to be done with an image.
#[derive(Debug, Clone)]
pub enum Work {
    /// Build a base image.
    Base,
    /// Build a target image from its parent.
    Target,
    /// Push its parent into an account.
    Push(GivenAccount),
    /// Make it inside an account.
    Snapshot(GivenAccount),
    /// Delete it.
    Delete(GivenAccount),
}

/// An image and what is to be done with it.
#[derive(Debug, Clone)]
pub struct Job {
    /// The image, as recorded.
    pub image: Image,
    /// Its template.
    pub template: Template,
    /// Its sensitive parameters.
    pub secrets: Vec<(String, GivenSecret)>,
    /// What to do.
    pub work: Work,
    /// Its secrets that can't be had again.
    pub gone: Option<SecretGone>,
    /// Whether another factory ended in the middle of it.
    pub taken_up: bool,
}

/// The factory is shutting down and takes no more work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the factory is shutting down")]
pub struct ShuttingDown;

/// Does jobs. Cheap to clone.
#[derive(Clone)]
pub struct Jobs(Arc<Inner>);

struct Inner {
    store: Store,
    pipeline: Pipeline,
    options: Options,
    admission: Admission,
    tasks: TaskTracker,
    running: Mutex<BTreeMap<ImageId, CancellationToken>>,
    /// Those whose work the shutdown ended, and nobody else.
    interrupted: Mutex<BTreeSet<ImageId>>,
    shutdown: CancellationToken,
}

impl Jobs {
    /// Makes the jobs of one process, and the service that recovers, polls and drains for them.
    pub fn new(store: Store, pipeline: Pipeline, options: Options) -> (Self, Service) {
        let jobs = Self(Arc::new(Inner {
            admission: Admission::new(options.concurrent_builds_max, options.waiting_max),
            store,
            pipeline,
            options,
            tasks: TaskTracker::new(),
            running: Mutex::default(),
            interrupted: Mutex::default(),
            shutdown: CancellationToken::new(),
        }));
        (jobs.clone(), Service::new(jobs))
    }

    /// Begins a job: answers at once, the work goes on in a task.
    ///
    /// # Errors
    /// If the factory is shutting down.
    pub fn submit(&self, job: Job) -> Result<(), ShuttingDown> {
        if self.0.shutdown.is_cancelled() {
            return Err(ShuttingDown);
        }
        let cancellation = CancellationToken::new();
        self.running().insert(job.image.id.clone(), cancellation.clone());
        let jobs = self.clone();
        self.0.tasks.spawn(async move { jobs.run(job, cancellation).await });
        Ok(())
    }

    /// Asks the work on an image to stop. Answers whether there is such work in this process.
    pub fn cancel(&self, id: &ImageId) -> bool {
        let running = self.running();
        let token = running.get(id);
        self.interrupted().remove(id);
        token.inspect(|token| token.cancel()).is_some()
    }

    /// Answers the images that are being worked on or wait, in no order.
    pub fn active(&self) -> Vec<ImageId> {
        self.running().keys().cloned().collect()
    }

    /// Ends all work, for good; what is interrupted by that is known.
    fn interrupt_all(&self) {
        self.0.shutdown.cancel();
        for (id, token) in self.running().iter().filter(|(_, token)| !token.is_cancelled()) {
            self.interrupted().insert(id.clone());
            token.cancel();
        }
    }

    fn interrupted(&self) -> MutexGuard<'_, BTreeSet<ImageId>> {
        self.0.interrupted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<ImageId, CancellationToken>> {
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
