//! Images that were made elsewhere.

use super::*;
use crate::store::{Error, EventQuery, Taking};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::sync::Arc;

fn done(to: Status, from: Status) -> (SystemTime, EventKind) {
    (at(9), EventKind::Status { from, to, failure: None })
}

/// NEW, then COMPLETE.
fn history() -> Vec<(SystemTime, EventKind)> {
    vec![
        done(Status::Pending, Status::New),
        done(Status::Building, Status::Pending),
        done(Status::Complete, Status::Building),
    ]
}

async fn body(store: &Store, work: &WorkDir, name: &str) -> NewArtifact {
    let new = new_artifact(work, name);
    let sha256 = store.digest(&new.file, Arc::new(|_, _| {})).await.unwrap();
    NewArtifact { sha256, ..new }
}

#[tokio::test]
async fn an_imported_image_appears_whole_with_its_file_and_its_history() {
    let store = Scratch::new().await;
    let (work, _) = store.file("import-1", "disk.raw", b"bytes").await;
    let new = body(&store, &work, "disk.raw").await;
    let events = store.import(&image(1), vec![new], history()).await.unwrap();
    let image = store.image(&id(1)).await.unwrap().unwrap();
    assert_eq!((image.status, image.percent), (Status::Complete, 100.0));
    let artifact = &image.artifacts[0];
    assert_eq!(std::fs::read(&artifact.path).unwrap(), b"bytes");
    assert_eq!(artifact.path.metadata().unwrap().mode() & 0o777, 0o444);
    assert_eq!((artifact.size, artifact.sha256.len()), (5, 64));
    let query = EventQuery { images: vec![id(1)], ..EventQuery::default() };
    assert_eq!(store.events(&query).await.unwrap(), events);
    assert_eq!(events.len(), 5);
}

#[tokio::test]
async fn a_second_import_of_an_image_changes_nothing() {
    let store = Scratch::new().await;
    let (work, _) = store.file("import-1", "disk.raw", b"first").await;
    let new = body(&store, &work, "disk.raw").await;
    store.import(&image(1), vec![new], history()).await.unwrap();
    let before = store.image(&id(1)).await.unwrap();
    let (work, _) = store.file("import-2", "disk.raw", b"second").await;
    let new = body(&store, &work, "disk.raw").await;
    let refused = store.import(&image(1), vec![new], history()).await.unwrap_err();
    assert!(matches!(refused, Error::Duplicate(_)), "{refused}");
    let after = store.image(&id(1)).await.unwrap();
    assert_eq!(before, after);
    assert_eq!(std::fs::read(&after.unwrap().artifacts[0].path).unwrap(), b"first");
}

#[tokio::test]
async fn an_import_that_fails_leaves_neither_a_record_nor_a_file() {
    let store = Scratch::new().await;
    let (work, _) = store.file("import-1", "disk.raw", b"bytes").await;
    let new = body(&store, &work, "disk.raw").await;
    let orphan = Image { parent: Some(id(7)), ..image(1) };
    store.import(&orphan, vec![new.clone()], history()).await.unwrap_err();
    let illegal = vec![done(Status::Complete, Status::New)];
    store.import(&image(1), vec![new.clone()], illegal).await.unwrap_err();
    let twice = vec![new.clone(), NewArtifact { role: "other".into(), ..new.clone() }];
    store.import(&image(1), twice, history()).await.unwrap_err();
    assert_eq!(store.image(&id(1)).await.unwrap(), None);
    assert!(!store.root().join("images").join(id(1).as_str()).exists());
}

#[tokio::test]
async fn files_of_an_image_that_was_never_recorded_are_swept_and_no_others() {
    let store = Scratch::new().await;
    let (work, _) = store.file("import-1", "disk.raw", b"bytes").await;
    let new = body(&store, &work, "disk.raw").await;
    store.import(&image(1), vec![new], history()).await.unwrap();
    let images = store.root().join("images");
    for name in [id(2).as_str(), "lost+found"] {
        std::fs::create_dir(images.join(name)).unwrap();
        std::fs::write(images.join(name).join("disk.raw"), "half").unwrap();
    }
    store.clean_work().await.unwrap();
    assert!(images.join(id(1).as_str()).join("disk.raw").exists());
    assert!(!images.join(id(2).as_str()).exists());
    assert!(images.join("lost+found").exists(), "it is none of ours");
}

#[tokio::test]
async fn a_file_is_copied_or_linked_as_asked_and_never_opened_to_more_readers() {
    let store = Scratch::new().await;
    let elsewhere = tempfile::tempdir_in(store.root()).unwrap();
    let from = elsewhere.path().join("body");
    for (taking, same) in [(Taking::Copy, false), (Taking::Link, true), (Taking::Move, true)] {
        _ = std::fs::remove_file(&from);
        std::fs::write(&from, b"bytes").unwrap();
        std::fs::set_permissions(&from, std::fs::Permissions::from_mode(0o640)).unwrap();
        let work = store.work_dir(&format!("{taking:?}")).await.unwrap();
        let file =
            store.take_in(&work, &from, "disk.raw", taking, Arc::new(|_, _| {})).await.unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), b"bytes");
        let (theirs, ours) = (from.metadata().unwrap(), file.metadata().unwrap());
        // Where blocks can be shared, that comes first.
        assert!(!same || theirs.ino() == ours.ino() || shares_blocks(&from), "{taking:?}");
        assert!(same || theirs.ino() != ours.ino(), "{taking:?}");
        let linked = theirs.ino() == ours.ino();
        let image = image(taking as u32);
        let new = body(&store, &work, "disk.raw").await;
        store.import(&image, vec![new], history()).await.unwrap();
        let mode = from.metadata().unwrap().mode() & 0o777;
        assert_eq!(mode, if linked { 0o440 } else { 0o640 }, "{taking:?}");
    }
}

#[tokio::test]
async fn a_link_is_not_followed_out_of_a_store_that_is_imported() {
    let store = Scratch::new().await;
    let link = store.root().join("link");
    std::os::unix::fs::symlink("/etc/hostname", &link).unwrap();
    let work = store.work_dir("import-1").await.unwrap();
    let refused = store
        .take_in(&work, &link, "disk.raw", Taking::Link, Arc::new(|_, _| {}))
        .await
        .unwrap_err();
    assert!(refused.to_string().ends_with("it is a symbolic link"), "{refused}");
}

/// Tells whether the file system makes copies that share blocks.
fn shares_blocks(file: &Path) -> bool {
    let copy = file.with_extension("copy");
    let (from, to) = (std::fs::File::open(file).unwrap(), std::fs::File::create(&copy).unwrap());
    rustix::fs::ioctl_ficlone(&to, &from).is_ok()
}
