//! Contents that a template names by URL: fetched before a plugin sees the template.

use super::{Build, Pipeline, Result, cancelled};
use crate::domain::{
    Content, EventKind, Failure, Fault, LogLevel, LogLine, Progress, StepName, StepResult, Template,
};
use sha2::{Digest, Sha256};

/// How much the contents of one template may have in all, in bytes: they travel to the plugin in one message.
const SUM_MAX: usize = 32 * 1024 * 1024;
/// The step, as failures and progress name it.
const STEP: &str = "fetch contents";

impl Pipeline {
    /// Answers the template of a build with all of its contents, and tells with the image what was fetched. If the step that
    /// needs them is done, nothing is.
    ///
    /// # Errors
    /// If one can't be had, all are too large, or the build is cancelled.
    pub(super) async fn with_contents(
        &self,
        build: &Build,
        needed_by: StepName,
    ) -> Result<Template> {
        let urls = build.template.urls().len();
        if urls == 0 || self.recall::<()>(build, needed_by).await?.is_some() {
            return Ok(build.template.clone());
        }
        self.begin(build, StepName::FetchContents).await?;
        match self.fetch_all(build, urls).await {
            Ok(template) => {
                self.done(build, StepName::FetchContents, StepResult::default()).await?;
                Ok(template)
            }
            Err(failure) => Err(self.failed(build, StepName::FetchContents, failure).await),
        }
    }

    async fn fetch_all(&self, build: &Build, total: usize) -> Result<Template> {
        let mut template = build.template.clone();
        let (mut number, mut sum) = (0, 0);
        for (path, content) in template.contents_mut() {
            let Content::Url(url) = content else { continue };
            let fetched = self.fetched(build, url, (number, total)).await;
            let fetched = fetched.map_err(|failure| Box::new(failure.path(&path)))?;
            number += 1;
            sum += fetched.len();
            if SUM_MAX < sum {
                return Err(Box::new(too_much().path(path)));
            }
            self.note(build, told(&path, &self.contents.shown(url), &fetched)).await?;
            *content = Content::Bytes(fetched);
        }
        Ok(template)
    }

    async fn fetched(
        &self,
        build: &Build,
        url: &str,
        (number, total): (usize, usize),
    ) -> Result<Vec<u8>> {
        let activity = format!("fetching {}", self.contents.shown(url));
        let progress = Progress {
            percent: 0.0,
            phase: STEP.to_owned(),
            activity,
            current: number as u64,
            total: total as u64,
            unit: "contents".to_owned(),
        };
        self.note(build, EventKind::Progress(progress)).await?;
        let fetch = build.cancellation.run_until_cancelled(self.contents.fetch(url)).await;
        let mut fetched = fetch.unwrap_or_else(|| Err(cancelled(&[])));
        if let Err(failure) = &mut fetched {
            STEP.clone_into(&mut failure.step);
        }
        fetched
    }
}

/// Says what was fetched, so that it can be told later whether it was the same.
fn told(path: &str, shown: &str, content: &[u8]) -> EventKind {
    let digest: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
    let message = format!("{path}: {} bytes from {shown}, sha256 {digest}", content.len());
    EventKind::Log(LogLine { level: LogLevel::Info, message, source: "factory".to_owned() })
}

fn too_much() -> Failure {
    let message = format!("the contents of the template are larger than {SUM_MAX} bytes in all");
    let failure = Failure::new(Fault::User, "CONTENT_TOO_LARGE", message);
    Failure { step: STEP.to_owned(), ..failure }
        .hint("let a command in the template fetch what is large")
}
