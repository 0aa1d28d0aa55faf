//! The mock plugins on their best behaviour: what the ports promise, over real processes.

use crate::programs::program;
use crate::support::{
    Mock, PATIENCE, Recorder, build, eventually, groups_of, input_image, is_alive, os, status,
    template,
};
use factoryd::delegate::{Account, Announced, Delegates, Proposal};
use factoryd::domain::{CloudContent, CloudIdentifiers, Parameters, Secret};
use factoryd::plugin::State;
use serde_json::json;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

#[tokio::test]
async fn a_base_and_a_target_image_are_built_with_the_events_in_order() {
    let mock = Mock::new("mock-os");
    let host = mock.host();
    let recorder = Recorder::new();
    let operation = mock.operation(json!({"mock_property": {"a": [1]}}), &recorder);
    build(&host, "MockOS_A", &operation).await.unwrap();

    assert_eq!(recorder.artifacts(), [("disk".to_owned(), "body".to_owned())]);
    assert!(operation.work_dir.join("body").is_file());
    assert_eq!(recorder.percents().last(), Some(&100.0));
    let events = recorder.events();
    assert!(events.is_sorted_by(|one, two| one.seq < two.seq));
    let property =
        Announced::Property { key: "mock_property".into(), value_json: r#"{"a":[1]}"#.into() };
    assert!(events.iter().any(|event| event.what == property));
    assert!(
        events
            .iter()
            .any(|event| matches!(&event.what, Announced::Packages(list) if list.count == 3))
    );

    let recorder = Recorder::new();
    let operation = mock.operation(json!({}), &recorder);
    let content =
        CloudContent { files: vec![("/etc/motd".into(), b"hi".to_vec())], commands: Vec::new() };
    let mock_os = os(&host, "MockOS_A");
    mock_os
        .create_target_image(&operation, "mock", &input_image(), &template("MockOS_A"), &content)
        .await
        .unwrap();
    assert!(recorder.log_lines().iter().any(|line| line.contains("/etc/motd")));
    host.stop(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_secret_arrives_and_is_nowhere_in_the_events() {
    let mock = Mock::new("mock-os");
    let host = mock.host();
    let description = host.describe("mock-os").await.unwrap();
    assert_eq!(description.schemas.sensitive_parameters(), ["mock_password"]);
    let recorder = Recorder::new();
    let mut operation = mock.operation(json!({}), &recorder);
    operation.secrets = vec![("mock_password".into(), Secret::new("hunter2"))];
    build(&host, "MockOS_A", &operation).await.unwrap();
    let lines = recorder.log_lines();
    assert!(lines.iter().any(|line| line == "a password of 7 characters was given"), "{lines:?}");
    assert!(!format!("{:?}", recorder.events()).contains("hunter2"));
}

#[tokio::test]
async fn every_method_of_a_cloud_plugin_answers() {
    let mock = Mock::new("mock-cloud");
    let host = mock.host();
    let cloud = host.cloud("mock").unwrap();
    let recorder = Recorder::new();
    let operation = || mock.operation(json!({}), &recorder);
    let (image, account) =
        (input_image(), Account { provider: "mock".into(), credentials: Secret::new("hunter2") });
    assert!(cloud.should_create_target_image(&operation(), "mock", &image).await.unwrap());
    cloud.will_create_target_image(&operation(), "mock", &image).await.unwrap();
    cloud.did_create_target_image(&operation(), "mock", &image).await.unwrap();
    cloud.push_image_to_provider(&operation(), "mock", &account, &image).await.unwrap();
    let named = recorder.events().into_iter().find_map(|event| match event.what {
        Announced::CloudIdentifiers(named) => Some(named),
        _ => None,
    });
    let named: CloudIdentifiers = named.unwrap();
    assert!(!named.identifier_on_provider.is_empty());
    cloud
        .snapshot_image_on_provider(&operation(), "mock", &account, &template("MockOS_A"))
        .await
        .unwrap();
    cloud.delete_from_provider(&operation(), "mock", &account, &named, &image).await.unwrap();
}

#[tokio::test]
async fn a_request_is_judged() {
    let mock = Mock::new("mock-os");
    let host = mock.host();
    let parameters = Parameters::parse(r#"{"mock_misbehave": "nosuch"}"#).unwrap();
    let template = template("MockOS_A");
    let proposal = Proposal {
        method: "CreateBaseImage",
        template: Some(&template),
        parameters: &parameters,
        secrets: &[],
        target: None,
        account: None,
    };
    let found = os(&host, "MockOS_A").validate(proposal).await.unwrap();
    assert!(found.iter().any(|problem| problem.is_error), "{found:?}");
    let fine = Proposal { parameters: &Parameters::default(), ..proposal };
    assert_eq!(os(&host, "MockOS_A").validate(fine).await.unwrap(), []);
}

#[tokio::test]
async fn what_was_announced_is_acknowledged() {
    let mock = Mock::new("mock-os");
    let host = mock.host();
    let recorder = Recorder::new();
    // The plugin goes on only when it knows that its intent is durable.
    let operation = mock.operation(json!({"mock_resource": true}), &recorder);
    let built = tokio::time::timeout(PATIENCE, build(&host, "MockOS_A", &operation));
    built.await.unwrap().unwrap();
    let resources =
        recorder.events().into_iter().filter(|event| matches!(event.what, Announced::Resource(_)));
    assert_eq!(resources.count(), 2);
}

#[tokio::test]
async fn a_host_that_is_dropped_takes_its_processes_along() {
    let mock = Mock::new("mock-os");
    let host = mock.host();
    host.describe("mock-os").await.unwrap();
    let pid = status(&host, "mock-os").pid.unwrap();
    drop(host);
    eventually("the plugin to end", PATIENCE, || !is_alive(pid)).await;
    assert!(mock.sandbox.runtime_leftovers().is_empty());
}

#[tokio::test]
async fn nothing_is_started_after_a_stop() {
    let mock = Mock::new("mock-os");
    let host = mock.host();
    host.describe("mock-os").await.unwrap();
    host.stop(PATIENCE).await.unwrap();
    assert_eq!(status(&host, "mock-os").state, State::Idle);
    let refused = host.describe("mock-os").await.unwrap_err().to_string();
    assert_eq!(refused, "plugin mock-os can't be started: the factory is stopping");
}

#[tokio::test]
async fn no_plugin_outlives_a_host_that_is_killed() {
    let mock = Mock::new("mock-os");
    let mut host = Command::new(program("examples/plugin_host"))
        .arg(mock.sandbox.path("run"))
        .arg(mock.sandbox.path("plugins"))
        .arg(program("factory-plugin-mock-os").parent().unwrap())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(host.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let pid: u32 =
        line.strip_prefix("mock-os 0.1.0 runs as process ").unwrap().trim().parse().unwrap();
    assert!(is_alive(pid));
    let groups = groups_of(pid);
    host.kill().unwrap();
    host.wait().unwrap();
    eventually("the plugin to end", Duration::from_secs(2), || !is_alive(pid)).await;
    // The next host removes what the killed one could not.
    assert_eq!(mock.sandbox.runtime_leftovers().len(), 1);
    let next = mock.host();
    assert_eq!(mock.sandbox.runtime_leftovers().len(), 1, "its own");
    assert!(!groups.iter().any(|group| group.exists()), "{groups:?}");
    drop(next);
    assert!(mock.sandbox.runtime_leftovers().is_empty());
}
