//! One job from its admission to its last status.

use super::{Job, Jobs, Work};
use crate::domain::{
    EventKind, Failure, Fault, GivenSecret, Image, ImageId, Progress, SecretSource, Status,
    StepName,
};
use crate::pipeline::{self, Build};
use crate::store::StepChange;
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, error, info, info_span, warn};

/// How long to wait for room on a full disk before an end that could not be recorded is tried again.
const ROOM_LOOK_AGAIN: Duration = Duration::from_secs(1);

impl Jobs {
    /// Does a job and records how it ended, whatever happens in between.
    pub(super) async fn run(&self, job: Job, cancellation: CancellationToken) {
        let span = info_span!("image", id = %job.image.id, kind = %job.image.kind);
        let id = job.image.id.clone();
        async {
            let work = AssertUnwindSafe(self.work(&job, &cancellation)).catch_unwind().await;
            let outcome = work.unwrap_or_else(|_| Err(panicked()));
            self.finish(&job, outcome).await;
        }
        .instrument(span)
        .await;
        self.running().remove(&id);
        self.forget(&id);
    }

    async fn work(&self, job: &Job, cancellation: &CancellationToken) -> pipeline::Result<()> {
        if job.taken_up {
            self.0.pipeline.take_up(&self.build(job, cancellation)).await?;
        }
        if let Work::Delete(account) = &job.work {
            self.until(cancellation, self.without_children(&job.image)).await??;
            return self.0.pipeline.delete(&self.build(job, cancellation), account).await;
        }
        if job.image.status == Status::New {
            self.enter(&job.image.id, Status::Pending).await?;
        }
        let parent = self.until(cancellation, self.parent(&job.image)).await??;
        let _place = self.admit(job, cancellation).await?;
        if job.image.status != Status::Building {
            self.enter(&job.image.id, Status::Building).await?;
        }
        self.build_image(job, &self.build(job, cancellation), parent).await
    }

    async fn build_image(
        &self,
        job: &Job,
        build: &Build,
        parent: Option<Image>,
    ) -> pipeline::Result<()> {
        let pipeline = &self.0.pipeline;
        match (&job.work, parent) {
            (Work::Base, _) => pipeline.base_image(build).await,
            (Work::Target, Some(base)) => pipeline.target_image(build, base).await,
            (Work::Push(account), Some(target)) => pipeline.push(build, account, target).await,
            (Work::Snapshot(account), _) => pipeline.snapshot(build, account).await,
            (Work::Delete(account), _) => pipeline.delete(build, account).await,
            (Work::Target | Work::Push(_), None) => Err(no_parent(&job.image)),
        }
    }

    fn build(&self, job: &Job, cancellation: &CancellationToken) -> Build {
        Build {
            image: job.image.clone(),
            template: job.template.clone(),
            secrets: job.secrets.clone(),
            cancellation: cancellation.clone(),
            cancel_grace: self.0.options.cancel_grace,
            retries: self.0.options.retries,
            gone: job.gone.clone(),
        }
    }

    /// Waits for something, but not past a cancellation.
    async fn until<T>(
        &self,
        cancellation: &CancellationToken,
        wait: impl Future<Output = T>,
    ) -> pipeline::Result<T> {
        let done = cancellation.run_until_cancelled(wait).await;
        done.ok_or_else(|| pipeline::cancelled(&[]))
    }

    async fn enter(&self, id: &ImageId, to: Status) -> pipeline::Result<()> {
        let entered = self.record(id, vec![status(to, None)], &[]).await;
        entered.map_err(|error| pipeline::store_failed(&error))
    }

    async fn record(
        &self,
        id: &ImageId,
        kinds: Vec<Entry>,
        steps: &[StepChange],
    ) -> Result<(), crate::store::Error> {
        let now = self.0.store.now();
        let Some(mut image) = self.0.store.image(id).await? else { return Ok(()) };
        let mut events = Vec::with_capacity(kinds.len());
        for entry in kinds {
            events.push((now, entry.into_event(&mut image)));
        }
        self.0.store.advance(id, steps, events).await.map(drop)
    }

    /// Records the end; on a disk that is full to the last byte, once there is room. If even that fails, the next start of a
    /// factory finds the image abandoned and settles it.
    async fn finish(&self, job: &Job, outcome: pipeline::Result<()>) {
        let outcome = match outcome {
            Ok(()) => Ok(()),
            Err(failure) if self.is_left_to_the_next(job, &failure) => {
                info!("interrupted by the end of this factory; the next goes on with it");
                return;
            }
            Err(failure) => {
                let failure = self.explain(&job.image.id, *failure);
                Err(Box::new(self.with_left_over(&job.image.id, failure).await))
            }
        };
        let steps = forgotten(&outcome);
        while let Err(error) = self.record(&job.image.id, end(job, &outcome), &steps).await {
            error!("how the image ended can't be recorded: {}", crate::report::chain(&error));
            if !error.is_full() || self.0.shutdown.is_cancelled() {
                return;
            }
            let wait = tokio::time::sleep(ROOM_LOOK_AGAIN);
            let _ = self.0.shutdown.run_until_cancelled(wait).await;
        }
        if !steps.is_empty()
            && let Err(error) = self.0.store.remove_kept(&job.image.id).await
        {
            warn!("what steps kept stays behind: {}", crate::report::chain(&error));
        }
        if let Err(failure) = outcome {
            info!(reason = failure.reason, "failed: {failure}");
        }
    }

    /// Tells whether an image is left as it is, for the next factory to go on with: as one that a killed factory leaves.
    fn is_left_to_the_next(&self, job: &Job, failure: &Failure) -> bool {
        self.0.options.takes_up
            && (failure.is_cancelled() || failure.reason == Failure::PLUGIN_CRASHED)
            && self.interrupted().contains(&job.image.id)
            && !job.has_given_secrets()
    }

    /// Tells a cancellation by a user from the end of the factory.
    fn explain(&self, id: &ImageId, failure: Failure) -> Failure {
        if failure.is_cancelled() && self.interrupted().contains(id) {
            return interrupted(id, "the factory was stopped");
        }
        failure
    }
}

impl Job {
    /// Tells whether it has secrets that came with a request, and end with this process.
    fn has_given_secrets(&self) -> bool {
        let account = match &self.work {
            Work::Push(account) | Work::Snapshot(account) | Work::Delete(account) => Some(account),
            Work::Base | Work::Target => None,
        };
        let credentials = account.map(|account| &account.credentials);
        let parameters = self.secrets.iter().map(|(_, given)| given);
        let mut all = parameters.chain(credentials).map(GivenSecret::source);
        let in_template = self.image.secrets.template && !matches!(self.work, Work::Delete(_));
        in_template || all.any(|source| source == Some(SecretSource::Request))
    }
}

/// Answers what becomes of what steps left to each other. A failed image may be tried again and needs it; one that was
/// cancelled leaves no files behind, so the steps that kept some are done again then.
fn forgotten(outcome: &pipeline::Result<()>) -> Vec<StepChange> {
    use StepName::{CreateTargetImage, DidCreateTargetImage, KeepFiles};
    match outcome {
        Ok(()) => vec![StepChange::Forget],
        Err(failure) if failure.is_cancelled() => {
            vec![StepChange::Again(vec![CreateTargetImage, DidCreateTargetImage, KeepFiles])]
        }
        Err(_) => Vec::new(),
    }
}

/// Answers what is recorded of the end of a job.
fn end(job: &Job, outcome: &pipeline::Result<()>) -> Vec<Entry> {
    let deleting = matches!(job.work, Work::Delete(_));
    match outcome {
        Ok(()) if deleting => vec![status(Status::Deleted, None)],
        Ok(()) => vec![Entry::Done, status(Status::Complete, None)],
        Err(failure) => {
            let to = if deleting { Status::DeleteFailed } else { Status::Failed };
            vec![status(to, Some((**failure).clone()))]
        }
    }
}

/// What is to be recorded, before it is known where the image is now.
enum Entry {
    Status(Status, Option<Failure>),
    Done,
}

fn status(to: Status, failure: Option<Failure>) -> Entry {
    Entry::Status(to, failure)
}

impl Entry {
    fn into_event(self, image: &mut Image) -> EventKind {
        match self {
            Self::Status(to, failure) => {
                let from = std::mem::replace(&mut image.status, to);
                EventKind::Status { from, to, failure }
            }
            Self::Done => EventKind::Progress(Progress {
                percent: 100.0,
                activity: format!("{} image complete", image.kind),
                ..Progress::default()
            }),
        }
    }
}

/// Says that the work was ended by the end of a factory.
pub(super) fn interrupted(id: &ImageId, message: &str) -> Failure {
    let failure = Failure::new(Fault::Factory, Failure::INTERRUPTED, message);
    failure.hint(format!("`factory retry {id}` goes on with it"))
}

fn panicked() -> Box<Failure> {
    let failure = Failure::new(Fault::Factory, "FACTORY_PANIC", "the factory made a mistake");
    Box::new(failure.hint("see the factory's log, and report it"))
}

fn no_parent(image: &Image) -> Box<Failure> {
    let message = format!("{} image {} has no parent", image.kind, image.id);
    Box::new(Failure::new(Fault::Factory, "NO_PARENT", message))
}
