//! What an operation creates outside this machine is deleted again, whatever happens.

#![expect(clippy::unwrap_used, reason = "the helpers of tests")]

use factory_plugin_sdk::harness::{Ended, Harness, Outcome, Request, input_image, template};
use factory_plugin_sdk::proto::event::Kind;
use factory_plugin_sdk::proto::{OpenIntent, ResourceIntent, open_intent::Wanted};
use factory_plugin_sdk::{
    Account, CloudIdentifiers, CloudPlugin, Description, Existing, Failure, Fault, Intent,
    LeftOver, NotCreated, Operation, PushRequest, Settled, async_trait,
};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const INFO: &str = r#"{"type": "cloud", "targets": [["ledger"]], "description": "for tests"}"#;

/// Creates a volume, an instance and an image, and then ends as the parameter `end` says.
#[derive(Clone, Default)]
struct Plugin {
    cloud: Arc<Mutex<Vec<String>>>,
}

impl Plugin {
    fn exists(&self) -> Vec<String> {
        self.cloud.lock().unwrap().clone()
    }

    async fn put(&self, intent: Intent, name: &str, operation: &Operation) -> Result<(), Failure> {
        let (cloud, sticky) = (self.cloud.clone(), operation.parameters().text("sticky")?);
        let create = |token: String| async move {
            self.cloud.lock().unwrap().push(token);
            Ok(format!("{name}-1"))
        };
        let delete = move |existing: Existing| async move {
            if sticky.is_some_and(|sticky| existing.token.ends_with(&sticky)) {
                return Err(Failure::new(Fault::Transient, "BUSY", "it is in use"));
            }
            cloud.lock().unwrap().retain(|token| *token != existing.token);
            Ok(())
        };
        operation.create(intent, create, delete).await.map(drop)
    }

    async fn end(&self, operation: &Operation) -> Result<(), Failure> {
        let end = operation.parameters().text("end")?.unwrap_or_default();
        let cloud = self.cloud.clone();
        let delete = move |existing: Existing| async move {
            cloud.lock().unwrap().retain(|token| *token != existing.token);
            Ok(())
        };
        let failure = || Failure::new(Fault::Quota, "NO_ROOM", "the provider is full");
        let intent = Intent::temporary("key", "key-pair");
        match end.as_str() {
            "fail" => Err(failure()),
            "panic" => panic!("as told"),
            "hang" => std::future::pending().await,
            "surely" => {
                let create = |_| async move { Err(NotCreated::Surely(failure())) };
                operation.create(intent, create, delete).await.map(drop)
            }
            "perhaps" => {
                let create = |token| async move {
                    self.cloud.lock().unwrap().push(token);
                    Err(failure())?
                };
                operation.create(intent, create, delete).await.map(drop)
            }
            "early" => operation.delete("volume").await,
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl CloudPlugin for Plugin {
    fn describe(&self) -> Description {
        Description::from_info("ledger", INFO).capability("push").capability("reconcile")
    }

    async fn push_image_to_provider(
        &self,
        _request: PushRequest,
        operation: &Operation,
    ) -> Result<CloudIdentifiers, Failure> {
        self.put(Intent::temporary("volume", "volume"), "volume", operation).await?;
        self.put(Intent::lasting("image", "image"), "image", operation).await?;
        self.put(Intent::temporary("instance", "instance"), "instance", operation).await?;
        self.end(operation).await?;
        Ok(CloudIdentifiers::default())
    }

    async fn reconcile(
        &self,
        left_over: &LeftOver,
        account: &Account,
        _operation: &Operation,
    ) -> Result<Settled, Failure> {
        assert_eq!((account.provider.as_str(), &*account.credentials.value), ("here", "key"));
        if left_over.name == "stuck" {
            return Err(Failure::new(Fault::Transient, "BUSY", "it is in use"));
        }
        let mut cloud = self.cloud.lock().unwrap();
        let Some(index) = cloud.iter().position(|token| *token == left_over.token) else {
            return Ok(Settled::NotThere);
        };
        if left_over.adopt || left_over.name == "kept" {
            return Ok(Settled::Adopted(format!("{}-1", left_over.name)));
        }
        cloud.remove(index);
        Ok(Settled::Deleted)
    }
}

fn push() -> Request {
    let image = input_image(template("Debian", "12", "x86_64"), &[]);
    Request::push("ledger", "here", "key", image).operation_id("op")
}

async fn pushed(plugin: &Plugin, end: &str) -> Ended {
    Harness::cloud(plugin.clone()).await.run(push().parameter("end", end)).await
}

fn deleted(ended: &Ended) -> Vec<String> {
    let lines = ended.resources().into_iter();
    lines.filter_map(|line| line.strip_prefix("deleted ").map(str::to_owned)).collect()
}

#[tokio::test]
async fn what_is_temporary_is_deleted_when_the_operation_is_completed_and_what_lasts_stays() {
    let plugin = Plugin::default();
    let ended = pushed(&plugin, "").await;
    assert_eq!(
        ended.expect_completed().resources(),
        [
            "intent volume",
            "created volume volume-1",
            "intent image",
            "created image image-1",
            "intent instance",
            "created instance instance-1",
            "deleted instance",
            "deleted volume"
        ]
    );
    assert_eq!(plugin.exists(), ["op/image"]);
    assert_eq!(ended.open_intents("op"), []);
}

#[tokio::test]
async fn everything_is_deleted_newest_first_when_it_fails_or_panics() {
    for end in ["fail", "panic"] {
        let plugin = Plugin::default();
        let ended = pushed(&plugin, end).await;
        ended.expect_failed();
        assert_eq!(deleted(&ended), ["instance", "image", "volume"], "{end}");
        assert_eq!(plugin.exists(), Vec::<String>::new(), "{end}");
    }
}

#[tokio::test]
async fn everything_is_deleted_within_the_grace_of_a_method_that_ignores_its_cancellation() {
    let plugin = Plugin::default();
    let harness = Harness::cloud(plugin.clone()).await;
    let mut running = harness.start(push().parameter("end", "hang")).await;
    let created =
        |kind: &Kind| matches!(kind, Kind::ResourceCreated(it) if it.intent_id == "instance");
    running.until(created).await.unwrap();
    running.cancel(Duration::from_millis(400)).await;
    let ended = running.end().await;
    assert!(matches!(&ended.outcome, Outcome::Cancelled(left) if left.is_empty()), "{ended:?}");
    assert_eq!(deleted(&ended), ["instance", "image", "volume"]);
    assert_eq!(plugin.exists(), Vec::<String>::new());
}

#[tokio::test]
async fn a_creation_that_may_have_worked_is_deleted_and_one_that_did_not_is_only_confirmed() {
    for end in ["surely", "perhaps"] {
        let plugin = Plugin::default();
        let ended = pushed(&plugin, end).await;
        assert_eq!(ended.expect_failed().reason, "NO_ROOM");
        assert_eq!(deleted(&ended), ["key", "instance", "image", "volume"], "{end}");
        assert_eq!(plugin.exists(), Vec::<String>::new(), "{end}");
    }
}

#[tokio::test]
async fn what_is_deleted_early_is_confirmed_once() {
    let plugin = Plugin::default();
    let ended = pushed(&plugin, "early").await;
    assert_eq!(deleted(ended.expect_completed()), ["volume", "instance"]);
}

#[tokio::test]
async fn what_can_t_be_deleted_is_told_of_and_stays_open() {
    let plugin = Plugin::default();
    let harness = Harness::cloud(plugin.clone()).await;
    let ended = harness.run(push().parameter("sticky", "volume")).await;
    ended.expect_completed();
    assert_eq!(ended.warnings(), ["volume volume-1 was not deleted: it is in use"]);
    let open = ended.open_intents("op");
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].resource_id, "volume-1");
    let reconciled = harness.run(Request::reconcile("here", "key", open)).await;
    assert_eq!(reconciled.expect_completed().resources(), ["deleted volume"]);
    assert_eq!(plugin.exists(), ["op/image"]);
}

fn open(name: &str, wanted: Wanted) -> OpenIntent {
    let intent = ResourceIntent { intent_id: name.to_owned(), ..Default::default() };
    OpenIntent {
        operation_id: "op".to_owned(),
        intent: Some(intent),
        wanted: wanted.into(),
        ..Default::default()
    }
}

#[tokio::test]
async fn each_left_over_is_settled_or_said_to_remain() {
    let plugin = Plugin::default();
    *plugin.cloud.lock().unwrap() =
        ["op/gone", "op/stuck", "op/adopted", "op/kept"].map(str::to_owned).into();
    let intents = vec![
        open("gone", Wanted::Delete),
        open("stuck", Wanted::Delete),
        open("never", Wanted::Unspecified),
        open("adopted", Wanted::Adopt),
        open("kept", Wanted::Delete),
    ];
    let harness = Harness::cloud(plugin.clone()).await;
    let ended = harness.run(Request::reconcile("here", "key", intents)).await;
    let expected = [
        "deleted gone",
        "remains stuck BUSY",
        "deleted never",
        "created adopted adopted-1",
        "remains kept NOT_DELETED",
    ];
    assert_eq!(ended.expect_completed().resources(), expected);
    assert_eq!(plugin.exists(), ["op/stuck", "op/adopted", "op/kept"]);
}

#[tokio::test]
async fn a_request_without_intents_is_refused() {
    let harness = Harness::cloud(Plugin::default()).await;
    let ended = harness.run(Request::reconcile("here", "key", Vec::new())).await;
    assert!(
        matches!(&ended.outcome, Outcome::Refused(status) if status.code() == tonic::Code::InvalidArgument)
    );
}
