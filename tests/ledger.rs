//! What is at a provider is what complete images own, whoever is killed and whenever.

use crate::support::client::{Client, assert_complete, assert_failed};
use crate::support::factory::{Daemon, Sandbox};
use crate::support::patience::look_until;
use crate::support::program::Ended;
use crate::support::tdl::Tdl;
use factory_proto::factory_v1::{Image, ImageStatus, LedgerEntry, event::Kind};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

/// How long what is left over may take to be gone: a plugin that was killed often is started again after a pause.
const DEADLINE: Duration = Duration::from_secs(60);
/// How long a command may take.
const COMMAND_DEADLINE: Duration = Duration::from_secs(30);
/// Every point between the intent, the creation and its confirmation.
const POINTS: [&str; 6] = [
    "intent:upload",
    "create:upload",
    "confirm:upload",
    "intent:image",
    "create:image",
    "confirm:image",
];
/// Points of the deletion of what is temporary.
const DELETIONS: [&str; 2] = ["delete:upload", "deleted:upload"];

/// A cloud in a directory, and what may be in it.
struct Cloud {
    directory: PathBuf,
}

impl Cloud {
    fn new(sandbox: &Sandbox) -> Self {
        let directory = sandbox.path().join("cloud");
        std::fs::create_dir(&directory).unwrap();
        Self { directory }
    }

    fn provider(&self) -> String {
        json!({"directory": self.directory}).to_string()
    }

    fn holds(&self) -> BTreeSet<String> {
        let entries = std::fs::read_dir(&self.directory).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let ids = names.filter_map(|name| name.strip_suffix(".json").map(str::to_owned));
        ids.filter(|id| !id.starts_with('.')).collect()
    }

    /// Waits until the ledger is empty, and asserts that nothing is there but what complete images own.
    async fn assert_clean(&self, client: &mut Client, after: &str) {
        let deadline = tokio::time::Instant::now() + DEADLINE;
        loop {
            let left = client.resources(false).await;
            if left.is_empty() {
                break;
            }
            assert!(tokio::time::Instant::now() < deadline, "{after}: {left:#?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let images = client.images().await.into_iter();
        let complete = images.filter(|image| image.status() == ImageStatus::Complete);
        let owned = complete.map(|image| image.identifier_on_provider);
        let owned: BTreeSet<String> = owned.filter(|id| !id.is_empty()).collect();
        assert_eq!(self.holds(), owned, "{after}");
        let kept = client.resources(true).await;
        let kept: BTreeSet<String> = kept.into_iter().map(|entry| entry.resource_id).collect();
        assert_eq!(kept, owned, "{after}");
    }
}

/// A target image, and a provider image that stays.
async fn shop(client: &mut Client, cloud: &Cloud) -> Image {
    let target = client.create_target(&Tdl::mock("ledger"), "mock", &json!({})).await.unwrap();
    let target = client.ended(&target.id).await;
    assert_complete(&target);
    assert_complete(&push(client, &target, cloud, "", json!({})).await);
    assert_eq!(cloud.holds().len(), 1);
    target
}

async fn begin(
    client: &mut Client,
    target: &Image,
    cloud: &Cloud,
    credentials: &str,
    parameters: Value,
) -> Image {
    let provider = cloud.provider();
    client.create_provider_with(target, &provider, credentials, &parameters).await.unwrap()
}

async fn push(
    client: &mut Client,
    target: &Image,
    cloud: &Cloud,
    credentials: &str,
    parameters: Value,
) -> Image {
    let image = begin(client, target, cloud, credentials, parameters).await;
    client.ended(&image.id).await
}

/// Misbehaves at a point, the first time that an image is tried.
fn at(misbehaviour: &str, point: &str) -> Value {
    json!({
        "mock_misbehave": misbehaviour,
        "mock_misbehave_at": point,
        "mock_misbehave_attempts": 1,
        "mock_misbehave_in": "PushImageToProvider",
    })
}

/// Waits until an image's plugin says that it is at a point.
async fn reached(client: &mut Client, image: &Image, point: &str) {
    let mut events = client.follow(&image.id, 0).await;
    while let Some(event) = events.message().await.unwrap() {
        if matches!(&event.kind, Some(Kind::Log(line)) if line.message == format!("at {point}")) {
            return;
        }
    }
    panic!("{} ended before {point}", image.id);
}

fn stop(sandbox: &Sandbox, daemon: Daemon) {
    let ended = daemon.stop();
    assert!(ended.status.success(), "{}", ended.stderr);
    assert_eq!(sandbox.left_behind(&ended), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_is_killed_at_any_point_leaves_nothing() {
    let sandbox = Sandbox::new();
    let cloud = Cloud::new(&sandbox);
    let daemon = sandbox.daemon();
    let mut client = daemon.connect().await;
    let target = shop(&mut client, &cloud).await;
    for point in POINTS.into_iter().chain(DELETIONS) {
        push(&mut client, &target, &cloud, "", at("kill", point)).await;
        cloud.assert_clean(&mut client, point).await;
    }
    stop(&sandbox, daemon);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_is_cancelled_or_fails_at_any_point_leaves_nothing() {
    let sandbox = Sandbox::new();
    let cloud = Cloud::new(&sandbox);
    let daemon = sandbox.daemon();
    let mut client = daemon.connect().await;
    let target = shop(&mut client, &cloud).await;
    for point in POINTS {
        let image = begin(&mut client, &target, &cloud, "", at("hang", point)).await;
        reached(&mut client, &image, point).await;
        client.cancel(&image.id).await.unwrap();
        assert_failed(&client.ended(&image.id).await, &["CANCELLED"]);
        cloud.assert_clean(&mut client, point).await;
        push(&mut client, &target, &cloud, "", at("fail", point)).await;
        cloud.assert_clean(&mut client, point).await;
    }
    stop(&sandbox, daemon);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_is_killed_at_any_point_leaves_nothing_once_one_runs_again() {
    let sandbox = Sandbox::new();
    let cloud = Cloud::new(&sandbox);
    let mut daemon = sandbox.daemon();
    let mut client = daemon.connect().await;
    let target = shop(&mut client, &cloud).await;
    for point in POINTS {
        let image = begin(&mut client, &target, &cloud, "", at("hang", point)).await;
        reached(&mut client, &image, point).await;
        daemon.kill();
        daemon = sandbox.daemon();
        client = daemon.connect().await;
        client.ended(&image.id).await;
        cloud.assert_clean(&mut client, point).await;
    }
    let provider =
        client.images().await.into_iter().find(|it| !it.identifier_on_provider.is_empty());
    client.delete(&provider.unwrap().id).await.unwrap();
    stop(&sandbox, daemon);
}

fn factory(sandbox: &Sandbox, arguments: &[&str]) -> Ended {
    let mut command = sandbox.factory();
    command.args(arguments);
    Ended::of(&command, COMMAND_DEADLINE)
}

fn listed(sandbox: &Sandbox) -> Vec<Value> {
    let ended = factory(sandbox, &["resources", "--json"]).succeeded();
    serde_json::from_str(&ended.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_credentials_that_are_gone_waits_until_they_are_given_again() {
    let sandbox = Sandbox::new();
    let cloud = Cloud::new(&sandbox);
    let daemon = sandbox.daemon();
    let mut client = daemon.connect().await;
    let target = shop(&mut client, &cloud).await;
    std::fs::write(cloud.directory.join(".credentials"), "sesame").unwrap();
    // A plugin whose factory is gone cleans up, unless it can't.
    let stuck = at("hang", "delete:upload");
    let image = begin(&mut client, &target, &cloud, "sesame", stuck).await;
    let created = |entry: &LedgerEntry| entry.state == "created";
    while client.resources(false).await.iter().filter(|entry| created(entry)).count() < 2 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    daemon.kill();
    assert_eq!(cloud.holds().len(), 3);

    let daemon = sandbox.daemon();
    let mut client = daemon.connect().await;
    let failed = client.ended(&image.id).await;
    assert_failed(&failed, &["left over", "factory resources --image"]);
    let waits = |entry: &LedgerEntry| entry.needs_credentials;
    let deadline = tokio::time::Instant::now() + DEADLINE;
    loop {
        let left = client.resources(false).await;
        assert_eq!(left.len(), 2, "{left:#?}");
        if left.iter().all(waits) {
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "{left:#?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stop(&sandbox, daemon);

    // A command line in its own process does it as well.
    assert_eq!(listed(&sandbox).len(), 2);
    let key = sandbox.path().join("key");
    std::fs::write(&key, "wrong").unwrap();
    let refused = factory(&sandbox, &["reap", "--credentials", key.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(1), "{}", refused.stderr);
    assert!(refused.stdout.contains("not those of this cloud"), "{}", refused.stdout);
    std::fs::write(&key, "sesame").unwrap();
    factory(&sandbox, &["reap", "--credentials", key.to_str().unwrap()]).succeeded();
    assert_eq!(listed(&sandbox), Vec::<Value>::new());
    assert_eq!(cloud.holds().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_is_killed_under_a_command_line_leaves_nothing_when_that_ends() {
    let sandbox = Sandbox::new();
    let cloud = Cloud::new(&sandbox);
    let template = sandbox.template(&Tdl::mock("ledger"));
    let template = template.to_str().unwrap();
    let provider = format!("mock={}", cloud.provider());
    let build = ["build", template, "--target", "mock", "--provider", &provider];
    let misbehave = ["-p", "mock_misbehave=kill", "-p", "mock_misbehave_at=create:image"];
    let ended = factory(&sandbox, &[&build[..], &misbehave].concat());
    assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
    let clean = look_until(DEADLINE, || cloud.holds().is_empty().then_some(()));
    assert!(clean.is_some(), "{:?} {:#?}", cloud.holds(), listed(&sandbox));
    assert_eq!(listed(&sandbox), Vec::<Value>::new());
}
