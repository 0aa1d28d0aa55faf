//! Deleting images, here and at a provider.

use crate::fake::{Script, world};
use factoryd::domain::Status;
use factoryd::factory::Error;

#[tokio::test]
async fn a_deleted_image_leaves_its_record_and_no_file() {
    let world = world(Script::default()).await;
    let (base, _) = world.settled(&world.base().await.id).await;
    world.factory.delete(world.deletion(&base.id, false)).await.unwrap();
    let (deleted, _) = world.settled(&base.id).await;
    assert_eq!(deleted.status, Status::Deleted);
    assert!(!base.artifacts[0].path.exists());
}

#[tokio::test]
async fn an_image_with_children_is_deleted_only_with_them() {
    let world = world(Script::default()).await;
    let (base, _) = world.settled(&world.base().await.id).await;
    let (target, _) = world.settled(&world.target(&base.id, "fake").await.id).await;
    let (pushed, _) = world.settled(&world.push(&target.id).await.id).await;
    let refused = world.factory.delete(world.deletion(&base.id, false)).await;
    assert!(matches!(refused, Err(Error::HasChildren { count: 2, .. })));
    world.factory.delete(world.deletion(&base.id, true)).await.unwrap();
    for id in [&base.id, &target.id, &pushed.id] {
        assert_eq!(world.settled(id).await.0.status, Status::Deleted);
    }
    assert_eq!(world.calls().last().unwrap(), "DeleteFromProvider(region-1, ami-1)");
}

#[tokio::test]
async fn an_image_that_the_provider_keeps_can_be_deleted_again() {
    let world = world(Script { fail_delete: true, ..Script::default() }).await;
    let (base, _) = world.settled(&world.base().await.id).await;
    let (target, _) = world.settled(&world.target(&base.id, "fake").await.id).await;
    let (pushed, _) = world.settled(&world.push(&target.id).await.id).await;
    for _ in 0..2 {
        world.factory.delete(world.deletion(&pushed.id, false)).await.unwrap();
        let (image, _) = world.settled(&pushed.id).await;
        assert_eq!(image.status, Status::DeleteFailed);
        assert_eq!(image.failure.unwrap().reason, "DENIED");
    }
}

#[tokio::test]
async fn an_image_stays_as_long_as_one_that_was_made_from_it() {
    let world = world(Script { fail_delete: true, ..Script::default() }).await;
    let (base, _) = world.settled(&world.base().await.id).await;
    let (target, _) = world.settled(&world.target(&base.id, "fake").await.id).await;
    world.settled(&world.push(&target.id).await.id).await;
    world.factory.delete(world.deletion(&base.id, true)).await.unwrap();
    let (kept, _) = world.settled(&base.id).await;
    assert_eq!(kept.status, Status::DeleteFailed);
    assert_eq!(kept.failure.unwrap().reason, "CHILD_NOT_DELETED");
    assert!(base.artifacts[0].path.exists());
}

#[tokio::test]
async fn a_second_deletion_is_refused() {
    let world = world(Script::default()).await;
    let (base, _) = world.settled(&world.base().await.id).await;
    world.factory.delete(world.deletion(&base.id, false)).await.unwrap();
    world.settled(&base.id).await;
    let refused = world.factory.delete(world.deletion(&base.id, false)).await.unwrap_err();
    assert!(refused.to_string().ends_with("is DELETED: there is nothing to delete"), "{refused}");
}

#[tokio::test]
async fn an_image_waits_with_its_deletion_for_a_child_that_is_being_deleted() {
    let world = world(Script::default()).await;
    let (base, _) = world.settled(&world.base().await.id).await;
    let (target, _) = world.settled(&world.target(&base.id, "fake").await.id).await;
    let (pushed, _) = world.settled(&world.push(&target.id).await.id).await;
    for id in [&pushed.id, &target.id, &base.id] {
        world.factory.delete(world.deletion(id, false)).await.unwrap();
    }
    for id in [&base.id, &target.id, &pushed.id] {
        assert_eq!(world.settled(id).await.0.status, Status::Deleted);
    }
}
