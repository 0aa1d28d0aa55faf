//! What the plugin says about itself and about requests.

use factory_plugin_kvm::Kvm;
use factory_plugin_sdk::harness::{Harness, template};
use factory_plugin_sdk::proto::ValidateRequest;
use serde_json::Value;

#[tokio::test]
async fn it_describes_itself() {
    let described = Harness::cloud(Kvm).await.describe().await;
    assert_eq!((described.name.as_str(), described.version.as_str()), ("kvm", "0.1.0"));
    assert_eq!(described.targets[0].parts[0].value(), "kvm");
    for capability in ["validate", "push", "delete"] {
        assert!(described.capabilities.iter().any(|c| c == capability), "{capability}");
    }
    assert!(!described.capabilities.iter().any(|c| c == "snapshot"));
    let schema: Value = serde_json::from_str(&described.parameters_schema_json).unwrap();
    assert_eq!(schema["properties"]["format"]["default"], "qcow2");
}

#[tokio::test]
async fn every_problem_of_a_request_is_found() {
    let request = ValidateRequest {
        method: "PushImageToProvider".into(),
        template: Some(template("Debian", "12", "x86_64")),
        parameters_json: r#"{"format": "vmdk", "cpus": "many", "tag": "another plugin's"}"#.into(),
        target: "kvm".into(),
        provider: "pool".into(),
        ..Default::default()
    };
    let found = Harness::cloud(Kvm).await.validate(request).await;
    let paths: Vec<&str> = found.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["parameters.format", "parameters.cpus", "provider"]);
    assert!(found.iter().all(|problem| !problem.hint.is_empty()));
}
