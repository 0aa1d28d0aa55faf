//! A disk that is full for a moment: nothing is stuck for that, wherever the moment is.

use crate::fake::{Script, World, to_region_1, world_on};
use async_trait::async_trait;
use factoryd::factory::{Options, ProviderSource};
use factoryd::store::{self, Faults, Store};
use futures_util::future::BoxFuture;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};
use tempfile::TempDir;
use uuid::Uuid;

/// No test waits longer for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// A disk on which some transactions find no room.
#[derive(Default)]
pub(crate) struct Disk {
    /// So many transactions find some yet.
    room: AtomicU32,
    /// And so many after these find none.
    full: AtomicU32,
}

impl Disk {
    /// Lets the next `full` transactions but `room` find no room.
    pub(crate) fn fill(&self, room: u32, full: u32) {
        self.room.store(room, Ordering::SeqCst);
        self.full.store(full, Ordering::SeqCst);
    }
}

#[async_trait]
impl Faults for Disk {
    async fn call(&self, _name: &'static str, work: BoxFuture<'_, ()>) {
        work.await;
    }

    fn write(&self, what: &'static str) -> io::Result<()> {
        let less = |number: &AtomicU32| {
            let less = |number: u32| number.checked_sub(1);
            number.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok()
        };
        if what != "commit" || self.full.load(Ordering::SeqCst) == 0 || less(&self.room) {
            return Ok(());
        }
        if less(&self.full) { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn id(&self) -> Uuid {
        Uuid::new_v4()
    }
}

/// A world on such a disk.
pub(crate) async fn world_on_disk(script: Script, disk: Arc<Disk>) -> World {
    let root = TempDir::new().unwrap();
    let options = store::Options { root: root.path().to_owned() };
    let store = Store::open_with(options, disk).await.unwrap();
    world_on(store, script, root, Options { concurrent_builds_max: 2, ..Options::default() })
}

/// Waits until no image is worked on any more.
async fn all_settled(world: &World) {
    let settled = async {
        while !world.all().await.iter().all(|image| image.status.is_settled()) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let settled = tokio::time::timeout(PATIENCE, settled).await;
    if settled.is_err() {
        let all = world.all().await;
        let stuck = all.iter().filter(|image| !image.status.is_settled());
        panic!("stuck: {:?}", stuck.map(|image| (image.kind, image.status)).collect::<Vec<_>>());
    }
}

/// A push with credentials so short that a warning is recorded of them, right after the image.
#[tokio::test]
async fn an_image_that_is_recorded_is_worked_on_whichever_write_after_that_finds_no_room() {
    let disk = Arc::new(Disk::default());
    let world = world_on_disk(Script::default(), disk.clone()).await;
    let base = world.settled(&world.base().await.id).await.0;
    let target = world.settled(&world.target(&base.id, "fake").await.id).await.0;
    for room in 0..16 {
        let request = to_region_1(ProviderSource::TargetImage(target.id.clone()), "key");
        disk.fill(room, 1);
        // Whether it is refused or not: what is recorded comes to an end.
        _ = world.factory.create_provider_image(request).await;
        all_settled(&world).await;
        disk.fill(0, 0);
    }
    assert!(15 < world.all().await.len(), "only the first was refused before it was recorded");
}

#[tokio::test]
async fn an_image_that_is_deleted_or_tried_again_is_not_stuck_whichever_write_finds_no_room() {
    let disk = Arc::new(Disk::default());
    let script = Script { fail_base: true, ..Script::default() };
    let world = world_on_disk(script, disk.clone()).await;
    for room in 0..12 {
        let base = world.settled(&world.base().await.id).await.0;
        let again = factoryd::factory::RetryRequest::of(base.id.clone());
        disk.fill(room, 1);
        _ = world.factory.retry(again).await;
        all_settled(&world).await;
        disk.fill(room, 1);
        _ = world.factory.delete(world.deletion(&base.id, false)).await;
        all_settled(&world).await;
        disk.fill(0, 0);
    }
}
