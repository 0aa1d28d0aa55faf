//! A store on a disk that fills up: at whatever write, the answer is that there is no room, and nothing is damaged.

#[path = "../../../../tests/support/small_disk.rs"]
mod small_disk;

use super::*;
use crate::domain::Event;
use crate::store::{Error, EventQuery, ImageFilter, Page, Taking};
use small_disk::{SmallDisk, on_small_disk};
use std::fs;
use std::sync::Arc;

const SIZE: u64 = 64 << 20;
const KIB: u64 = 1024;

/// Runs a test on a small disk, with a runtime.
#[track_caller]
fn small<F: Future<Output = ()>>(test: &str, run: impl FnOnce(SmallDisk) -> F) {
    on_small_disk(&format!("store::tests::full::{test}"), SIZE, |disk| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let disk = SmallDisk::at(disk.path());
        runtime.block_on(run(disk));
    });
}

/// A store with a complete image and its body, an image that is being built, and an unused work directory.
async fn furnished(root: &Path) -> (Store, WorkDir) {
    let store = open(root).await;
    let work = store.work_dir("op").await.unwrap();
    for number in 1..=3 {
        store.insert(&image(number)).await.unwrap();
        store.append(&id(number), steps(&[Status::New, Status::Pending])).await.unwrap();
        store.append(&id(number), steps(&[Status::Pending, Status::Building])).await.unwrap();
    }
    for number in 1..=2 {
        fs::write(work.path().join("disk.raw"), vec![number; 300 << 10]).unwrap();
        let number = u32::from(number);
        let body = store.adopt(&id(number), new_artifact(&work, "disk.raw")).await.unwrap();
        store.append(&id(number), vec![(at(1), EventKind::Artifact(body))]).await.unwrap();
        store.append(&id(number), steps(&[Status::Building, Status::Complete])).await.unwrap();
    }
    (store, work)
}

/// Makes sure that a write was done, or that it said that there is no room; tells which.
#[track_caller]
fn done<T: std::fmt::Debug>(written: Result<T, Error>) -> bool {
    match written {
        Ok(_) => true,
        Err(error) => {
            assert!(error.is_full(), "{error:?}");
            assert!(error.to_string().contains("no space left on the file system"), "{error}");
            false
        }
    }
}

/// Does whatever a factory writes, until hardly a write is possible any more.
async fn write_all_kinds(store: &Store, work: &WorkDir) -> usize {
    let mut refused = 0;
    for number in 10..14 {
        refused += usize::from(!done(store.insert(&image(number)).await));
        refused += usize::from(!done(store.append(&id(3), every_kind_of_report()).await));
        let operation = format!("op-{number}");
        refused += usize::from(!done(store.work_dir(&operation).await));
        if fs::write(work.path().join("new.raw"), vec![7; 20 << 10]).is_ok() {
            let adopted = store.adopt(&id(3), new_artifact(work, "new.raw")).await;
            refused += usize::from(!done(adopted));
        }
        let body = store.image(&id(1)).await.unwrap().unwrap().artifacts.remove(0);
        refused += usize::from(!done(store.share(&body, &id(3)).await));
        let name = format!("copy-{number}");
        let taken = store.take_in(work, &body.path, &name, Taking::Copy, Arc::new(|_, _| {})).await;
        refused += usize::from(!done(taken));
        refused += usize::from(!done(import(store, work, 100 + number).await));
    }
    refused
}

async fn import(store: &Store, work: &WorkDir, number: u32) -> Result<Vec<Event>, Error> {
    let file = work.path().join(format!("import-{number}"));
    let Ok(()) = fs::write(&file, vec![9; 8 << 10]) else { return Ok(Vec::new()) };
    let name = file.file_name().unwrap().to_str().unwrap();
    let new = NewArtifact { sha256: "0f".repeat(32), ..new_artifact(work, name) };
    let path = [Status::New, Status::Pending, Status::Building, Status::Complete];
    store.import(&image(number), vec![new], steps(&path)).await
}

fn every_kind_of_report() -> Vec<(SystemTime, EventKind)> {
    vec![log(&"x".repeat(9_000)), progress(1.0), resource(ResourceState::Intent, "volume-1", "")]
}

/// Makes sure that the store can be read, and that records and events say the same.
async fn check_reading(store: &Store) {
    let all = ImageFilter { include_deleted: true, ..ImageFilter::default() };
    let images = store.images(&all, &Page::default()).await.unwrap().items;
    let events = EventQuery { limit: usize::MAX, ..EventQuery::default() };
    let events = store.events(&events).await.unwrap();
    assert_eq!(store.last_cursor().await.unwrap(), events.last().unwrap().cursor);
    for image in images {
        let mut own = events.iter().filter(|event| event.image == image.id);
        assert_eq!(own.next_back().unwrap().cursor, image.last_cursor, "{}", image.id);
        // One that could not be deleted to the end has no files any more.
        for artifact in image.artifacts.iter().filter(|_| image.status != Status::Deleting) {
            assert_eq!(artifact.path.metadata().unwrap().len(), artifact.size, "{}", image.id);
        }
    }
    let sound: String = sqlx::query_scalar("PRAGMA integrity_check")
        .fetch_one(&mut *store.reader().await.unwrap())
        .await
        .unwrap();
    assert_eq!(sound, "ok");
}

async fn delete(store: &Store, number: u32) -> Result<(), Error> {
    store.append(&id(number), steps(&[Status::Complete, Status::Deleting])).await?;
    store.remove_bodies(&id(number)).await?;
    store.append(&id(number), steps(&[Status::Deleting, Status::Deleted])).await.map(drop)
}

#[test]
fn wherever_the_disk_is_full_it_is_said_and_images_can_be_read_ended_and_deleted() {
    small(
        "wherever_the_disk_is_full_it_is_said_and_images_can_be_read_ended_and_deleted",
        async |disk| {
            let mut refused = 0;
            for left in (0..64).map(|pages| pages * 4 * KIB).chain((1..=4).map(|n| n * 256 * KIB)) {
                refused += ordeal(&disk, left).await;
            }
            assert!(200 < refused, "the disk was hardly ever full: {refused}");
        },
    );
}

async fn ordeal(disk: &SmallDisk, left: u64) -> usize {
    let root = disk.path().join("store");
    let (store, work) = furnished(&root).await;
    disk.fill(left);
    let refused = write_all_kinds(&store, &work).await;
    disk.fill(0);
    assert!(!done(store.append(&id(3), vec![log(&"x".repeat(1 << 20))]).await), "{left}");
    check_reading(&store).await;
    let end = EventKind::Status { from: Status::Building, to: Status::Failed, failure: None };
    store
        .append(&id(3), vec![(at(9), end), resource(ResourceState::Created, "volume-1", "v")])
        .await
        .unwrap();
    let other = open(&root).await;
    check_reading(&other).await;
    delete(&other, 1).await.unwrap();
    delete(&store, 2).await.unwrap();
    check_reading(&store).await;
    disk.empty();
    check_writing(&store, &root).await;
    drop((work, other));
    store.close().await;
    fs::remove_dir_all(root).unwrap();
    refused
}

/// Makes sure that all is as before once there is room.
async fn check_writing(store: &Store, root: &Path) {
    store.insert(&image(50)).await.unwrap();
    store.append(&id(50), vec![log(&"x".repeat(1 << 20))]).await.unwrap();
    store.remove_bodies(&id(50)).await.unwrap();
    let reserve = root.join("reserve").metadata().unwrap().len();
    assert_eq!(reserve, 8 << 20, "the reserve is there again");
    check_reading(&open(root).await).await;
}

#[test]
fn without_its_reserve_a_full_store_can_be_read_and_is_whole_when_there_is_room() {
    small(
        "without_its_reserve_a_full_store_can_be_read_and_is_whole_when_there_is_room",
        async |disk| {
            for left in (0..24).map(|pages| pages * 4 * KIB) {
                let root = disk.path().join("store");
                let (store, work) = furnished(&root).await;
                fs::remove_file(root.join("reserve")).unwrap();
                disk.fill(left);
                write_all_kinds(&store, &work).await;
                disk.fill(0);
                check_reading(&store).await;
                let deleted = done(delete(&store, 1).await);
                check_reading(&store).await;
                disk.empty();
                let status = store.image(&id(1)).await.unwrap().unwrap().status;
                assert_eq!(status == Status::Deleted, deleted, "{left}");
                check_writing(&store, &root).await;
                drop(work);
                store.close().await;
                fs::remove_dir_all(root).unwrap();
            }
        },
    );
}

#[test]
fn a_command_line_opens_a_store_that_was_closed_on_a_full_disk() {
    small("a_command_line_opens_a_store_that_was_closed_on_a_full_disk", async |disk| {
        let root = disk.path().join("store");
        let (store, work) = furnished(&root).await;
        work.remove().await.unwrap();
        // The log and the shared memory are gone with it.
        store.close().await;
        disk.fill(0);
        let store = open(&root).await;
        check_reading(&store).await;
        let settled = store.abandoned().await.unwrap();
        assert_eq!(settled.len(), 1, "the one that was being built");
        delete(&store, 1).await.unwrap();
        store.request_cancel(&id(3)).await.unwrap();
        fs::remove_file(root.join("reserve")).unwrap();
        store.close().await;
        disk.fill(0);
        let refusal = Store::open(Options { root: root.clone() }).await;
        assert!(matches!(&refusal, Err(Error::Full(_))), "{refusal:?}");
        disk.empty();
        check_writing(&open(&root).await, &root).await;
    });
}
