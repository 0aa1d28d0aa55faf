//! Stores that can't be written, are full, are damaged or are somebody else's.

use super::*;
use crate::store::{Error, ImageFilter, Page, writer::Durability};
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// Runs a test as somebody for whom permissions count: root ignores them, and tests may be run by root.
fn unprivileged<F: Future<Output = ()>>(test: impl FnOnce() -> F + Send) {
    std::thread::scope(|scope| {
        let run = scope.spawn(|| {
            let mut sets = capabilities(None).unwrap();
            sets.effective.remove(CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH);
            set_capabilities(None, sets).unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(test());
        });
        run.join().unwrap();
    });
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

async fn refusal(root: &Path) -> Error {
    Store::open(Options { root: root.to_owned() }).await.unwrap_err()
}

fn unwritable(error: &Error) -> &PathBuf {
    let Error::Unwritable { path, user, .. } = error else { panic!("{error:?}") };
    assert!(error.to_string().contains(&format!("as user {user}")), "{error}");
    path
}

#[test]
fn a_directory_that_can_not_be_written_is_named() {
    unprivileged(|| async {
        let directory = tempfile::tempdir().unwrap();
        chmod(directory.path(), 0o500);
        let root = directory.path().join("store");
        assert_eq!(unwritable(&refusal(&root).await), &root);
        chmod(directory.path(), 0o700);
    });
}

#[test]
fn a_database_that_can_not_be_written_is_found_when_it_is_opened() {
    unprivileged(|| async {
        let scratch = Scratch::new().await;
        let database = scratch.root().join("factory.db");
        let Scratch { store, directory } = scratch;
        store.close().await;
        for name in ["factory.db", "factory.db-wal", "factory.db-shm"] {
            let path = directory.path().join(name);
            if path.exists() {
                chmod(&path, 0o400);
            }
        }
        assert_eq!(unwritable(&refusal(directory.path()).await), &database);
    });
}

#[test]
fn a_body_that_can_not_be_moved_names_the_place() {
    unprivileged(|| async {
        let scratch = Scratch::new().await;
        let image = scratch.record(1).await;
        let (_work, new) = scratch.file("op", "disk.raw", b"hello").await;
        let images = scratch.images_dir();
        chmod(&images, 0o500);
        let failed = scratch.adopt(&image, new.clone()).await.unwrap_err();
        chmod(&images, 0o700);
        assert_eq!(unwritable(&failed), &images.join(image.as_str()));
        scratch.adopt(&image, new).await.unwrap();
    });
}

#[test]
fn a_tree_with_directories_that_can_not_be_written_is_removed() {
    unprivileged(|| async {
        let scratch = Scratch::new().await;
        let work = scratch.work_dir("op").await.unwrap();
        let path = work.path().to_owned();
        fs::create_dir_all(path.join("a/b")).unwrap();
        chmod(&path.join("a"), 0o500);
        work.remove().await.unwrap();
        assert!(!path.exists());
    });
}

#[tokio::test]
async fn a_place_that_is_no_directory_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = refusal(&file.path().join("store")).await;
    assert!(
        matches!(&error, Error::File { path, .. } if path.starts_with(file.path())),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_newer_store_is_refused_and_left_as_it_is() {
    let scratch = Scratch::new().await;
    let mut transaction = scratch.inner.writer.begin(Durability::Process).await.unwrap();
    sqlx::query("PRAGMA user_version = 999").execute(transaction.connection()).await.unwrap();
    transaction.commit().await.unwrap();
    let error = refusal(scratch.directory.path()).await;
    assert!(matches!(error, Error::Newer { found: 999, .. }), "{error:?}");
}

#[tokio::test]
async fn what_is_no_store_of_ours_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("factory.db"), "not a database, though long enough".repeat(99))
        .unwrap();
    let error = refusal(directory.path()).await;
    assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");

    let scratch = Scratch::new().await;
    let mut transaction = scratch.inner.writer.begin(Durability::Process).await.unwrap();
    sqlx::query("PRAGMA application_id = 1").execute(transaction.connection()).await.unwrap();
    transaction.commit().await.unwrap();
    let error = refusal(scratch.directory.path()).await;
    assert!(error.to_string().contains("another program's"), "{error}");
}

#[tokio::test]
async fn a_damaged_row_is_said_to_be_damaged() {
    for damage in [
        "UPDATE images SET status = 'ODD'",
        "UPDATE images SET detail = '{'",
        "UPDATE images SET format = 9",
        "UPDATE images SET id = 'odd'",
    ] {
        let scratch = Scratch::new().await;
        scratch.record(1).await;
        let mut transaction = scratch.inner.writer.begin(Durability::Process).await.unwrap();
        sqlx::query(damage).execute(transaction.connection()).await.unwrap();
        transaction.commit().await.unwrap();
        let listed = scratch.images(&ImageFilter::default(), &Page::default()).await;
        assert!(matches!(listed, Err(Error::Corrupt { .. })), "{damage}: {listed:?}");
    }
}

#[tokio::test]
async fn a_full_disk_is_told_apart_and_writing_goes_on_when_there_is_room() {
    let scratch = Scratch::new().await;
    let image = scratch.record(1).await;
    let mut transaction = scratch.inner.writer.begin(Durability::Process).await.unwrap();
    // As small as it is now; the limit is the connection's, so it is gone with it.
    sqlx::query("PRAGMA max_page_count = 1").execute(transaction.connection()).await.unwrap();
    transaction.commit().await.unwrap();
    let lines = vec![log(&"x".repeat(10_000)); 10];
    let full = scratch.append(&image, lines.clone()).await;
    assert!(matches!(&full, Err(Error::Full(_))), "{full:?}");
    assert_eq!(scratch.last_cursor().await.unwrap(), 1);
    assert_eq!(scratch.append(&image, lines).await.unwrap().len(), 10);
}

#[test]
fn messages_say_what_where_and_what_to_do() {
    let path = PathBuf::from("/store/factory.db");
    let full = Error::file("copy", &path, std::io::ErrorKind::StorageFull.into()).needing(42);
    let text = full.to_string();
    assert!(text.starts_with("no space left on the file system / ("), "{text}");
    let end = " free) for /store/factory.db, which needs 42 B; free space there, delete images \
        (`factory delete`), or choose another directory";
    assert!(text.ends_with(end), "{text}");
    let quota = Error::file("copy", &path, std::io::ErrorKind::QuotaExceeded.into());
    assert!(matches!(quota, Error::Full(shortage) if shortage.quota && shortage.needed == 0));
    let read_only = Error::file("copy", &path, std::io::ErrorKind::ReadOnlyFilesystem.into());
    assert_eq!(unwritable(&read_only), &path);
    let other = Error::file("copy", &path, std::io::ErrorKind::NotFound.into());
    assert_eq!(other.to_string(), "failed to copy /store/factory.db");
}
