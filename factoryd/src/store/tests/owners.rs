//! Two stores on one directory, as two processes have them.

use super::*;
use Status::*;

fn ids(images: &[Image]) -> Vec<ImageId> {
    images.iter().map(|image| image.id.clone()).collect()
}

#[tokio::test]
async fn images_of_a_dead_owner_are_taken_over_exactly_once() {
    let scratch = Scratch::new().await;
    let owner = scratch.again().await;
    for number in [3, 1, 2] {
        let created = at(u64::from(10 - number));
        owner.insert(&Image { created, ..image(number) }).await.unwrap();
    }
    owner.append(&id(2), steps(&[New, Pending, Building, Complete])).await.unwrap();
    owner.append(&id(3), steps(&[New, Pending, Building])).await.unwrap();
    assert!(scratch.abandoned().await.unwrap().is_empty(), "the owner lives");
    assert!(owner.owned_here(&id(1)).await.unwrap());

    let clone = owner.clone();
    drop(owner);
    assert!(scratch.abandoned().await.unwrap().is_empty(), "a clone of the owner lives");
    drop(clone);

    let third = scratch.again().await;
    let (here, there) = tokio::join!(scratch.abandoned(), third.abandoned());
    let (here, there) = (here.unwrap(), there.unwrap());
    assert_eq!(here.len() + there.len(), 2, "{here:?} {there:?}");
    let both = [here, there].concat();
    assert_eq!(ids(&both), [id(3), id(1)], "oldest first, the settled one left alone");
    for image in &both {
        assert_eq!(scratch.image(&image.id).await.unwrap().as_ref(), Some(image));
        let (here, there) =
            (scratch.owned_here(&image.id).await, third.owned_here(&image.id).await);
        assert!(here.unwrap() != there.unwrap());
    }
    assert!(scratch.abandoned().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_owner_that_was_killed_is_dead_though_its_lock_file_is_there() {
    let scratch = Scratch::new().await;
    let owner = scratch.again().await;
    owner.insert(&image(1)).await.unwrap();
    let lock = scratch.owners_dir().join(format!("{}.lock", owner.inner.owner.id()));
    drop(owner);
    std::fs::write(&lock, "").unwrap();
    assert_eq!(ids(&scratch.abandoned().await.unwrap()), [id(1)]);
    scratch.clean_work().await.unwrap();
    assert!(!lock.exists(), "the dead owner's lock is still there");
    let own = scratch.owners_dir().join(format!("{}.lock", scratch.inner.owner.id()));
    assert!(own.exists(), "the own lock is gone");
}

#[tokio::test]
async fn an_image_that_starts_to_move_again_belongs_to_who_moves_it() {
    let scratch = Scratch::new().await;
    let image = scratch.record(1).await;
    scratch.append(&image, steps(&[New, Failed])).await.unwrap();
    let other = scratch.again().await;
    other.append(&image, steps(&[Failed, Deleting])).await.unwrap();
    assert!(other.owned_here(&image).await.unwrap());
    drop(other);
    assert_eq!(ids(&scratch.abandoned().await.unwrap()), [image]);
}

#[tokio::test]
async fn a_request_to_cancel_reaches_the_owner_and_ends_with_the_work() {
    let scratch = Scratch::new().await;
    let image = scratch.record(1).await;
    let other = scratch.again().await;
    other.request_cancel(&image).await.unwrap();
    assert!(other.cancel_requests().await.unwrap().is_empty(), "not its image");
    assert_eq!(scratch.cancel_requests().await.unwrap(), std::slice::from_ref(&image));
    scratch.append(&image, steps(&[New, Pending])).await.unwrap();
    assert_eq!(scratch.cancel_requests().await.unwrap(), std::slice::from_ref(&image));

    scratch.append(&image, steps(&[Pending, Failed])).await.unwrap();
    assert!(scratch.cancel_requests().await.unwrap().is_empty());
    scratch.request_cancel(&image).await.unwrap();
    scratch.append(&image, steps(&[Failed, Deleting])).await.unwrap();
    assert!(scratch.cancel_requests().await.unwrap().is_empty(), "a deletion was not cancelled");
}

#[tokio::test]
async fn a_request_to_cancel_outlives_its_owner() {
    let scratch = Scratch::new().await;
    let owner = scratch.again().await;
    owner.insert(&image(1)).await.unwrap();
    scratch.request_cancel(&id(1)).await.unwrap();
    drop(owner);
    assert_eq!(scratch.abandoned().await.unwrap().len(), 1);
    assert_eq!(scratch.cancel_requests().await.unwrap(), [id(1)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_processes_can_make_a_store_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let mut opening = tokio::task::JoinSet::new();
    for number in 0..8 {
        let root = directory.path().join("deep/down");
        opening.spawn(async move {
            let store = open(&root).await;
            store.insert(&image(number)).await.unwrap();
            store
        });
    }
    let stores = opening.join_all().await;
    assert_eq!(stores[0].last_cursor().await.unwrap(), 8);
}

#[tokio::test]
async fn a_store_that_ends_leaves_no_locks_and_no_work_behind() {
    let Scratch { store, directory } = Scratch::new().await;
    let work = store.work_dir("op").await.unwrap();
    let clone = store.clone();
    store.close().await;
    drop((work, clone));
    let left = |name: &str| std::fs::read_dir(directory.path().join(name)).unwrap().count();
    assert_eq!((left("work"), left("owners"), left("images")), (0, 0, 0));
    let mode = std::os::unix::fs::PermissionsExt::mode;
    let images = std::fs::metadata(directory.path().join("images")).unwrap();
    assert_eq!(mode(&images.permissions()) & 0o777, 0o700);
}
