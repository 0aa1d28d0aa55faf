//! Deleting images, here and at a provider.

use crate::fake::{Script, world};
use factoryd::domain::{Event, EventKind, Image, ImageId, Kind, Status};
use factoryd::factory::{DeleteRequest, Error};
use factoryd::store;
use std::sync::Arc;
use std::time::SystemTime;
use tokio::sync::Notify;

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
async fn to_delete_twice_is_to_delete_once() {
    let world = world(Script::default()).await;
    let (base, _) = world.settled(&world.base().await.id).await;
    let deletion = || world.factory.delete(world.deletion(&base.id, false));
    let (one, other) = tokio::join!(deletion(), deletion());
    for begun in [one.unwrap(), other.unwrap()] {
        assert!(matches!(begun.status, Status::Deleting | Status::Deleted), "{}", begun.status);
    }
    let (deleted, events) = world.settled(&base.id).await;
    assert_eq!(deleted.status, Status::Deleted);
    assert_eq!(deletion().await.unwrap(), deleted);
    let begun =
        |event: &&Event| matches!(event.kind, EventKind::Status { to: Status::Deleting, .. });
    assert_eq!(events.iter().filter(begun).count(), 1);
}

#[tokio::test]
async fn what_is_being_built_is_deleted_only_by_force() {
    let hold = Arc::new(Notify::new());
    let world = world(Script { hold_base: Some(hold), ..Script::default() }).await;
    let base = world.base().await;
    let target = world.target(&base.id, "fake").await;
    let refused = world.factory.delete(world.deletion(&base.id, true)).await.unwrap_err();
    assert!(refused.to_string().ends_with("cancel it first"), "{refused}");
    let forced = DeleteRequest { force: true, ..world.deletion(&base.id, false) };
    let refused = world.factory.delete(forced).await.unwrap_err();
    assert!(
        matches!(refused, Error::HasChildren { .. }),
        "{refused}: force alone takes no children"
    );
    let forced = DeleteRequest { force: true, ..world.deletion(&base.id, true) };
    world.factory.delete(forced).await.unwrap();
    for id in [&base.id, &target.id] {
        assert_eq!(world.settled(id).await.0.status, Status::Deleted);
    }
}

#[tokio::test]
async fn nothing_is_made_from_an_image_once_its_deletion_has_begun() {
    let world = world(Script::default()).await;
    let (base, _) = world.settled(&world.base().await.id).await;
    let child = |number| {
        let id = ImageId::parse(&format!("0192f3a4-5b6c-7d8e-9f01-{number:012}")).unwrap();
        let parent = Some(base.id.clone());
        Image { parent, ..Image::asked_for(id, Kind::Target, SystemTime::now()) }
    };
    let deleting = |from| EventKind::Status { from, to: Status::Deleting, failure: None };
    let begin = async || {
        world.store.append(&base.id, vec![(SystemTime::now(), deleting(Status::Complete))]).await
    };
    // As it is when both were looked at before either was written.
    world.store.insert(&child(1)).await.unwrap();
    let refused = begin().await.unwrap_err();
    assert!(matches!(refused, store::Error::HasChildren { count: 1, .. }), "{refused}");
    let failed = EventKind::Status { from: Status::New, to: Status::Failed, failure: None };
    let gone = [failed, deleting(Status::Failed)].map(|kind| (SystemTime::now(), kind));
    world.store.append(&child(1).id, gone.to_vec()).await.unwrap();
    begin().await.unwrap();
    let refused = world.store.insert(&child(2)).await.unwrap_err();
    assert!(matches!(refused, store::Error::ParentGone { .. }), "{refused}");
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
