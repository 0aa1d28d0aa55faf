//! Who may begin, and when: turns of callers, a bounded line, room on the disk.

use crate::fake::{Script, World, world_at};
use factoryd::domain::{Image, Status};
use factoryd::factory::{DiskOptions, Error, Options};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::Notify;

/// A factory that builds one image at a time, and holds each until it is told.
async fn narrow(options: Options) -> (World, Arc<Notify>) {
    let hold = Arc::new(Notify::new());
    let script = Script { hold_base: Some(hold.clone()), ..Script::default() };
    let options = Options { concurrent_builds_max: 1, ..options };
    (world_at(script, TempDir::new().unwrap(), options).await, hold)
}

/// Begins a base image for a caller.
async fn base(world: &World, caller: &str) -> Result<Image, Error> {
    let request = world.base_request();
    world.factory.clone().called_by(caller).create_base_image(request).await
}

/// Waits until an image's activity has these words.
async fn active(world: &World, image: &Image, words: &str) -> Image {
    loop {
        let now = world.factory.image(&image.id).await.unwrap();
        if now.activity.contains(words) {
            return now;
        }
        assert!(!now.status.is_settled(), "{now:?}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn callers_take_turns_and_each_sees_how_many_are_before_it() {
    let (world, hold) = narrow(Options::default()).await;
    let first = base(&world, "ann").await.unwrap();
    while world.factory.image(&first.id).await.unwrap().status != Status::Building {
        tokio::task::yield_now().await;
    }
    let mut waiting = Vec::new();
    for (caller, before) in [("ann", 0), ("ann", 1), ("bob", 0)] {
        let image = base(&world, caller).await.unwrap();
        active(&world, &image, &format!("waiting for a free place, {before} of")).await;
        waiting.push(image);
    }
    // Bob, who came last, has never had a turn.
    let order = [&first, &waiting[2], &waiting[0], &waiting[1]];
    for image in order {
        while world.factory.image(&image.id).await.unwrap().status != Status::Building {
            tokio::task::yield_now().await;
        }
        hold.notify_one();
        assert_eq!(world.settled(&image.id).await.0.status, Status::Complete);
    }
}

#[tokio::test]
async fn a_line_that_is_too_long_takes_no_more_and_records_nothing() {
    let (world, hold) = narrow(Options { waiting_max: 2, ..Options::default() }).await;
    let building = base(&world, "").await.unwrap();
    active(&world, &building, "").await;
    while world.factory.image(&building.id).await.unwrap().status != Status::Building {
        tokio::task::yield_now().await;
    }
    let waiting = [base(&world, "").await.unwrap(), base(&world, "").await.unwrap()];
    let refused = base(&world, "").await.unwrap_err();
    assert!(matches!(refused, Error::Busy(_)), "{refused:?}");
    assert_eq!(world.factory.images(&Default::default()).await.unwrap().items.len(), 3);
    // One that is cancelled while it waits makes room.
    world.factory.cancel(&waiting[0].id).await.unwrap();
    world.settled(&waiting[0].id).await;
    let taken = base(&world, "").await.unwrap();
    for image in [&building, &waiting[1], &taken] {
        while world.factory.image(&image.id).await.unwrap().status != Status::Building {
            tokio::task::yield_now().await;
        }
        hold.notify_one();
        world.settled(&image.id).await;
    }
}

#[tokio::test]
async fn a_build_waits_for_room_says_so_and_can_be_cancelled() {
    let free = factoryd::filesystem::Space::of(&std::env::temp_dir()).unwrap();
    // More than is free, and less than there is.
    let disk =
        DiskOptions { free_min: 0, estimate: free.free / 2 + free.total / 2, overcommit: 100 };
    let (world, _hold) = narrow(Options { disk, ..Options::default() }).await;
    let image = base(&world, "").await.unwrap();
    let waiting = active(&world, &image, "waiting for ").await;
    assert!(waiting.activity.contains(" on /"), "{}", waiting.activity);
    world.factory.cancel(&image.id).await.unwrap();
    let (ended, _) = world.settled(&image.id).await;
    assert_eq!(ended.failure.unwrap().reason, "CANCELLED");
}

#[tokio::test]
async fn a_build_that_can_never_fit_fails_at_once_and_says_what_it_needs() {
    let disk = DiskOptions { estimate: 1 << 60, ..DiskOptions::default() };
    let (world, _hold) = narrow(Options { disk, ..Options::default() }).await;
    let image = base(&world, "").await.unwrap();
    let (ended, _) = world.settled(&image.id).await;
    let failure = ended.failure.unwrap();
    assert_eq!(failure.reason, "NO_SPACE");
    assert!(failure.message.ends_with("which needs 1024.0 PiB"), "{failure}");
}
