//! What a plugin left over at a provider is settled, by whoever lives and has the credentials.

use crate::fake::{Provider, Script, World, announce, to_region_1, world, world_at};
use crate::full_disk::{Disk, world_on_disk};
use async_trait::async_trait;
use factoryd::delegate::{
    Account, Announced, Description, Error, OpenIntent, Operation, Reconciler,
};
use factoryd::domain::{
    EventKind, Failure, Fault, Image, ImageId, Resource, ResourceState, Secret, Status,
};
use factoryd::factory::{
    LedgerEntry, LedgerFilter, Options, ProviderSource, ReapRequest, RetryRequest,
};
use factoryd::reap::Scope;
use factoryd::secrets::Secrets;
use factoryd::store::EventQuery;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// No test waits longer for anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// A provider at which pushes fail half-way.
#[derive(Default)]
struct Full {
    /// What exists there.
    exists: Mutex<Vec<String>>,
    /// Nothing can be deleted.
    stuck: AtomicBool,
    /// Where the factory finds no room for what a try came to.
    disk: Option<Arc<Disk>>,
    /// The calls of `Reconcile`: the credentials, and the intents.
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl Provider for Full {
    /// Creates a volume and an image, and fails.
    async fn push(&self, operation: &Operation) -> Result<(), Error> {
        let resource = |state, intent: &str| {
            Announced::Resource(Resource {
                state,
                intent_id: intent.to_owned(),
                kind: intent.to_owned(),
                description: String::new(),
                locator_json: String::new(),
                resource_id: String::new(),
                lasting: intent == "image",
                plugin: "fake-cloud".to_owned(),
                operation: operation.id.to_string(),
            })
        };
        for intent in ["volume", "image"] {
            announce(operation, vec![resource(ResourceState::Intent, intent)]).await;
            self.exists.lock().unwrap().push(intent.to_owned());
            announce(operation, vec![resource(ResourceState::Created, intent)]).await;
        }
        Err(Failure::new(Fault::Quota, "NO_ROOM", "the provider is full").into())
    }
}

impl Full {
    fn exists(&self) -> Vec<String> {
        self.exists.lock().unwrap().clone()
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl Reconciler for Full {
    async fn describe(&self) -> Result<Description, Error> {
        Ok(Description { capabilities: vec!["reconcile".into()], ..Description::default() })
    }

    async fn reconcile(
        &self,
        operation: &Operation,
        target: &str,
        account: &Account,
        intents: &[OpenIntent],
    ) -> Result<(), Error> {
        let names: Vec<_> = intents.iter().map(|it| it.resource.intent_id.as_str()).collect();
        let line = format!(
            "{target} {} {} {}",
            account.provider,
            account.credentials.expose(),
            names.join("+")
        );
        self.asked.lock().unwrap().push(line);
        for open in intents {
            assert!(!open.adopt);
            let intent_id = open.resource.intent_id.clone();
            let what = if self.stuck.load(Ordering::Relaxed) {
                let why = Failure::new(Fault::Transient, "BUSY", "it is in use");
                Announced::ResourceRemains { intent_id, why: Box::new(why) }
            } else {
                self.exists.lock().unwrap().retain(|name| *name != intent_id);
                let state = ResourceState::Deleted;
                Announced::Resource(Resource { state, ..open.resource.clone() })
            };
            announce(operation, vec![what]).await;
        }
        self.disk.iter().for_each(|disk| disk.fill(0, 3));
        Ok(())
    }
}

/// A world whose provider fails, and a reaper in it.
struct Scene {
    world: World,
    provider: Arc<Full>,
    reaper: JoinSet<()>,
    stop: CancellationToken,
}

impl Scene {
    fn of(world: World, provider: Arc<Full>, scope: Scope) -> Self {
        let (mut reaper, stop) = (JoinSet::new(), CancellationToken::new());
        reaper.spawn(world.factory.reaper(scope).run(stop.clone()));
        Self { world, provider, reaper, stop }
    }

    /// Pushes, which fails.
    async fn pushed(&self, credentials: &str) -> Image {
        let base = self.world.settled(&self.world.base().await.id).await.0;
        let target = self.world.settled(&self.world.target(&base.id, "fake").await.id).await.0;
        let request = to_region_1(ProviderSource::TargetImage(target.id), credentials);
        let image = self.world.factory.create_provider_image(request).await.unwrap();
        let image = self.world.settled(&image.id).await.0;
        assert_eq!(image.status, Status::Failed);
        image
    }

    /// Waits until the ledger is as wanted.
    async fn until(&self, wanted: impl Fn(&[LedgerEntry]) -> bool) -> Vec<LedgerEntry> {
        let look = async {
            loop {
                let entries = self.ledger().await;
                if wanted(&entries) {
                    return entries;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        match tokio::time::timeout(PATIENCE, look).await {
            Ok(entries) => entries,
            Err(_) => panic!("the ledger stays {:#?}", self.ledger().await),
        }
    }

    async fn ledger(&self) -> Vec<LedgerEntry> {
        self.world.factory.resources(&LedgerFilter::default()).await.unwrap()
    }

    async fn reap(&self, image: &ImageId, credentials: &str) {
        let image = Some(image.clone());
        let credentials = Secret::new(credentials);
        let request = ReapRequest { numbers: Vec::new(), image, credentials };
        self.world.factory.reap(request).await.unwrap();
    }

    /// Ends it all, as a process that ends does, and answers what is left on the disk.
    async fn end(mut self) -> TempDir {
        self.stop.cancel();
        self.reaper.join_next().await.unwrap().unwrap();
        let World { root, .. } = self.world;
        root
    }
}

async fn scene(provider: Full) -> Scene {
    let provider = Arc::new(provider);
    let script = Script { provider: Some(provider.clone()), ..Script::default() };
    Scene::of(world(script).await, provider, Scope::Everybody)
}

/// Another process, after the first one's end.
async fn next(root: TempDir, provider: Arc<Full>, secrets: Secrets, scope: Scope) -> Scene {
    let script = Script { provider: Some(provider.clone()), secrets, ..Script::default() };
    Scene::of(world_at(script, root, Options::default()).await, provider, scope)
}

fn waits(entries: &[LedgerEntry]) -> bool {
    entries.len() == 2 && entries.iter().all(|entry| entry.needs_credentials)
}

fn stuck() -> Full {
    Full { stuck: AtomicBool::new(true), ..Full::default() }
}

#[tokio::test]
async fn what_a_failure_left_over_is_deleted_with_the_credentials_of_the_request_and_told_of() {
    let scene = scene(Full::default()).await;
    let image = scene.pushed("hunter2").await;
    scene.until(<[_]>::is_empty).await;
    assert_eq!(scene.provider.asked(), ["fake region-1 hunter2 image+volume"]);
    assert_eq!(scene.provider.exists(), Vec::<String>::new());
    let failure = image.failure.unwrap();
    assert_eq!(failure.reason, "NO_ROOM");
    assert!(failure.detail.contains("volume volume, image image"), "{failure:?}");
    assert!(failure.hint.contains(&format!("factory resources --image {}", image.id)));
}

#[tokio::test]
async fn what_can_t_be_deleted_is_tried_again_until_it_can() {
    let scene = scene(stuck()).await;
    let image = scene.pushed("hunter2").await;
    let left = scene.until(|left| left.iter().all(|it| it.attempts == 1 && !it.claimed)).await;
    assert!(
        left.iter().all(|it| it.problem == "it is in use" && it.declared < it.next),
        "{left:#?}"
    );
    let events = scene.world.store.events(&EventQuery::default()).await.unwrap();
    let of_image = events.iter().filter(|event| event.image == image.id);
    let told = of_image.filter(|event| matches!(event.kind, EventKind::Warning(_))).count();
    assert_eq!(told, 2, "once for each");
    scene.provider.stuck.store(false, Ordering::Relaxed);
    scene.until(<[_]>::is_empty).await;
    assert_eq!(scene.provider.asked().len(), 2);
    assert_eq!(scene.provider.exists(), Vec::<String>::new());
}

#[tokio::test]
async fn what_can_t_be_deleted_is_tried_again_though_there_was_no_room_to_record_that() {
    let disk = Arc::new(Disk::default());
    let provider = Arc::new(Full { disk: Some(disk.clone()), ..stuck() });
    let script = Script { provider: Some(provider.clone()), ..Script::default() };
    let world = world_on_disk(script, disk).await;
    let scene = Scene::of(world, provider.clone(), Scope::Everybody);
    scene.pushed("hunter2").await;
    scene.until(|left| left.iter().all(|it| 0 < it.attempts && !it.claimed)).await;
    provider.stuck.store(false, Ordering::Relaxed);
    scene.until(<[_]>::is_empty).await;
}

#[tokio::test]
async fn a_claim_is_given_up_though_there_was_no_room_and_the_image_is_cancelled_meanwhile() {
    let disk = Arc::new(Disk::default());
    let provider = Arc::new(Full { disk: Some(disk.clone()), ..stuck() });
    let script = Script { provider: Some(provider.clone()), ..Script::default() };
    let scene = Scene::of(world_on_disk(script, disk).await, provider.clone(), Scope::Everybody);
    let image = scene.pushed("hunter2").await;
    scene.until(|left| left.iter().all(|it| 0 < it.attempts && !it.claimed)).await;
    let asked = provider.asked().len();
    let credentials = Secret::new("hunter2");
    let again = RetryRequest { credentials, ..RetryRequest::of(image.id.clone()) };
    scene.world.factory.retry(again).await.unwrap();
    // Before its push it settles what the first one left over, which does not work.
    scene.until(|_| asked < provider.asked().len()).await;
    _ = scene.world.factory.cancel(&image.id).await;
    provider.stuck.store(false, Ordering::Relaxed);
    scene.until(<[_]>::is_empty).await;
}

#[tokio::test]
async fn after_a_restart_credentials_of_a_request_are_gone_and_have_to_be_given() {
    let first = scene(stuck()).await;
    let image = first.pushed("hunter2").await;
    first.until(|left| left.iter().all(|it| it.attempts == 1 && !it.claimed)).await;
    let provider = first.provider.clone();
    let root = first.end().await;
    let asked = provider.asked().len();
    provider.stuck.store(false, Ordering::Relaxed);

    let second = next(root, provider.clone(), Secrets::default(), Scope::Everybody).await;
    let left = second.until(waits).await;
    assert!(left[0].problem.contains("came with the request"), "{left:#?}");
    // Without them nothing changes.
    second.reap(&image.id, "").await;
    second.until(waits).await;
    assert_eq!(provider.asked().len(), asked);
    second.reap(&image.id, "hunter3").await;
    second.until(<[_]>::is_empty).await;
    assert_eq!(provider.asked().last().unwrap(), "fake region-1 hunter3 image+volume");
}

#[tokio::test]
async fn credentials_that_an_image_is_tried_again_with_settle_what_it_left_over_before() {
    let first = scene(stuck()).await;
    let image = first.pushed("hunter2").await;
    first.until(|left| left.iter().all(|it| it.attempts == 1 && !it.claimed)).await;
    let provider = first.provider.clone();
    let root = first.end().await;
    provider.stuck.store(false, Ordering::Relaxed);

    let second = next(root, provider.clone(), Secrets::default(), Scope::Everybody).await;
    second.until(waits).await;
    let asked = provider.asked().len();
    let credentials = Secret::new("hunter3");
    let again = RetryRequest { credentials, ..RetryRequest::of(image.id.clone()) };
    second.world.factory.retry(again).await.unwrap();
    second.world.settled(&image.id).await;
    second.until(<[_]>::is_empty).await;
    let asked = &provider.asked()[asked..];
    assert!(asked.iter().all(|line| line.contains(" hunter3 ")), "{asked:?}");
    assert_eq!(provider.exists(), Vec::<String>::new());
}

#[tokio::test]
async fn after_a_restart_credentials_with_a_name_are_looked_up() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("region");
    std::fs::write(&file, "hunter4").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let secrets = Secrets::new(Some(directory.path().to_owned()));
    let root = TempDir::new().unwrap();
    let first = next(root, Arc::new(stuck()), secrets.clone(), Scope::Everybody).await;
    first.pushed("secret:region").await;
    first.until(|left| left.iter().all(|it| it.attempts == 1 && !it.claimed)).await;
    let provider = first.provider.clone();
    let root = first.end().await;
    provider.stuck.store(false, Ordering::Relaxed);

    // A command line does not do other people's work.
    let second = next(root, provider.clone(), secrets.clone(), Scope::Own).await;
    let asked = provider.asked().len();
    let root = second.end().await;
    assert_eq!(provider.asked().len(), asked);
    let third = next(root, provider.clone(), secrets, Scope::Everybody).await;
    third.until(<[_]>::is_empty).await;
    assert_eq!(provider.asked().last().unwrap(), "fake region-1 hunter4 image+volume");
}

#[tokio::test]
async fn what_an_image_still_needs_and_what_is_not_there_can_t_be_reaped() {
    let scene = scene(stuck()).await;
    scene.pushed("hunter2").await;
    let request = ReapRequest { numbers: vec![77], image: None, credentials: Secret::new("") };
    let refused = scene.world.factory.reap(request).await.unwrap_err();
    assert_eq!(refused.to_string(), "there is no resource 77 that is not deleted");
}
