//! What the mock OS plugin does when it behaves.

use factory_plugin_mock_os::MockOs;
use factory_plugin_sdk::harness::{Harness, Request, input_image, template};
use factory_plugin_sdk::proto::{ContentFile, Package, ValidateRequest};
use factory_plugin_sdk::{CloudContent, describe_json};
use serde_json::Value;
use std::process::Command;

fn base() -> Request {
    Request::base_image(template("MockOS_A", "1", "x86_64"))
}

#[tokio::test]
async fn it_describes_itself_on_the_command_line_as_it_does_over_the_wire() {
    let output = Command::new(super::support::executable()).arg("describe").output().unwrap();
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(printed, describe_json(&Harness::os(MockOs).await.describe().await));
    assert_eq!(printed["name"], "mock-os");
    let sensitive = "/parameters_schema_json/properties/mock_password/x-factory-sensitive";
    assert_eq!(printed.pointer(sensitive), Some(&true.into()));
}

#[tokio::test]
async fn a_base_image_is_the_originals_text_with_packages() {
    let mut template = template("MockOS_A", "1", "x86_64");
    template.packages.push(Package { name: "a<b".into(), ..Default::default() });
    let harness = Harness::os(MockOs).await;
    let ended = harness.run(Request::base_image(template).image_id("x-1")).await;
    let body = std::fs::read_to_string(ended.expect_completed().artifact_path("disk")).unwrap();
    assert_eq!(body, "MockOS base_image file for id (x-1)");
    assert_eq!(ended.percentages().last(), Some(&100.0));
    let packages = ended.packages().unwrap();
    assert_eq!(packages.packages.last().unwrap().name, "a<b");
    assert!(packages.icicle_xml.contains("<package name=\"a&lt;b\"/>"));
}

#[tokio::test]
async fn a_target_image_says_what_content_it_was_given() {
    let file = ContentFile { name: "/etc/cloud".into(), content: b"x".to_vec() };
    let content = CloudContent { files: vec![file], commands: Vec::new() };
    let image = input_image(template("MockOS_A", "1", "x86_64"), &[]);
    let request = Request::target_image("mock", image, content).image_id("x-2");
    let ended = Harness::os(MockOs).await.run(request).await;
    let body = std::fs::read_to_string(ended.expect_completed().artifact_path("disk")).unwrap();
    assert_eq!(body, "MockOS target_image file for id (x-2)");
    assert_eq!(ended.properties()["mock_cloud_content"]["files"][0], "/etc/cloud");
}

#[tokio::test]
async fn size_property_steps_and_lines_are_parameters() {
    let request = base()
        .parameter("mock_size", "3000000")
        .parameter("mock_property", 7)
        .parameter("mock_steps", 2)
        .parameter("mock_events", 10)
        .parameter("mock_resource", true)
        .secret_parameter("mock_password", "hunter2");
    let ended = Harness::os(MockOs).await.run(request).await;
    assert_eq!(ended.expect_completed().artifact("disk").size, 3_000_000);
    assert_eq!(ended.properties()["mock_property"], 7);
    assert!(ended.log().contains("a password of 7 characters was given"));
    assert!(!format!("{:?}", ended.events).contains("hunter2"));
    assert!(ended.log().contains("mock: 9\n"));
}

#[tokio::test]
async fn a_failure_is_the_one_that_was_asked_for() {
    let request = base()
        .parameter("mock_misbehave", "fail")
        .parameter("mock_fault", "FAULT_QUOTA")
        .parameter("mock_reason", "DISK_FULL");
    let ended = Harness::os(MockOs).await.run(request).await;
    let failure = ended.expect_failed();
    assert_eq!(
        (failure.reason.as_str(), failure.fault().as_str_name()),
        ("DISK_FULL", "FAULT_QUOTA")
    );
}

#[tokio::test]
async fn an_unknown_misbehaviour_is_found_before_anything_starts() {
    let request =
        |json: &str| ValidateRequest { parameters_json: json.into(), ..Default::default() };
    let harness = Harness::os(MockOs).await;
    assert_eq!(harness.validate(request(r#"{"mock_misbehave":"crash"}"#)).await, []);
    let found = harness.validate(request(r#"{"mock_misbehave":"sing"}"#)).await;
    assert_eq!(found[0].path, "parameters.mock_misbehave");
}
