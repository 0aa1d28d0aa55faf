//! Bodies and work directories.

use super::*;
use crate::store::Error;
use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};

const SHA256_OF_HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

async fn refusal(scratch: &Scratch, new: NewArtifact) -> &'static str {
    match scratch.adopt(&id(1), new).await {
        Err(Error::Refused { why, .. }) => why,
        other => panic!("{other:?}"),
    }
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_file_becomes_a_body_whole_read_only_and_out_of_the_work_directory() {
    let scratch = Scratch::new().await;
    let image = scratch.record(1).await;
    let (work, new) = scratch.file("op", "disk.raw", b"hello").await;
    let artifact = scratch.adopt(&image, new).await.unwrap();
    assert_eq!(
        artifact,
        Artifact {
            role: "disk".to_owned(),
            path: scratch.root().join("images").join(image.as_str()).join("disk.raw"),
            format: "raw".to_owned(),
            size: 5,
            virtual_size: 5,
            sha256: SHA256_OF_HELLO.to_owned(),
            media_type: "application/octet-stream".to_owned(),
        }
    );
    assert_eq!(fs::read(&artifact.path).unwrap(), b"hello");
    assert_eq!(fs::metadata(&artifact.path).unwrap().permissions().mode() & 0o7777, 0o444);
    assert_eq!(names(work.path()), [""; 0]);
}

#[tokio::test]
async fn a_digest_that_is_given_is_believed_and_one_that_is_none_is_refused() {
    let scratch = Scratch::new().await;
    let image = scratch.record(1).await;
    let (work, mut new) = scratch.file("op", "disk.raw", b"hello").await;
    for bad in ["abc", &SHA256_OF_HELLO.to_uppercase()] {
        bad.clone_into(&mut new.sha256);
        assert!(refusal(&scratch, new.clone()).await.contains("hexadecimal"));
    }
    assert_eq!(names(work.path()), ["disk.raw"]);
    new.sha256 = "0".repeat(64);
    assert_eq!(scratch.adopt(&image, new).await.unwrap().sha256, "0".repeat(64));
}

#[tokio::test]
async fn sparse_stays_sparse() {
    let scratch = Scratch::new().await;
    let image = scratch.record(1).await;
    let (work, new) = scratch.file("op", "disk.raw", b"").await;
    let file = File::options().write(true).open(&new.file).unwrap();
    file.set_len(1 << 30).unwrap();
    file.write_all_at(b"end", (1 << 30) - 3).unwrap();
    drop(file);
    let artifact = scratch.adopt(&image, new).await.unwrap();
    let metadata = fs::metadata(&artifact.path).unwrap();
    assert_eq!((metadata.len(), artifact.size), (1 << 30, 1 << 30));
    assert!(metadata.blocks() * 512 < 1 << 20, "it takes {} blocks", metadata.blocks());
    drop(work);
}

#[tokio::test]
async fn only_regular_files_of_a_work_directory_are_taken() {
    let scratch = Scratch::new().await;
    scratch.record(1).await;
    let (work, file) = scratch.file("op", "disk.raw", b"hello").await;
    let outside = tempfile::NamedTempFile::new().unwrap();
    symlink(outside.path(), work.path().join("link")).unwrap();
    symlink(outside.path().parent().unwrap(), work.path().join("out")).unwrap();
    fs::create_dir(work.path().join("dir")).unwrap();
    let fifo = work.path().join("fifo");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, mode, 0).unwrap();

    let outside_name = outside.path().file_name().unwrap().to_str().unwrap();
    let cases = [
        (work.path().join("link"), "symbolic link"),
        (work.path().join("dir"), "not a regular file"),
        (fifo, "not a regular file"),
        (work.path().join("out").join(outside_name), "not in a work directory"),
        (outside.path().to_owned(), "not in a work directory"),
        (work.path().join("../../../factory.db"), "not in a work directory"),
        (work.path().join(".."), "not a file"),
        (scratch.root().join("work/x"), "not in a work directory"),
    ];
    for (path, expected) in cases {
        let why = refusal(&scratch, NewArtifact { file: path.clone(), ..file.clone() }).await;
        assert!(why.contains(expected), "{}: {why}", path.display());
    }
    assert!(outside.path().exists());
    let missing = NewArtifact { file: work.path().join("missing"), ..file };
    let failed = scratch.adopt(&id(1), missing).await;
    assert!(matches!(failed, Err(Error::File { operation: "open", .. })), "{failed:?}");
}

#[tokio::test]
async fn nothing_is_taken_from_the_directory_of_another_operation() {
    let scratch = Scratch::new().await;
    scratch.record(1).await;
    let (own, new) = scratch.file("own", "disk.raw", b"mine").await;
    let (other, _) = scratch.file("other", "disk.raw", b"another's").await;
    let aside = own.path().with_file_name("aside");
    fs::rename(own.path(), &aside).unwrap();
    symlink(other.path(), own.path()).unwrap();
    let why = refusal(&scratch, new.clone()).await;
    assert!(why.contains("replaced by another"), "{why}");
    assert_eq!(names(other.path()), ["disk.raw"]);
    // The factory itself lends a directory: a link under the same name.
    let lent = other.path().parent().unwrap().join("plugin");
    fs::create_dir(&lent).unwrap();
    fs::rename(aside, lent.join("own")).unwrap();
    fs::remove_file(own.path()).unwrap();
    symlink(lent.join("own"), own.path()).unwrap();
    scratch.adopt(&id(1), new).await.unwrap();
}

#[tokio::test]
async fn nothing_is_taken_for_an_unknown_image() {
    let scratch = Scratch::new().await;
    let (work, new) = scratch.file("op", "disk.raw", b"hello").await;
    assert!(matches!(scratch.adopt(&id(1), new).await, Err(Error::UnknownImage(_))));
    assert_eq!(names(work.path()), ["disk.raw"]);
    assert_eq!(names(&scratch.images_dir()), [""; 0]);
}

#[tokio::test]
async fn a_body_of_the_same_role_is_replaced_when_that_is_written_and_not_before() {
    let scratch = Scratch::new().await;
    let image = scratch.record(1).await;
    let mut adopted = Vec::new();
    for (operation, content) in [("one", b"1"), ("two", b"2")] {
        let (_work, new) = scratch.file(operation, "disk.tar.gz", content).await;
        let artifact = scratch.adopt(&image, new).await.unwrap();
        if let Some(earlier) = adopted.last() {
            let earlier: &Artifact = earlier;
            assert_eq!(fs::read(&earlier.path).unwrap(), b"1");
        }
        let event = (at(1), EventKind::Artifact(artifact.clone()));
        scratch.append(&image, vec![event]).await.unwrap();
        adopted.push(artifact);
    }
    assert_eq!(names(&scratch.images_dir().join(image.as_str())), ["disk-2.tar.gz"]);
    assert_eq!(scratch.image(&image).await.unwrap().unwrap().artifacts, [adopted.remove(1)]);
}

#[tokio::test]
async fn files_of_one_name_get_names_of_their_own() {
    let scratch = Scratch::new().await;
    let image = scratch.record(1).await;
    for (operation, name) in [
        ("1", "disk.raw"),
        ("2", "disk.raw"),
        ("3", "disk.raw"),
        ("4", "disk"),
        ("5", "disk"),
        ("6", ".x"),
        ("7", ".x"),
    ] {
        let (_work, new) = scratch.file(operation, name, b"x").await;
        scratch.adopt(&image, new).await.unwrap();
    }
    assert_eq!(
        names(&scratch.images_dir().join(image.as_str())),
        [".x", ".x-2", "disk", "disk-2", "disk-2.raw", "disk-3.raw", "disk.raw"]
    );
}

#[tokio::test]
async fn a_shared_body_is_one_file_and_outlives_either_image() {
    let scratch = Scratch::new().await;
    let (one, two) = (scratch.record(1).await, scratch.record(2).await);
    let (_work, new) = scratch.file("op", "disk.raw", b"hello").await;
    let original = scratch.adopt(&one, new).await.unwrap();
    let shared = scratch.share(&original, &two).await.unwrap();
    let path = scratch.images_dir().join(two.as_str()).join("disk.raw");
    assert_eq!(shared, Artifact { path, ..original.clone() });
    let inode = |artifact: &Artifact| fs::metadata(&artifact.path).unwrap().ino();
    assert_eq!(inode(&shared), inode(&original));

    scratch.remove_bodies(&one).await.unwrap();
    assert!(!original.path.exists());
    assert_eq!(fs::read(&shared.path).unwrap(), b"hello");
    scratch.remove_bodies(&one).await.unwrap();
}

#[tokio::test]
async fn only_bodies_that_are_as_recorded_are_shared() {
    let scratch = Scratch::new().await;
    let (one, two) = (scratch.record(1).await, scratch.record(2).await);
    let (_work, new) = scratch.file("op", "disk.raw", b"hello").await;
    let original = scratch.adopt(&one, new).await.unwrap();
    let wrong = [
        Artifact { size: 6, ..original.clone() },
        Artifact { path: "/etc/passwd".into(), ..original.clone() },
        Artifact { path: scratch.root().join("factory.db"), ..original },
    ];
    for artifact in wrong {
        let refused = scratch.share(&artifact, &two).await;
        assert!(matches!(refused, Err(Error::Refused { .. })), "{artifact:?}");
    }
}

#[tokio::test]
async fn a_deleted_image_has_no_files_left() {
    use Status::*;
    let scratch = Scratch::new().await;
    let image = scratch.record(1).await;
    let (_work, new) = scratch.file("op", "disk.raw", b"hello").await;
    let artifact = scratch.adopt(&image, new).await.unwrap();
    let foreign = tempfile::NamedTempFile::new().unwrap();
    let mut elsewhere = artifact.clone();
    elsewhere.role = "source".to_owned();
    elsewhere.path = foreign.path().to_owned();
    let mut events = vec![
        (at(1), EventKind::Artifact(artifact.clone())),
        (at(1), EventKind::Artifact(elsewhere)),
    ];
    events.extend(steps(&[New, Failed, Deleting, Deleted]));
    scratch.append(&image, events).await.unwrap();
    assert!(!artifact.path.exists() || !artifact.path.is_file());
    assert!(foreign.path().exists(), "a file outside the store was removed");
}

#[tokio::test]
async fn a_work_directory_is_private_empty_and_goes_with_its_holder() {
    let scratch = Scratch::new().await;
    let work = scratch.work_dir("0192.1.create").await.unwrap();
    let path = work.path().to_owned();
    assert!(path.starts_with(scratch.root().join("work")));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o700);
    assert!(scratch.work_dir("0192.1.create").await.is_err(), "it is in use");
    fs::create_dir_all(path.join("a/b")).unwrap();
    drop(work);
    assert!(!path.exists());
    let work = scratch.work_dir("0192.1.create").await.unwrap();
    work.remove().await.unwrap();
    assert!(!path.exists());
    for bad in ["", ".", "..", "a/b", ".hidden", "a\0b", &"x".repeat(201)] {
        assert!(scratch.work_dir(bad).await.is_err(), "{bad:?}");
    }
}

#[tokio::test]
async fn only_what_the_dead_left_is_cleaned() {
    let scratch = Scratch::new().await;
    let other = scratch.again().await;
    let (mine, theirs) =
        (scratch.work_dir("mine").await.unwrap(), other.work_dir("theirs").await.unwrap());
    drop(other);
    scratch.clean_work().await.unwrap();
    assert!(theirs.path().exists(), "a work directory keeps its owner alive");

    let debris = scratch.root().join("work/0192f3a4-5b6c-7d8e-9f01-23456789abcd/op");
    fs::create_dir_all(debris.join("tree")).unwrap();
    scratch.clean_work().await.unwrap();
    assert!(!debris.parent().unwrap().exists());
    assert!(mine.path().exists() && theirs.path().exists());
}
