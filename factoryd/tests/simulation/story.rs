//! What users ask of the factory in a run.

use crate::chance::Chance;
use crate::machine::Machine;
use factoryd::domain::{Image, ImageId, Kind, Parameters, Secret, Status};
use factoryd::factory::{
    BaseImageRequest, CheckOptions, DeleteRequest, Error, Factory, ListRequest,
    ProviderImageRequest, ProviderSource, RetryRequest, Severity, TargetImageRequest, TargetSource,
};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinSet;

/// Something a user asks for.
#[derive(Debug, Clone, Copy)]
enum Wish {
    Base,
    Target,
    TargetOfTemplate,
    Push,
    PushOfTemplate,
    Snapshot,
    Delete { cascade: bool, force: bool },
    Cancel,
    Retry,
    RetryFrom(&'static str),
    Check { repair: bool },
}

const WISHES: [Wish; 27] = [
    Wish::Base,
    Wish::Base,
    Wish::Target,
    Wish::Target,
    Wish::Target,
    Wish::TargetOfTemplate,
    Wish::Push,
    Wish::Push,
    Wish::Push,
    Wish::PushOfTemplate,
    Wish::Snapshot,
    Wish::Snapshot,
    Wish::Delete { cascade: false, force: false },
    Wish::Delete { cascade: true, force: false },
    Wish::Delete { cascade: true, force: true },
    Wish::Cancel,
    Wish::Cancel,
    Wish::Retry,
    Wish::Retry,
    Wish::RetryFrom("create-base-image"),
    Wish::RetryFrom("should-create-target-image"),
    Wish::RetryFrom("create-target-image"),
    Wish::RetryFrom("did-create-target-image"),
    Wish::RetryFrom("push-image-to-provider"),
    Wish::RetryFrom("snapshot-image-on-provider"),
    Wish::Check { repair: false },
    Wish::Check { repair: true },
];

/// The wishes that are left, and what was granted: over all lives of the machine.
pub(crate) struct Story {
    machine: Arc<Machine>,
    left: Mutex<VecDeque<(Duration, Wish)>>,
    /// Images that the factory said it would make.
    granted: Mutex<Vec<(ImageId, Kind)>>,
}

impl Story {
    pub(crate) fn new(machine: Arc<Machine>) -> Arc<Self> {
        let left = machine.chance(|chance| {
            let pause_max = *chance.pick(&[5, 300, 3000]).unwrap();
            let len = chance.between(3, 12);
            let wish = |chance: &mut Chance| {
                let pause = Duration::from_millis(chance.below(pause_max));
                (pause, *chance.pick(&WISHES).unwrap())
            };
            (0..len).map(|_| wish(chance)).collect()
        });
        Arc::new(Self { machine, left: Mutex::new(left), granted: Mutex::default() })
    }

    pub(crate) fn granted(&self) -> Vec<(ImageId, Kind)> {
        self.granted.lock().unwrap().clone()
    }

    /// Asks for all that is left, several things at once.
    pub(crate) async fn tell(self: Arc<Self>, factory: Factory) {
        let mut users = JoinSet::new();
        loop {
            let next = self.left.lock().unwrap().pop_front();
            let Some((pause, wish)) = next else { break };
            tokio::time::sleep(pause).await;
            let (story, factory) = (self.clone(), factory.clone());
            users.spawn(async move { story.ask(&factory, wish).await });
        }
        while let Some(user) = users.join_next().await {
            user.unwrap();
        }
    }

    async fn ask(&self, factory: &Factory, wish: Wish) {
        let answer = match wish {
            Wish::Base => self.base(factory).await,
            Wish::Target => self.target(factory).await,
            Wish::TargetOfTemplate => factory
                .create_target_image(target(TargetSource::Template(template())))
                .await
                .map(Some),
            Wish::Push => self.push(factory).await,
            Wish::PushOfTemplate => {
                let source = ProviderSource::Template(template());
                factory.create_provider_image(self.provider(source)).await.map(Some)
            }
            Wish::Snapshot => {
                let source = ProviderSource::Snapshot(template());
                factory.create_provider_image(self.provider(source)).await.map(Some)
            }
            Wish::Delete { cascade, force } => self.delete(factory, cascade, force).await,
            Wish::Cancel => self.cancel(factory).await,
            Wish::Retry => self.retry(factory, None).await,
            Wish::RetryFrom(step) => self.retry(factory, Some(step)).await,
            Wish::Check { repair } => self.check(factory, repair),
        };
        self.hear(wish, answer);
    }

    fn hear(&self, wish: Wish, answer: Result<Option<Image>, Error>) {
        match answer {
            Ok(Some(image)) => {
                self.machine.note(format!("{wish:?}: {} {}", image.kind, image.id));
                self.granted.lock().unwrap().push((image.id, image.kind));
            }
            Ok(None) => self.machine.note(format!("{wish:?}: done")),
            Err(error) => self.machine.note(format!("{wish:?}: {}", name(&error))),
        }
    }

    /// Some give credentials, some name them.
    fn provider(&self, source: ProviderSource) -> ProviderImageRequest {
        let given = self.machine.chance(|chance| *chance.pick(&["key", "secret:key"]).unwrap());
        ProviderImageRequest {
            target: "sim".into(),
            provider: "region".into(),
            credentials: Secret::new(given),
            source,
            parameters: Parameters::default(),
        }
    }

    fn any(&self, kind: Option<Kind>) -> Option<ImageId> {
        let granted = self.granted();
        let fit: Vec<&ImageId> = granted
            .iter()
            .filter(|(_, found)| kind.is_none_or(|kind| kind == *found))
            .map(|(id, _)| id)
            .collect();
        self.machine.chance(|chance| chance.pick(&fit).map(|id| (*id).clone()))
    }

    async fn base(&self, factory: &Factory) -> Result<Option<Image>, Error> {
        factory.create_base_image(base()).await.map(Some)
    }

    async fn target(&self, factory: &Factory) -> Result<Option<Image>, Error> {
        let base = self.any(Some(Kind::Base)).map(TargetSource::BaseImage);
        let source = base.unwrap_or_else(|| TargetSource::Template(template()));
        factory.create_target_image(target(source)).await.map(Some)
    }

    async fn push(&self, factory: &Factory) -> Result<Option<Image>, Error> {
        let target = self.any(Some(Kind::Target)).map(ProviderSource::TargetImage);
        let source = target.unwrap_or_else(|| ProviderSource::Template(template()));
        factory.create_provider_image(self.provider(source)).await.map(Some)
    }

    async fn delete(
        &self,
        factory: &Factory,
        cascade: bool,
        force: bool,
    ) -> Result<Option<Image>, Error> {
        let Some(id) = self.any(None) else { return self.base(factory).await };
        factory.delete(DeleteRequest { force, ..deletion(id, cascade) }).await.map(|_| None)
    }

    /// Tries something again that failed, if there is such an image; any other otherwise.
    async fn retry(&self, factory: &Factory, step: Option<&str>) -> Result<Option<Image>, Error> {
        let failed = factory.images(&ListRequest::default()).await?.items;
        let failed = failed
            .into_iter()
            .filter(|image| matches!(image.status, Status::Failed | Status::DeleteFailed));
        let failed: Vec<ImageId> = failed.map(|image| image.id).collect();
        let chosen = self.machine.chance(|chance| chance.pick(&failed).cloned());
        let Some(id) = chosen.or_else(|| self.any(None)) else { return self.base(factory).await };
        let given = self.machine.chance(|chance| *chance.pick(&["", "key"]).unwrap());
        let credentials = Secret::new(given);
        let from_step = step.map(str::to_owned);
        let again = RetryRequest { from_step, credentials, ..RetryRequest::of(id) };
        factory.retry(again).await?;
        self.machine.count("retries");
        Ok(None)
    }

    /// Lets the store be checked: what is recorded is always whole.
    fn check(&self, factory: &Factory, repair: bool) -> Result<Option<Image>, Error> {
        let options = CheckOptions { repair, digests: true };
        let checked = self.machine.drive(factory.check_store(options))?;
        for found in checked.findings {
            self.machine.note(format!("found {} {:?}", found.reason, found.severity));
            if found.severity == Severity::Error {
                self.machine.wrong(format!("the store is not sound: {}", found.message));
            }
        }
        self.machine.count("checks");
        Ok(None)
    }

    async fn cancel(&self, factory: &Factory) -> Result<Option<Image>, Error> {
        let Some(id) = self.any(None) else { return self.base(factory).await };
        factory.cancel(&id).await.map(|_| None)
    }
}

/// Answers what kind of error it is: its text may hold paths, which differ from run to run.
fn name(error: &Error) -> String {
    let text = format!("{error:?}");
    let end = text.find(|letter: char| !letter.is_alphanumeric()).unwrap_or(text.len());
    text[..end].to_owned()
}

fn template() -> String {
    "<template><name>t</name><os><name>SimOS</name><version>1</version><arch>x86_64</arch>\
     <install type='url'><url>http://example.org/</url></install></os></template>"
        .to_owned()
}

fn base() -> BaseImageRequest {
    BaseImageRequest { template_xml: template(), parameters: Parameters::default() }
}

fn target(source: TargetSource) -> TargetImageRequest {
    TargetImageRequest { target: "sim".into(), source, parameters: Parameters::default() }
}

pub(crate) fn deletion(id: ImageId, cascade: bool) -> DeleteRequest {
    DeleteRequest {
        id,
        provider: None,
        credentials: Secret::new("secret:key"),
        parameters: Parameters::default(),
        cascade,
        force: false,
    }
}
