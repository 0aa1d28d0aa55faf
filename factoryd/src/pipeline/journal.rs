//! Steps that are written down: what is done is not done again, and what was interrupted is, by the policy.

use super::policy::{self, Fate};
use super::{Build, Pipeline, Result, store_failed};
use crate::domain::{
    Artifact, CloudContent, EventKind, Failure, Fault, Interruption, Notice, StepName, StepRecord,
    StepResult, StepState, StepValue,
};
use crate::store::StepChange;

/// What a step can answer, as the journal keeps it.
pub(super) trait Outcome: Sized {
    fn to_value(&self) -> StepValue;
    /// Answers what was kept; `None` if that is something else.
    fn from_value(value: StepValue) -> Option<Self>;
}

impl Outcome for () {
    fn to_value(&self) -> StepValue {
        StepValue::Nothing
    }

    fn from_value(_: StepValue) -> Option<Self> {
        Some(())
    }
}

impl Outcome for bool {
    fn to_value(&self) -> StepValue {
        StepValue::Answer(*self)
    }

    fn from_value(value: StepValue) -> Option<Self> {
        if let StepValue::Answer(answer) = value { Some(answer) } else { None }
    }
}

impl Outcome for CloudContent {
    fn to_value(&self) -> StepValue {
        StepValue::Content(self.clone())
    }

    fn from_value(value: StepValue) -> Option<Self> {
        if let StepValue::Content(content) = value { Some(content) } else { None }
    }
}

impl Pipeline {
    /// Writes down that a step begins, and answers the cursor of the image's last event before it and which try it is. It
    /// begins only once that is written.
    pub(super) async fn begin(&self, build: &Build, step: StepName) -> Result<(u64, u32)> {
        let begun = [StepChange::Begin(step)];
        let cursor = self.store.advance(&build.image.id, &begun, Vec::new()).await;
        let cursor = cursor.map_err(|error| store_failed(&error))?;
        let tries = self.recorded(build, step).await?.map_or(1, |record| record.tries);
        Ok((cursor, tries))
    }

    /// Writes down that a step is done, and what it leaves.
    pub(super) async fn done(
        &self,
        build: &Build,
        step: StepName,
        result: StepResult,
    ) -> Result<()> {
        self.change(build, StepChange::Done(step, result)).await
    }

    /// Writes down how a step ended that is not done.
    pub(super) async fn change(&self, build: &Build, change: StepChange) -> Result<()> {
        let written = self.store.advance(&build.image.id, &[change], Vec::new()).await;
        written.map(drop).map_err(|error| store_failed(&error))
    }

    /// Answers a step as the journal has it.
    pub(super) async fn recorded(
        &self,
        build: &Build,
        step: StepName,
    ) -> Result<Option<StepRecord>> {
        let found = self.store.step_of(&build.image.id, step).await;
        found.map_err(|error| store_failed(&error))
    }

    /// Answers what a step left that is done already, if that is still there.
    pub(super) async fn recall<T: Outcome>(
        &self,
        build: &Build,
        step: StepName,
    ) -> Result<Option<(T, Vec<Artifact>)>> {
        let Some(record) = self.recorded(build, step).await? else { return Ok(None) };
        if record.state != StepState::Done || !self.is_whole(&record.result) {
            return Ok(None);
        }
        let value = T::from_value(record.result.value);
        Ok(value.map(|value| (value, record.result.files)))
    }

    /// Tells whether files that wait for another step are as they were left.
    fn is_whole(&self, result: &StepResult) -> bool {
        let Some(boot) = &result.boot else { return true };
        let is_there = |file: &Artifact| {
            file.path.symlink_metadata().is_ok_and(|found| found.len() == file.size)
        };
        boot == self.store.boot() && result.files.iter().all(is_there)
    }

    /// Does a step of the factory's own, unless it is done already.
    pub(super) async fn own_step(
        &self,
        build: &Build,
        step: StepName,
        work: impl Future<Output = Result<()>>,
    ) -> Result<()> {
        if self.recall::<()>(build, step).await?.is_some() {
            return Ok(());
        }
        self.begin(build, step).await?;
        match work.await {
            Ok(()) => self.done(build, step, StepResult::default()).await,
            Err(failure) => Err(self.failed(build, step, failure).await),
        }
    }

    /// Writes down that a step failed, and answers the failure.
    pub(super) async fn failed(
        &self,
        build: &Build,
        step: StepName,
        failure: Box<Failure>,
    ) -> Box<Failure> {
        if let Err(unwritten) = self.change(build, StepChange::Fail(step)).await {
            tracing::warn!(%step, %unwritten, "the journal does not say that a step failed");
        }
        failure
    }

    /// Decides about a step whose try failed: answers nothing if it is to be begun again, and else the failure.
    pub(super) async fn again(
        &self,
        build: &Build,
        step: StepName,
        failure: Box<Failure>,
    ) -> Result<()> {
        let crashed = failure.reason == Failure::PLUGIN_CRASHED;
        if !crashed || build.cancellation.is_cancelled() {
            return Err(self.failed(build, step, failure).await);
        }
        self.change(build, StepChange::Interrupt(step, Interruption::Crash)).await?;
        let record = self.recorded(build, step).await?;
        let fate = record.map(|it| (policy::fate(&it, Interruption::Crash, build.retries), it));
        match fate {
            Some((Fate::Again, record)) => self.tell_of_crash(build, &record, &failure).await,
            Some((Fate::Fails, _)) | None => Err(failure),
        }
    }

    async fn tell_of_crash(
        &self,
        build: &Build,
        record: &StepRecord,
        failure: &Failure,
    ) -> Result<()> {
        let message = format!(
            "{}: {failure}; trying again ({} of {})",
            record.name, record.crashes, build.retries
        );
        let hint = failure.detail.clone();
        self.note(build, EventKind::Warning(Notice { message, hint, path: String::new() })).await
    }

    /// Has what an earlier try of a step left outside this machine settled, as far as that goes now: it may be in the way.
    /// Whatever stays open is settled later.
    pub(super) async fn settle(&self, build: &Build, step: StepName) -> Result<()> {
        if !policy::settles_first(step) {
            return Ok(());
        }
        let settled = self.reaper.settle_first(&build.image.id, &build.cancellation).await;
        settled.map_err(|error| store_failed(&error))
    }

    /// Records what happened when an interrupted image is taken up again: the step under way, and the policy's word on it.
    ///
    /// # Errors
    /// If the policy lets the image fail, or the store fails.
    pub async fn take_up(&self, build: &Build) -> Result<()> {
        let id = &build.image.id;
        let steps = self.store.steps(id).await.map_err(|error| store_failed(&error))?;
        let unannounced = self.store.remove_unannounced(id).await;
        unannounced.map_err(|error| store_failed(&error))?;
        let Some(begun) = steps.into_iter().find(|step| step.state == StepState::Begun) else {
            return self.note(build, EventKind::Warning(taken_up("it goes on"))).await;
        };
        let by = Interruption::FactoryGone;
        let interrupted = StepRecord { interruptions: begun.interruptions + 1, ..begun };
        let fate = policy::fate(&interrupted, by, build.retries);
        let name = interrupted.name;
        let notice = match fate {
            Fate::Again => taken_up(&format!("{name} is begun again")),
            Fate::Fails => taken_up(&format!("{name} was interrupted too often")),
        };
        let events = vec![(self.store.now(), EventKind::Warning(notice))];
        let written = self.store.advance(id, &[StepChange::Interrupt(name, by)], events).await;
        written.map_err(|error| store_failed(&error))?;
        match fate {
            Fate::Again => Ok(()),
            Fate::Fails => Err(too_often(&interrupted)),
        }
    }
}

fn taken_up(what: &str) -> Notice {
    let message = format!("the factory that worked on the image is gone: {what}");
    Notice { message, ..Notice::default() }
}

fn too_often(step: &StepRecord) -> Box<Failure> {
    let message = format!("the factory ended {} times in the middle of it", step.interruptions);
    let failure = Failure::new(Fault::Factory, Failure::INTERRUPTED, message);
    let hint = "it may be what ends the factory: see its log, then `factory retry` the image";
    Box::new(Failure { step: step.name.to_string(), ..failure.hint(hint) })
}
