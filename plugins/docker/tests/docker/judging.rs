//! What the plugin says about itself and about requests.

use factory_plugin_docker::Docker;
use factory_plugin_sdk::Secret;
use factory_plugin_sdk::harness::{Harness, template};
use factory_plugin_sdk::proto::ValidateRequest;
use serde_json::Value;

#[tokio::test]
async fn it_describes_itself() {
    let described = Harness::cloud(Docker).await.describe().await;
    assert_eq!((described.name.as_str(), described.version.as_str()), ("docker", "0.1.0"));
    assert_eq!(described.targets[0].parts[0].value(), "docker");
    for capability in ["validate", "push", "delete"] {
        assert!(described.capabilities.iter().any(|c| c == capability), "{capability}");
    }
    let schema: Value = serde_json::from_str(&described.parameters_schema_json).unwrap();
    assert_eq!(schema["properties"]["compress"]["default"], "gzip");
    let described_parameters = schema["properties"].as_object().unwrap();
    assert!(described_parameters.values().all(|p| p["description"].is_string()));
}

#[tokio::test]
async fn every_problem_of_a_request_is_found_and_no_secret_is_quoted() {
    let request = ValidateRequest {
        method: "PushImageToProvider".into(),
        template: Some(template("Debian", "12", "x86_64")),
        parameters_json: r#"{"compress": "lz4", "tag": "a b", "dockerversion": "1.7.0"}"#.into(),
        target: "docker".into(),
        provider: "debian".into(),
        credentials: Some(Secret { value: "hunter2".into() }),
        ..Default::default()
    };
    let found = Harness::cloud(Docker).await.validate(request).await;
    let paths: Vec<&str> = found.iter().map(|problem| problem.path.as_str()).collect();
    let expected = [
        "parameters.dockerversion",
        "parameters.compress",
        "parameters.tag",
        "provider",
        "credentials",
    ];
    assert_eq!(paths, expected);
    assert!(!format!("{found:?}").contains("hunter2"));
}

#[tokio::test]
async fn an_ordinary_request_is_judged_good() {
    let request = ValidateRequest {
        method: "DidCreateTargetImage".into(),
        template: Some(template("Debian", "12", "x86_64")),
        parameters_json: r#"{"memory_mib": 512}"#.into(),
        target: "docker".into(),
        ..Default::default()
    };
    assert_eq!(Harness::cloud(Docker).await.validate(request).await, []);
}
