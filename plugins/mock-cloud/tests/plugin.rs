//! What the mock cloud answers, through the real protocol.

#![expect(clippy::unwrap_used, reason = "the helpers of tests")]

use factory_plugin_mock_cloud::MockCloud;
use factory_plugin_sdk::harness::{Ended, Harness, Outcome, Request, input_image, template};
use factory_plugin_sdk::proto::completed::Result as Answered;
use factory_plugin_sdk::{CloudIdentifiers, InputImage, describe_json};
use serde_json::{Value, json};
use std::process::Command;

fn image() -> InputImage {
    input_image(template("MockOS_A", "1", "x86_64"), &[])
}

async fn run(request: Request) -> Ended {
    Harness::cloud(MockCloud).await.run(request).await
}

#[tokio::test]
async fn it_describes_itself_on_the_command_line_as_it_does_over_the_wire() {
    let output = Command::new(env!("CARGO_BIN_EXE_factory-plugin-mock-cloud"))
        .arg("describe")
        .output()
        .unwrap();
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    let described = Harness::cloud(MockCloud).await.describe().await;
    assert_eq!(printed, describe_json(&described));
    let targets: Vec<_> = described.targets.iter().flat_map(|t| t.parts[0].value.clone()).collect();
    let original = "MockCloud mock mockcloud mocksphere rhevmock ecmock mockspace mockstack";
    assert_eq!(targets.join(" "), original);
}

#[tokio::test]
async fn a_target_image_is_wanted_and_needs_nothing() {
    let should = run(Request::should_create_target_image("mock", image())).await;
    assert_eq!(should.result(), Some(&Answered::ShouldCreateTargetImage(true)));
    let will = run(Request::will_create_target_image("mock", image())).await;
    assert_eq!(will.result(), Some(&Answered::CloudContent(Default::default())));
    run(Request::did_create_target_image("mock", image())).await.expect_completed();
}

#[tokio::test]
async fn content_is_what_the_parameter_says_as_a_value_or_as_text() {
    let content = json!({
        "files": [{"name": "/etc/cloud", "file": "mock"}],
        "commands": [{"name": "hello", "command": "echo hello"}],
    });
    for parameter in [content.clone(), content.to_string().into()] {
        let request = Request::will_create_target_image("mock", image());
        let ended = run(request.parameter("mock_cloud_content", parameter)).await;
        let Some(Answered::CloudContent(content)) = ended.result() else { panic!("{ended:?}") };
        assert_eq!(content.files[0].content, b"mock");
        assert_eq!(content.commands[0].name, "hello");
    }
}

#[tokio::test]
async fn pushing_and_snapshotting_make_up_an_identifier_each_time() {
    let push = || Request::push("mock", "mock-provider", "secret", image());
    let template = template("MockOS_A", "1", "x86_64");
    let snapshot = Request::snapshot("mock", "mock-provider", "secret", template);
    let mut ids = Vec::new();
    for request in [push(), push(), snapshot] {
        let ended = run(request).await;
        let identifiers = ended.expect_completed().identifiers().unwrap();
        assert_eq!(identifiers.provider_account_identifier, "mock_user");
        let id = uuid::Uuid::parse_str(&identifiers.identifier_on_provider).unwrap();
        assert_eq!(id.get_version_num(), 4);
        ids.push(id);
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[tokio::test]
async fn deleting_succeeds() {
    let identifiers = CloudIdentifiers::default();
    let request = Request::delete("mock", "mock-provider", "secret", identifiers, image());
    run(request).await.expect_completed();
}

#[tokio::test]
async fn a_misbehaviour_can_be_limited_to_a_method_and_to_the_first_tries() {
    let failing = |request: Request| {
        request
            .parameter("mock_misbehave", "fail")
            .parameter("mock_misbehave_in", "PushImageToProvider")
            .parameter("mock_misbehave_attempts", 1)
    };
    let should = failing(Request::should_create_target_image("mock", image()));
    run(should).await.expect_completed();
    let push = failing(Request::push("mock", "mock-provider", "secret", image()));
    let first = run(push.clone()).await;
    assert!(matches!(first.outcome, Outcome::Failed(_)));
    run(push.attempt(2)).await.expect_completed();
}

/// A cloud in a directory of its own.
struct Directory(tempfile::TempDir);

impl Directory {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn provider(&self) -> String {
        json!({"directory": self.0.path()}).to_string()
    }

    fn push(&self) -> Request {
        Request::push("mock", &self.provider(), "", image())
    }

    fn snapshot(&self) -> Request {
        Request::snapshot("mock", &self.provider(), "", template("MockOS_A", "1", "x86_64"))
    }

    /// The kinds of what is in it.
    fn holds(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let kinds = names
            .map(|name| name.split_once('-').map_or(name.clone(), |(kind, _)| kind.to_owned()));
        let mut kinds: Vec<String> = kinds.filter(|kind| !kind.starts_with('.')).collect();
        kinds.sort();
        kinds
    }
}

#[tokio::test]
async fn a_cloud_in_a_directory_keeps_the_image_and_nothing_else() {
    let directory = Directory::new();
    for request in [directory.push(), directory.snapshot()] {
        let ended = run(request).await;
        let identifiers = ended.expect_completed().identifiers().unwrap().clone();
        assert_eq!(directory.holds(), ["image"]);
        let delete =
            || Request::delete("mock", &directory.provider(), "", identifiers.clone(), image());
        run(delete()).await.expect_completed();
        assert_eq!(directory.holds(), Vec::<String>::new());
        run(delete()).await.expect_completed();
    }
}

#[tokio::test]
async fn what_goes_wrong_at_any_point_leaves_nothing() {
    for point in
        ["intent:upload", "create:upload", "confirm:upload", "create:image", "confirm:image"]
    {
        for misbehaviour in ["fail", "panic"] {
            let directory = Directory::new();
            let request = directory.push().parameter("mock_misbehave", misbehaviour);
            let ended = run(request.parameter("mock_misbehave_at", point)).await;
            ended.expect_failed();
            assert_eq!(directory.holds(), Vec::<String>::new(), "{misbehaviour} at {point}");
        }
    }
}

#[tokio::test]
async fn what_could_not_be_deleted_is_found_again() {
    let directory = Directory::new();
    let request = directory.snapshot().operation_id("op").parameter("mock_misbehave", "fail");
    let ended = run(request.parameter("mock_misbehave_at", "delete:volume")).await;
    ended.expect_completed();
    assert_eq!(directory.holds(), ["image", "volume"]);
    let mut open = ended.open_intents("op");
    assert_eq!(open.len(), 1);
    // As if its creation had not been confirmed.
    open[0].resource_id.clear();
    for _ in 0..2 {
        let request = Request::reconcile(&directory.provider(), "", open.clone());
        assert_eq!(run(request).await.expect_completed().resources(), ["deleted volume"]);
        assert_eq!(directory.holds(), ["image"]);
    }
}

#[tokio::test]
async fn a_directory_with_credentials_wants_them() {
    let directory = Directory::new();
    std::fs::write(directory.0.path().join(".credentials"), "sesame\n").unwrap();
    let ended = run(directory.push()).await;
    assert_eq!(ended.expect_failed().reason, "WRONG_CREDENTIALS");
    let request = Request::push("mock", &directory.provider(), "sesame", image());
    run(request).await.expect_completed();
}
