//! Pushing to real registries, and deleting there.

use crate::fake::Fake;
use crate::registry::{Kind, PASSWORD, Registry};
use crate::rootfs::RootFs;
use crate::tool::{inspect, output, skopeo};
use factory_plugin_docker::Docker;
use factory_plugin_sdk::harness::{Ended, Harness, Request, input_image, template};
use factory_plugin_sdk::proto::event::Kind as EventKind;
use factory_plugin_sdk::{CloudIdentifiers, Fault, InputImage};
use serde_json::json;
use std::net::TcpListener;

/// A target image, made by the plugin itself.
struct Target {
    made: Ended,
    harness: Harness,
}

impl Target {
    async fn make() -> Self {
        let rootfs = RootFs::small();
        let harness = Harness::cloud(Docker).await;
        let request = Request::did_create_target_image("docker", rootfs.image());
        let made = harness.run(request.parameter("compress", "zstd")).await;
        made.expect_completed();
        Self { made, harness }
    }

    fn image(&self) -> InputImage {
        let path = self.made.artifact_path("archive");
        let template = template("Debian", "12", "x86_64");
        let mut image = input_image(template, &[("archive", &path, "oci-archive")]);
        image.properties_json = serde_json::Value::Object(self.made.properties()).to_string();
        image
    }

    fn digest(&self) -> String {
        self.made.properties()["docker_image_digest"].as_str().unwrap().to_owned()
    }

    async fn push(&self, provider: &str, credentials: &str) -> Ended {
        let request = Request::push("docker", provider, credentials, self.image());
        self.harness.run(request).await
    }

    async fn delete(&self, provider: &str, credentials: &str, identifier: &str) -> Ended {
        let identifiers = CloudIdentifiers {
            identifier_on_provider: identifier.to_owned(),
            provider_account_identifier: String::new(),
        };
        let request =
            Request::delete("docker", provider, credentials, identifiers, InputImage::default());
        self.harness.run(request).await
    }
}

fn ann() -> String {
    json!({"username": "ann", "password": PASSWORD}).to_string()
}

#[tokio::test]
async fn what_is_pushed_is_pulled_with_the_same_digest_and_deleted() {
    let registry = Registry::start(Kind::default());
    let target = Target::make().await;
    let provider = format!("{}/os/base:v1", registry.address());
    let pushed = target.push(&provider, "").await;
    let identifiers = pushed.expect_completed().identifiers().unwrap().clone();
    let identifier = format!("{}/os/base@{}", registry.address(), target.digest());
    assert_eq!(identifiers.identifier_on_provider, identifier);
    assert_eq!(identifiers.provider_account_identifier, "anonymous");
    assert_intent_came_before_creation(&pushed, &identifier);

    let remote = format!("docker://{provider}");
    assert_eq!(inspect(&["--tls-verify=false", &remote])["Digest"], target.digest());
    let copies = tempfile::tempdir().unwrap();
    let copy = format!("oci:{}:v1", copies.path().join("copy").display());
    skopeo(&["copy", "--src-tls-verify=false", &remote, &copy]);
    assert_eq!(inspect(&[&copy])["Digest"], target.digest());

    let again = target.push(&provider, "").await;
    assert_eq!(again.expect_completed().identifiers(), Some(&identifiers));

    target.delete(&provider, "", &identifier).await.expect_completed();
    let gone = ["--insecure-policy", "inspect", "--tls-verify=false", &remote];
    assert!(!output("skopeo", "skopeo", &gone).status.success());
    target.delete(&provider, "", &identifier).await.expect_completed();
}

fn assert_intent_came_before_creation(pushed: &Ended, identifier: &str) {
    let position = |wanted: fn(&EventKind) -> bool| {
        pushed.events.iter().position(|event| event.kind.as_ref().is_some_and(wanted)).unwrap()
    };
    let intent = position(|kind| matches!(kind, EventKind::ResourceIntent(_)));
    let created = position(|kind| matches!(kind, EventKind::ResourceCreated(_)));
    assert!(intent < created);
    let event = pushed.events[created].kind.as_ref();
    let Some(EventKind::ResourceCreated(created)) = event else { unreachable!() };
    assert_eq!(created.resource_id, identifier);
}

#[tokio::test]
async fn an_image_keeps_its_own_name_where_the_provider_is_a_registry_only() {
    let registry = Registry::start(Kind::default());
    let target = Target::make().await;
    let pushed = target.push(registry.address(), "").await;
    let identifier = &pushed.expect_completed().identifiers().unwrap().identifier_on_provider;
    assert_eq!(*identifier, format!("{}/my-debian@{}", registry.address(), target.digest()));

    // The layers are there already, under another name.
    let provider = json!({
        "registry": registry.address(), "repository": "other", "mount_from": "my-debian",
    });
    target.push(&provider.to_string(), "").await.expect_completed();
    let remote = format!("docker://{}/other:latest", registry.address());
    assert_eq!(inspect(&["--tls-verify=false", &remote])["Digest"], target.digest());
}

#[tokio::test]
async fn accounts_are_asked_for_and_never_shown() {
    let registry = Registry::start(Kind { users: true, ..Kind::default() });
    let target = Target::make().await;
    let provider = format!("{}/os/base", registry.address());

    let nobody = target.push(&provider, "").await;
    assert_eq!(nobody.expect_failed().fault(), Fault::Auth);
    assert!(nobody.expect_failed().message.ends_with("asks for credentials"));
    let wrong = json!({"username": "ann", "password": "wrong-secret"}).to_string();
    let wrong = target.push(&provider, &wrong).await;
    assert_eq!(wrong.expect_failed().reason, "REGISTRY_UNAUTHORIZED");
    assert!(!format!("{:?}", wrong.events).contains("wrong-secret"));
    let garbage = target.push(&provider, "wrong-secret").await;
    assert_eq!(garbage.expect_failed().reason, "INVALID_CREDENTIALS");
    assert!(!format!("{:?}", garbage.events).contains("wrong-secret"));

    let pushed = target.push(&provider, &ann()).await;
    let identifiers = pushed.expect_completed().identifiers().unwrap();
    assert_eq!(identifiers.provider_account_identifier, "ann");
    assert!(!format!("{:?}", pushed.events).contains(PASSWORD));
    let identifier = &identifiers.identifier_on_provider;
    let nobody = target.delete(&provider, "", identifier).await;
    assert_eq!(nobody.expect_failed().fault(), Fault::Auth);
    target.delete(&provider, &ann(), identifier).await.expect_completed();
}

#[tokio::test]
async fn a_registry_that_deletes_nothing_is_told_apart() {
    let registry = Registry::start(Kind { keeps_all: true, ..Kind::default() });
    let target = Target::make().await;
    let pushed = target.push(registry.address(), "").await;
    let identifier = &pushed.expect_completed().identifiers().unwrap().identifier_on_provider;
    let refused = target.delete(registry.address(), "", identifier).await;
    assert_eq!(refused.expect_failed().reason, "DELETE_DISABLED");
    assert!(refused.expect_failed().hint.contains("storage.delete.enabled"));
}

#[tokio::test]
async fn a_private_certificate_is_trusted_when_it_is_named() {
    let registry = Registry::start(Kind { tls: true, ..Kind::default() });
    let target = Target::make().await;
    let provider = |ca_file: &str| {
        json!({"registry": registry.address(), "repository": "a", "ca_file": ca_file}).to_string()
    };
    let trusted = provider(&registry.ca_file());
    let pushed = target.push(&trusted, "").await;
    let identifier = &pushed.expect_completed().identifiers().unwrap().identifier_on_provider;
    target.delete(&trusted, "", identifier).await.expect_completed();

    let untrusted = json!({"registry": registry.address(), "insecure": false}).to_string();
    let refused = target.push(&untrusted, "").await;
    assert_eq!(refused.expect_failed().reason, "REGISTRY_UNREACHABLE");
    assert!(refused.expect_failed().hint.contains("ca_file"));
    let missing = target.push(&provider("/nonexistent/ca.pem"), "").await;
    assert!(missing.expect_failed().message.contains("/nonexistent/ca.pem"));
}

#[tokio::test]
async fn a_registry_that_is_not_there_is_named_and_may_be_tried_again() {
    let target = Target::make().await;
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let failed = target.push(&format!("{address}/a"), "").await;
    let failure = failed.expect_failed();
    assert_eq!(
        (failure.reason.as_str(), failure.fault()),
        ("REGISTRY_UNREACHABLE", Fault::Transient)
    );
    assert!(failure.message.contains(&address), "{}", failure.message);
    assert!(failure.retry.as_ref().unwrap().retryable);
}

#[tokio::test]
async fn a_busy_registry_may_be_tried_again() {
    let fake = Fake::start(|_, _| (429, String::new(), "slow down".to_owned()));
    let target = Target::make().await;
    let failed = target.push(&fake.address, "").await;
    assert_eq!(failed.expect_failed().reason, "REGISTRY_BUSY");
    assert!(failed.expect_failed().retry.as_ref().unwrap().retryable);
}

#[tokio::test]
async fn a_token_for_deleting_is_fetched_with_the_account() {
    let fake = Fake::start(|asked, address| {
        let challenge =
            format!("WWW-Authenticate: Bearer realm=\"http://{address}/token\",service=\"s\"\r\n");
        let token = || r#"{"token": "t0ken"}"#.to_owned();
        match (&asked.line, &asked.authorization) {
            (line, Some(_)) if line.starts_with("GET /token?") => (200, String::new(), token()),
            (_, Some(token)) if token == "Bearer t0ken" => (202, String::new(), String::new()),
            _ => (401, challenge, String::new()),
        }
    });
    let target = Target::make().await;
    let identifier = format!("{}/os/base@{}", fake.address, target.digest());
    target.delete(&fake.address, &ann(), &identifier).await.expect_completed();
    let asked = fake.asked();
    assert_eq!(asked.len(), 3);
    assert!(asked[1].line.contains("scope=repository%3Aos%2Fbase%3Apull%2Cdelete"), "{asked:?}");
    assert!(asked[1].authorization.as_ref().unwrap().starts_with("Basic "));
    assert!(asked[2].line.starts_with("DELETE /v2/os/base/manifests/sha256:"));
}

#[tokio::test]
async fn what_can_not_be_pushed_is_said() {
    let target = Target::make().await;
    let failed = target.push("team/debian", "").await;
    assert_eq!(failed.expect_failed().reason, "INVALID_PROVIDER");
    let mut image = target.image();
    image.artifacts[0].format = "tar.gz".to_owned();
    let failed = target.harness.run(Request::push("docker", "127.0.0.1:1", "", image)).await;
    assert_eq!(failed.expect_failed().reason, "ARCHIVE_MISSING");
    let failed = target.delete("127.0.0.1:1", "", "127.0.0.1:1/a:latest").await;
    assert_eq!(failed.expect_failed().reason, "INVALID_IDENTIFIER");
}
