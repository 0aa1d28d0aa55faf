//! What the plugin says of itself, and what it refuses before it starts anything.

use crate::debian;
use factory_plugin_sdk::harness::{Request, template};
use factory_plugin_sdk::proto::{self, Fault, PluginKind, ValidateRequest};
use factory_plugin_sdk::{Diagnostic, Template};
use serde_json::Value;

fn from_mirror(url: &str) -> Template {
    let mut template = template("Debian", "12", "x86_64");
    let source = proto::install::Source::Url(url.into());
    template.os.as_mut().unwrap().install.as_mut().unwrap().source = Some(source);
    template
}

async fn judge(template: Template, parameters: &str) -> Vec<Diagnostic> {
    let request = ValidateRequest {
        method: "CreateBaseImage".into(),
        template: Some(template),
        parameters_json: parameters.into(),
        ..Default::default()
    };
    debian().await.validate(request).await
}

#[tokio::test]
async fn it_serves_debian_and_ubuntu_and_names_its_tools() {
    let described = debian().await.describe().await;
    assert_eq!((described.name.as_str(), described.kind()), ("debian", PluginKind::Os));
    let systems: Vec<_> =
        described.targets.iter().map(|target| target.parts[0].value.as_deref().unwrap()).collect();
    assert_eq!(systems, ["Debian", "Debian", "Debian", "Ubuntu"]);
    let needs = described.needs.unwrap();
    assert!(needs.tools.iter().any(|tool| tool.debian_package == "mmdebstrap"));
    let schema: Value = serde_json::from_str(&described.parameters_schema_json).unwrap();
    assert!(schema["properties"]["kernel_package"]["description"].is_string());
}

#[tokio::test]
async fn a_good_request_has_no_faults() {
    let faults = judge(template("Debian", "12", "x86_64"), "{}").await;
    assert_eq!(faults, []);
}

#[tokio::test]
async fn every_fault_of_a_request_is_told_at_once() {
    let mut template = from_mirror("not a mirror");
    template.disk_size_bytes = "20971520".into();
    template.os.as_mut().unwrap().arch = "s390x".into();
    let faults = judge(template, r#"{"hostname": "two words"}"#).await;
    let paths: Vec<_> = faults.iter().map(|fault| fault.path.as_str()).collect();
    let expected = [
        "parameters.hostname",
        "template/disk/size",
        "template/os/arch",
        "template/os/install/url",
    ];
    assert_eq!(paths, expected);
}

#[tokio::test]
async fn a_mirror_that_is_not_there_fails_the_build_soon() {
    // Port 9 is for throwing away what comes; nobody listens.
    let request = Request::base_image(from_mirror("http://127.0.0.1:9/debian"));
    let ended = debian().await.run(request).await;
    let failure = ended.expect_failed();
    assert_eq!(
        (failure.reason.as_str(), failure.fault()),
        ("MIRROR_UNREACHABLE", Fault::Transient)
    );
    assert!(failure.message.contains("http://127.0.0.1:9/debian"), "{}", failure.message);
    assert_eq!(std::fs::read_dir(ended.work_dir()).unwrap().count(), 0);
}

#[tokio::test]
async fn an_iso_is_refused() {
    let mut template = template("Debian", "12", "x86_64");
    let iso = proto::install::Source::Iso("http://example.org/debian.iso".into());
    template.os.as_mut().unwrap().install.as_mut().unwrap().source = Some(iso);
    let ended = debian().await.run(Request::base_image(template)).await;
    assert_eq!(ended.expect_failed().reason, "INSTALL_TYPE");
}
