//! What the mock cloud answers, through the real protocol.

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
