//! The story of images, told by plugins that install and push nothing: parents, children, deletion.

use crate::support::client::{assert_complete, assert_failed, statuses};
use crate::support::factory::Sandbox;
use crate::support::leftovers::files_in;
use crate::support::tdl::Tdl;
use factory_proto::factory_v1::{ImageKind, ImageStatus};
use serde_json::json;
use std::path::PathBuf;
use tonic::Code;

#[tokio::test(flavor = "multi_thread")]
async fn a_template_becomes_a_base_a_target_and_a_provider_image_and_all_can_be_deleted() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.daemon();
    let mut client = daemon.connect().await;
    let target = client.create_target(&Tdl::mock("story"), "mock", &json!({})).await.unwrap();
    let target = client.ended(&target.id).await;
    assert_complete(&target);
    let base = client.image(&target.parent_id).await;
    assert_complete(&base);
    let body = std::fs::read_to_string(&base.artifacts[0].path).unwrap();
    assert_eq!(body.trim_end_matches('\0'), format!("MockOS base_image file for id ({})", base.id));

    let provider = client.create_provider(&target, "mock-provider").await.unwrap();
    let provider = client.ended(&provider.id).await;
    assert_complete(&provider);
    assert_eq!(provider.provider_account_identifier, "mock_user");
    assert_eq!(provider.parent_id, target.id);

    let refused = client.delete(&base.id).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition, "{refused}");
    for image in [&provider, &target, &base] {
        client.delete(&image.id).await.unwrap();
        assert_eq!(client.ended(&image.id).await.status(), ImageStatus::Deleted);
    }
    assert_eq!(client.images().await, []);
    assert_eq!(files_in(&sandbox.store().join("images")), Vec::<PathBuf>::new());
    assert_eq!(sandbox.left_behind(&daemon.stop().succeeded()), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn targets_wait_for_a_base_that_is_still_being_built() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.daemon();
    let mut client = daemon.connect().await;
    let base =
        client.create_base(&Tdl::mock("slow"), &json!({"mock_delay_ms": 200})).await.unwrap();
    let targets = ["mock", "mockcloud"].map(|target| (target, client.clone()));
    let [first, second] = targets.map(async |(target, mut client)| {
        let image = client.create_target_of(&base, target).await.unwrap();
        assert_ne!(client.image(&base.id).await.status(), ImageStatus::Complete);
        client.events(&image.id, 0).await
    });
    let (first, second) = tokio::join!(first, second);
    for events in [first, second] {
        let (pending, building, complete) =
            (ImageStatus::Pending, ImageStatus::Building, ImageStatus::Complete);
        assert_eq!(
            statuses(&events)[..].iter().rev().take(3).rev().collect::<Vec<_>>(),
            [&pending, &building, &complete]
        );
    }
    let bases = client.images().await.into_iter().filter(|image| image.kind() == ImageKind::Base);
    assert_eq!(bases.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_of_a_base_that_fails_fails_too_and_says_why() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.daemon();
    let mut client = daemon.connect().await;
    let parameters = json!({"mock_misbehave": "fail", "mock_misbehave_in": "CreateBaseImage"});
    let target = client.create_target(&Tdl::mock("doomed"), "mock", &parameters).await.unwrap();
    let target = client.ended(&target.id).await;
    assert_failed(&target, &["PARENT_FAILED", "asked to fail"]);
    assert_failed(&client.image(&target.parent_id).await, &["MOCK_FAILURE"]);
}
