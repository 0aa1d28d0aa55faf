//! One step of a story: calls of a delegate's method until one comes to an end, each with a directory of its own and a recorder
//! of its events.

use super::journal::Outcome;
use super::recorder::{Bodies, Recorder};
use super::{Build, Pipeline, Result, shortage, store_failed};
use crate::delegate::{self, Operation, OperationId};
use crate::domain::{Artifact, Failure, Fault, SecretGone, StepName, StepResult, StepValue};
use crate::redact::Redactor;
use crate::report;
use crate::store::WorkDir;
use std::sync::Arc;
use tracing::warn;

/// Which step, and what becomes of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    /// Its name in the journal.
    pub(super) name: StepName,
    /// The delegate's method, as the contract names it.
    pub(super) method: &'static str,
    /// Which part of the image's 0 to 100 percent it is.
    pub(super) percent: (f64, f64),
    /// What becomes of the files it announces.
    pub(super) bodies: Bodies,
}

/// How a delegate's method answers.
pub(super) type Answer<T> = std::result::Result<T, delegate::Error>;

/// What a step left.
pub(super) struct Done<T> {
    /// What the method returned.
    pub(super) value: T,
    /// The files it announced, where they are now.
    pub(super) artifacts: Vec<Artifact>,
}

impl Pipeline {
    /// Runs one step, unless the journal has it as done; again after a crash, as the policy says.
    ///
    /// # Errors
    /// What the delegate says, with the method as step; that it was cancelled; or that a secret can't be had.
    pub(super) async fn step<T: Outcome, F: Future<Output = Answer<T>>>(
        &self,
        build: &Build,
        step: Step,
        call: impl Fn(Operation) -> F,
    ) -> Result<Done<T>> {
        if let Some((value, artifacts)) = self.recall(build, step.name).await? {
            return Ok(Done { value, artifacts });
        }
        if let Some(gone) = &build.gone {
            return Err(secrets_gone(build, gone, step.method));
        }
        loop {
            if build.cancellation.is_cancelled() {
                return Err(cancelled(&[]));
            }
            self.settle(build, step.name).await?;
            match self.once(build, step, &call).await {
                Ok(done) => return Ok(done),
                Err(failure) => self.again(build, step.name, failure).await?,
            }
        }
    }

    /// Runs one step once.
    async fn once<T: Outcome, F: Future<Output = Answer<T>>>(
        &self,
        build: &Build,
        step: Step,
        call: &impl Fn(Operation) -> F,
    ) -> Result<Done<T>> {
        let secrets = self.secrets.values(&build.secrets)?;
        let redactor = match step.name {
            StepName::WillCreateTargetImage => {
                Redactor::new(secrets.iter().map(|(_, secret)| secret.expose()))
            }
            _ => Redactor::default(),
        };
        let (cursor, attempt) = self.begin(build, step.name).await?;
        let id = OperationId::new(&build.image.id, cursor, step.method);
        let work_dir =
            self.store.work_dir(id.as_str()).await.map_err(|error| store_failed(&error))?;
        let recorder = Arc::new(Recorder::new(
            self.store.clone(),
            build.image.id.clone(),
            work_dir.path().to_owned(),
            step,
        ));
        let operation = Operation {
            id,
            image: build.image.id.clone(),
            kind: build.image.kind,
            attempt,
            work_dir: work_dir.path().to_owned(),
            parameters: build.image.parameters.clone(),
            secrets,
            cancellation: build.cancellation.clone(),
            cancel_grace: build.cancel_grace,
            sink: recorder.clone(),
        };
        match call(operation).await {
            Ok(value) => {
                let lasting = without_secrets(value.to_value(), &redactor);
                let announced = recorder.announced();
                self.end(build, step, (value, lasting), announced, work_dir).await
            }
            Err(error) => {
                let failure = failure(error, step.method);
                let failure = shortage::told(failure, work_dir.path());
                discard(work_dir).await;
                Err(failure)
            }
        }
    }

    /// Writes down that a step is done. Files that are on their way to another step outlive its directory.
    async fn end<T: Outcome>(
        &self,
        build: &Build,
        step: Step,
        (value, lasting): (T, StepValue),
        mut artifacts: Vec<Artifact>,
        work_dir: WorkDir,
    ) -> Result<Done<T>> {
        let keeps = step.bodies == Bodies::Collect && !artifacts.is_empty();
        if keeps {
            let from = work_dir.path().to_owned();
            let kept = self.store.keep_work(work_dir, &build.image.id, step.name).await;
            let kept = kept.map_err(|error| store_failed(&error))?;
            for artifact in &mut artifacts {
                if let Ok(file) = artifact.path.strip_prefix(&from) {
                    artifact.path = kept.join(file);
                }
            }
        } else {
            discard(work_dir).await;
        }
        let boot = keeps.then(|| self.store.boot().to_owned());
        let result = StepResult { value: lasting, files: artifacts.clone(), boot };
        self.done(build, step.name, result).await?;
        Ok(Done { value, artifacts })
    }
}

/// Answers what of an answer may be written down: content with a secret in it may not. The step is done again where it is
/// needed again.
fn without_secrets(value: StepValue, redactor: &Redactor) -> StepValue {
    let StepValue::Content(content) = &value else { return value };
    let mut parts = content.files.iter().chain(&content.commands);
    let secret = parts
        .any(|(name, text)| redactor.finds(name) || redactor.finds(&String::from_utf8_lossy(text)));
    if secret { StepValue::Nothing } else { value }
}

/// Removes a step's directory. What can't be removed now is removed by the next factory that starts.
pub(super) async fn discard(work_dir: WorkDir) {
    let path = work_dir.path().to_owned();
    if let Err(error) = work_dir.remove().await {
        warn!("{} is left behind: {}", path.display(), report::chain(&error));
    }
}

/// Turns the end of a delegate's method into what is recorded with the image.
fn failure(error: delegate::Error, method: &'static str) -> Box<Failure> {
    match error {
        delegate::Error::Failed(failure) => failure,
        delegate::Error::Cancelled { left_behind } => cancelled(&left_behind),
        delegate::Error::Unimplemented(_) => Box::new(
            Failure::new(Fault::User, "UNSUPPORTED", format!("the plugin does not have {method}"))
                .hint("see `factory plugins` for what each plugin can do"),
        ),
    }
}

/// Says that a step needs secrets that only an earlier process had.
fn secrets_gone(build: &Build, gone: &SecretGone, method: &'static str) -> Box<Failure> {
    let id = &build.image.id;
    let failure = Failure::new(Fault::User, Failure::SECRETS_GONE, gone.to_string());
    let hint = format!(
        "give them again: `factory retry {id}` takes --credentials, --parameter and --template; what is given as secret:NAME \
         lasts"
    );
    Box::new(Failure { step: method.to_owned(), ..failure.hint(hint) })
}

/// Says that an image's work was cancelled.
pub(crate) fn cancelled(left_behind: &[String]) -> Box<Failure> {
    let failure = Failure::new(Fault::User, Failure::CANCELLED, "cancelled");
    if left_behind.is_empty() {
        return Box::new(failure);
    }
    let detail = format!("left behind:\n{}", left_behind.join("\n"));
    Box::new(failure.hint("remove what was left behind by hand").detail(detail))
}
