//! Ending work early, and factories that end in the middle of it.

use crate::fake::{Script, World, world, world_at};
use factoryd::domain::{Failure, Status};
use factoryd::factory::{Error, Options};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

async fn held() -> World {
    world(Script { hold_base: Some(Arc::new(Notify::new())), ..Script::default() }).await
}

#[tokio::test]
async fn a_cancelled_build_ends_failed_and_says_so() {
    let world = held().await;
    let base = world.base().await;
    world.until(&base.id, Status::Building).await;
    world.factory.cancel(&base.id).await.unwrap();
    world.factory.cancel(&base.id).await.map(drop).unwrap_or_else(|error| {
        assert!(matches!(error, Error::Status { .. }), "it may have ended meanwhile: {error}");
    });
    let (image, _) = world.settled(&base.id).await;
    assert_eq!(image.status, Status::Failed);
    assert_eq!(image.failure.unwrap().reason, Failure::CANCELLED);
    let again = world.factory.cancel(&base.id).await.unwrap_err();
    assert!(again.to_string().ends_with("is FAILED: there is nothing to cancel"));
}

#[tokio::test]
async fn an_image_that_waits_for_its_parent_can_be_cancelled() {
    let world = held().await;
    let base = world.base().await;
    let target = world.target(&base.id, "fake").await;
    world.until(&target.id, Status::Pending).await;
    world.factory.cancel(&target.id).await.unwrap();
    let (image, _) = world.settled(&target.id).await;
    assert_eq!(image.failure.unwrap().reason, Failure::CANCELLED);
    let base = world.factory.image(&base.id).await.unwrap();
    assert!(!base.status.is_settled(), "the parent goes on");
}

#[tokio::test]
async fn a_shutdown_ends_builds_and_says_that_it_did() {
    let mut world = held().await;
    let base = world.base().await;
    world.until(&base.id, Status::Building).await;
    let token = CancellationToken::new();
    token.cancel();
    world.service.take().unwrap().run(token).await.unwrap();
    let image = world.factory.image(&base.id).await.unwrap();
    assert_eq!(image.failure.unwrap().reason, Failure::INTERRUPTED);
}

#[tokio::test]
async fn a_shutdown_leaves_builds_as_they_are_where_the_next_factory_can_go_on_with_them() {
    let options = Options { takes_up: true, concurrent_builds_max: 3, ..Options::default() };
    let script = Script { hold_base: Some(Arc::new(Notify::new())), ..Script::default() };
    let mut world = world_at(script, tempfile::TempDir::new().unwrap(), options).await;
    // One has a secret that ends with this process.
    let (open, secret, cancelled) = (world.plain().await, world.base().await, world.plain().await);
    for image in [&open, &secret, &cancelled] {
        world.until(&image.id, Status::Building).await;
    }
    world.factory.cancel(&cancelled.id).await.unwrap();
    let token = CancellationToken::new();
    token.cancel();
    world.service.take().unwrap().run(token).await.unwrap();
    let open = world.factory.image(&open.id).await.unwrap();
    assert_eq!((open.status, open.failure), (Status::Building, None));
    for (image, reason) in [(secret, Failure::INTERRUPTED), (cancelled, Failure::CANCELLED)] {
        let image = world.factory.image(&image.id).await.unwrap();
        assert_eq!(image.failure.unwrap().reason, reason);
    }
}

#[tokio::test]
async fn another_process_on_the_same_store_can_cancel() {
    let options = Options { cancel_poll: Duration::from_millis(5), ..Options::default() };
    let script = Script { hold_base: Some(Arc::new(Notify::new())), ..Script::default() };
    let mut world = world_at(script, tempfile::TempDir::new().unwrap(), options).await;
    let base = world.base().await;
    let token = CancellationToken::new();
    let run = world.service.take().unwrap().run(token.clone());
    let elsewhere = async {
        world.until(&base.id, Status::Building).await;
        world.store.request_cancel(&base.id).await.unwrap();
        let (image, _) = world.settled(&base.id).await;
        assert_eq!(image.failure.unwrap().reason, Failure::CANCELLED);
        token.cancel();
    };
    let (ran, ()) = tokio::join!(run, elsewhere);
    ran.unwrap();
}

#[test]
fn what_a_dead_factory_left_is_settled_at_the_next_start() {
    let first = Runtime::new().unwrap();
    let (root, base, target) = first.block_on(async {
        let world = held().await;
        let base = world.base().await;
        let target = world.target(&base.id, "fake").await;
        world.until(&base.id, Status::Building).await;
        (world.root, base.id, target.id)
    });
    drop(first);
    Runtime::new().unwrap().block_on(async {
        let next = world_at(Script::default(), root, Options::default()).await;
        next.service.as_ref().unwrap().recover().await.unwrap();
        for id in [&base, &target] {
            let image = next.factory.image(id).await.unwrap();
            assert_eq!(image.status, Status::Failed);
            assert_eq!(image.failure.unwrap().reason, Failure::INTERRUPTED);
        }
    });
}
