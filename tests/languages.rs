//! Plugins in other languages, in the real daemon, over mutual TLS and in their sandbox: with an SDK, and with nothing of ours
//! but the contract.

use crate::support::client::{assert_begun, assert_complete, statuses};
use crate::support::factory::Sandbox;
use crate::support::plugins::Plugins;
use crate::support::program::Ended;
use crate::support::story::Story;
use crate::support::tdl::Tdl;
use factory_proto::factory_v1::{ImageStatus, event};
use serde_json::json;
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(120);
/// Enough to fill every window and buffer on the way many times.
const FLOOD: usize = 20_000;

/// Builds with an example of an SDK, and looks at what `factory show` shows of it.
fn show(plugins: &Plugins, os: &str) {
    let sandbox = Sandbox::new().with_plugins(plugins.path());
    let template = sandbox.template(&Tdl::mock("example").os(os, "1"));
    let mut build = sandbox.factory();
    build.arg("build").arg(template).arg("--json");
    let built = Ended::of(&build, DEADLINE).succeeded();
    let progress = r#""percent":9.9,"phase":"BUILDING","activity":"waiting for the instance""#;
    assert!(built.stdout.contains(progress), "{}", built.stdout);
    let story = Story::of(&built);
    let mut show = sandbox.factory();
    show.arg("show").arg(story.image("")["id"].as_str().unwrap());
    let shown = Ended::of(&show, DEADLINE).succeeded();
    for line in ["x-image-properties-glance_id", "0c2f6a1e", "COMPLETE"] {
        assert!(shown.stdout.contains(line), "{}", shown.stdout);
    }
    assert_eq!(sandbox.left_behind(&built), Vec::<String>::new());
}

/// Builds with a plugin that knows nothing of ours but the contract: one image, one with a flood, one that is cancelled.
async fn without_an_sdk(plugins: &Plugins, os: &str) {
    let sandbox = Sandbox::new().with_plugins(plugins.path());
    let daemon = sandbox.daemon();
    let mut client = daemon.connect().await;
    let template = Tdl::mock("bare").os(os, "1");
    let image = client.create_base(&template, &json!({})).await.unwrap();
    let image = client.ended(&image.id).await;
    assert_complete(&image);
    let body = std::fs::read_to_string(&image.artifacts[0].path).unwrap();
    assert!(body.contains(&format!("<name>{os}</name>")), "{body}");

    let flooded = client.create_base(&template, &json!({"flood": FLOOD})).await.unwrap();
    let events = client.events(&flooded.id, 0).await;
    assert_eq!(statuses(&events).last(), Some(&ImageStatus::Complete));
    let lines = events.iter().filter(|event| {
        matches!(&event.kind, Some(event::Kind::Log(line)) if line.message.starts_with("event "))
    });
    assert_eq!(lines.count(), FLOOD);

    let held = client.create_base(&template, &json!({"hold": true})).await.unwrap();
    assert_begun(&mut client, &held.id, "create-base-image", 1).await;
    client.cancel(&held.id).await.unwrap();
    assert_eq!(client.ended(&held.id).await.status(), ImageStatus::Failed);
    assert_eq!(sandbox.left_behind(&daemon.stop().succeeded()), Vec::<String>::new());
}

#[test]
fn the_example_in_go_shows_in_factory_show() {
    show(&Plugins::new().with_go("nova", "plugin-sdk/go/examples/nova"), "Nova");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unmodified_go_plugin_server_is_a_plugin() {
    let plugins = Plugins::new().with_go("goos", "tests/fixtures/go-plugin");
    without_an_sdk(&plugins, "GoOS").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_in_javascript_made_straight_from_the_protobuf_files_is_a_plugin() {
    without_an_sdk(&Plugins::new().with_node(), "NodeOS").await;
}
