//! `kill -9` in the middle of a step, of the daemon or of a command line: what can go on does, and what can't says why.

use crate::support::client::{Client, assert_begun, assert_complete, assert_failed};
use crate::support::factory::Sandbox;
use crate::support::leftovers::files_in;
use crate::support::program::Program;
use crate::support::story::Story;
use crate::support::tdl::Tdl;
use factory_proto::factory_v1::{Event, Image, ImageStatus, Step};
use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;

/// How long an orphan may live.
const ORPHAN_DEADLINE: Duration = Duration::from_secs(2);

/// How long a step may take to begin, on a busy machine.
const BEGIN_DEADLINE: Duration = Duration::from_secs(60);

/// The methods of a pushed image's story and their steps, and its deletion.
const PUSHED: [(&str, &str); 7] = [
    ("CreateBaseImage", "create-base-image"),
    ("ShouldCreateTargetImage", "should-create-target-image"),
    ("WillCreateTargetImage", "will-create-target-image"),
    ("CreateTargetImage", "create-target-image"),
    ("DidCreateTargetImage", "did-create-target-image"),
    ("PushImageToProvider", "push-image-to-provider"),
    ("DeleteFromProvider", "delete-from-provider"),
];

/// The parameters of an image that goes on only once a method of it was interrupted.
fn hangs_in(method: &str) -> serde_json::Value {
    json!({"mock_misbehave": "hang", "mock_misbehave_in": method, "mock_misbehave_attempts": 1})
}

/// Answers an image and those that it is made from, itself first.
async fn family(client: &mut Client, id: &str) -> Vec<Image> {
    let mut family = vec![client.image(id).await];
    while let Some(parent) =
        family.last().map(|image| image.parent_id.clone()).filter(|id| !id.is_empty())
    {
        family.push(client.image(&parent).await);
    }
    family
}

/// Kills the daemon in a step of an image, and answers the image as it is when the next one is done with it. No event that was
/// seen before is lost or in another place.
async fn interrupted(
    sandbox: &Sandbox,
    method: &str,
    step: &str,
    snapshot: bool,
) -> (Image, Vec<Step>) {
    let daemon = sandbox.daemon();
    let mut client = daemon.connect().await;
    let parameters = hangs_in(method);
    let id = client.create_provider_from(&Tdl::mock(method), snapshot, &parameters).await.id;
    if method == "DeleteFromProvider" {
        assert_complete(&client.ended(&id).await);
        client.delete(&id).await.unwrap();
    }
    let family = family(&mut client, &id).await;
    let owner = family.iter().rev().find(|image| method_of(image, method));
    let owner = owner.map_or(id.clone(), |image| image.id.clone());
    assert_begun(&mut client, &owner, step, 1).await;
    let mut before: Vec<Event> = Vec::new();
    let mut seen = client.follow(&owner, 0).await;
    let last = client.image(&owner).await.last_cursor;
    while before.last().is_none_or(|event: &Event| event.cursor < last) {
        before.push(seen.message().await.unwrap().expect("it has not ended"));
    }
    let brood = daemon.kill();
    assert_eq!(brood.survivors(ORPHAN_DEADLINE), Vec::<String>::new(), "{method}");

    let daemon = sandbox.daemon();
    let mut client = daemon.connect().await;
    let events = client.events(&owner, 0).await;
    assert_eq!(events[..before.len()], before[..], "{method}: an event is lost");
    assert!(events.is_sorted_by(|one, next| one.cursor < next.cursor), "{method}");
    let image = client.ended(&id).await;
    let steps = client.steps(&owner).await;
    let ended = daemon.stop();
    assert_eq!(sandbox.left_behind(&ended), Vec::<String>::new(), "{method}");
    (image, steps)
}

/// Tells whether a method is part of the work on an image.
fn method_of(image: &Image, method: &str) -> bool {
    match method {
        "CreateBaseImage" => image.parent_id.is_empty(),
        "PushImageToProvider" | "SnapshotImageOnProvider" | "DeleteFromProvider" => {
            !image.provider.is_empty()
        }
        _ => !image.target.is_empty() && image.provider.is_empty(),
    }
}

fn tries(steps: &[Step], name: &str) -> (String, u32) {
    let step = steps.iter().find(|step| step.name == name).expect("the step was begun");
    (step.state.clone(), step.tries)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_goes_on_from_every_step_in_which_its_daemon_is_killed() {
    let sandbox = Sandbox::new();
    for (method, step) in PUSHED {
        let (image, steps) = interrupted(&sandbox, method, step, false).await;
        let deleted = method == "DeleteFromProvider";
        let expected = if deleted { ImageStatus::Deleted } else { ImageStatus::Complete };
        assert_eq!(image.status(), expected, "{method}: {:?}", image.error);
        assert_eq!(tries(&steps, step), ("done".to_owned(), 2), "{method}");
        let once = steps.iter().filter(|other| other.name != step);
        once.for_each(|other| assert_eq!((other.state.as_str(), other.tries), ("done", 1)));
    }
    assert_eq!(files_in(&sandbox.store().join("kept")), Vec::<PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_goes_on_after_its_daemon_is_killed() {
    let sandbox = Sandbox::new();
    let (method, step) = ("SnapshotImageOnProvider", "snapshot-image-on-provider");
    let (image, steps) = interrupted(&sandbox, method, step, true).await;
    assert_complete(&image);
    assert_eq!(tries(&steps, step), ("done".to_owned(), 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_a_password_that_died_with_the_daemon_fails_and_can_be_tried_again_with_it() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.daemon();
    let mut client = daemon.connect().await;
    let template = Tdl::mock("secret").root_password("hunter2");
    let image = client.create_base(&template, &hangs_in("CreateBaseImage")).await.unwrap();
    assert_begun(&mut client, &image.id, "create-base-image", 1).await;
    daemon.kill();

    let daemon = sandbox.daemon();
    let mut client = daemon.connect().await;
    let hint = format!("factory retry {}", image.id);
    assert_failed(&client.ended(&image.id).await, &["SECRETS_GONE", "template", &hint]);
    daemon.stop().succeeded();

    let mut factory = sandbox.factory();
    factory.args(["retry", &image.id, "--json"]);
    let refused = Program::start(&factory).wait(BEGIN_DEADLINE);
    assert!(!refused.status.success());
    assert!(refused.stderr.contains("secrets in the template"), "{}", refused.stderr);
    factory.arg("--template").arg(sandbox.template(&template));
    let ended = Program::start(&factory).wait(BEGIN_DEADLINE);
    assert!(ended.status.success(), "{}", ended.stderr);
    assert_eq!(Story::of(&ended).image("")["status"], "COMPLETE");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_command_line_left_goes_on_in_a_daemon_that_runs() {
    let sandbox = Sandbox::new();
    let mut factory = sandbox.factory();
    factory.arg("build").arg(sandbox.template(&Tdl::mock("abandoned")));
    factory.args([
        "--parameter",
        "mock_misbehave=hang",
        "--parameter",
        "mock_misbehave_attempts:=1",
    ]);
    factory.arg("--json");
    let mut program = Program::start(&factory);
    program.stdout.wait_for("\"to\":\"BUILDING\"", BEGIN_DEADLINE).unwrap();
    let daemon = sandbox.daemon();
    let mut client = daemon.connect().await;
    let id = client.images().await[0].id.clone();
    assert_begun(&mut client, &id, "create-base-image", 1).await;
    program.kill();
    assert_complete(&client.ended(&id).await);
    daemon.stop().succeeded();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_stopped_daemon_was_in_the_middle_of_goes_on_in_the_next_but_for_what_needs_its_secrets()
 {
    let sandbox = Sandbox::new();
    let daemon = sandbox.daemon_with(&["--concurrent-builds", "3"]);
    let mut client = daemon.connect().await;
    let hangs = hangs_in("CreateBaseImage");
    let open = client.create_base(&Tdl::mock("stopped"), &hangs).await.unwrap();
    let secret = Tdl::mock("secret").root_password("hunter2");
    let secret = client.create_base(&secret, &hangs).await.unwrap();
    let cancelled = client.create_base(&Tdl::mock("cancelled"), &hangs).await.unwrap();
    for image in [&open, &secret, &cancelled] {
        assert_begun(&mut client, &image.id, "create-base-image", 1).await;
    }
    client.cancel(&cancelled.id).await.unwrap();
    let ended = daemon.stop().succeeded();
    assert_eq!(sandbox.left_behind(&ended), Vec::<String>::new());

    let daemon = sandbox.daemon();
    let mut client = daemon.connect().await;
    assert_complete(&client.ended(&open.id).await);
    assert_eq!(tries(&client.steps(&open.id).await, "create-base-image"), ("done".to_owned(), 2));
    assert_failed(&client.ended(&secret.id).await, &["INTERRUPTED"]);
    assert_failed(&client.ended(&cancelled.id).await, &["CANCELLED"]);
    daemon.stop().succeeded();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_a_daemon_whose_plugin_does_not_listen_and_the_next_goes_on() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.daemon();
    let mut client = daemon.connect().await;
    let parameters = json!({"mock_misbehave": "ignore-cancel", "mock_misbehave_attempts": 1});
    let image = client.create_base(&Tdl::mock("late"), &parameters).await.unwrap();
    assert_begun(&mut client, &image.id, "create-base-image", 1).await;
    let ended = daemon.stop_at_once();
    assert!(!ended.status.success());
    assert!(ended.stderr.contains("stopped at once by a second"), "{}", ended.stderr);
    assert_eq!(ended.brood.survivors(ORPHAN_DEADLINE), Vec::<String>::new());

    let daemon = sandbox.daemon();
    let mut client = daemon.connect().await;
    assert_complete(&client.ended(&image.id).await);
    assert_eq!(tries(&client.steps(&image.id).await, "create-base-image"), ("done".to_owned(), 2));
    daemon.stop().succeeded();
}
