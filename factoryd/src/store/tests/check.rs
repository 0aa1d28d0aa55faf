//! Looking at the store: what is found, what is repaired, and what is left alone.

use super::*;
use crate::store::{CheckOptions, Checked, Remedy};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

const LOOK: CheckOptions = CheckOptions { repair: false, digests: true };
const REPAIR: CheckOptions = CheckOptions { repair: true, digests: true };

impl Scratch {
    /// Records a complete image with one body.
    async fn complete(&self, number: u32) -> Artifact {
        self.record(number).await;
        let (_work, new) = self.file(&format!("op-{number}"), "disk.raw", b"the body").await;
        let body = self.adopt(&id(number), new).await.unwrap();
        self.end(number, &body).await;
        body
    }

    async fn end(&self, number: u32, body: &Artifact) {
        use Status::*;
        self.append(&id(number), vec![(at(1), EventKind::Artifact(body.clone()))]).await.unwrap();
        self.append(&id(number), steps(&[New, Pending, Building, Complete])).await.unwrap();
    }

    async fn status(&self, number: u32) -> (Status, String) {
        let image = self.image(&id(number)).await.unwrap().unwrap();
        (image.status, image.failure.map(|failure| failure.reason).unwrap_or_default())
    }

    async fn sql(&self, sql: &'static str) {
        let path = self.root().join("factory.db");
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).foreign_keys(false);
        let mut connection = sqlx::ConnectOptions::connect(&options).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    }
}

/// A store in a directory that is nobody else's.
async fn tidy() -> Scratch {
    let scratch = Scratch::new().await;
    fs::set_permissions(scratch.root(), Permissions::from_mode(0o700)).unwrap();
    scratch
}

/// Writes into a body, as a failing disk would.
fn damage(body: &Artifact) {
    let writable = |mode| fs::set_permissions(&body.path, Permissions::from_mode(mode)).unwrap();
    writable(0o644);
    fs::write(&body.path, b"the b0dy").unwrap();
    writable(0o444);
}

fn reasons(checked: &Checked) -> Vec<&'static str> {
    checked.findings.iter().map(|finding| finding.reason).collect()
}

#[tokio::test]
async fn a_store_that_is_as_it_should_be_has_no_findings() {
    let scratch = tidy().await;
    let body = scratch.complete(1).await;
    scratch.record(2).await;
    let shared = scratch.share(&body, &id(2)).await.unwrap();
    scratch.end(2, &shared).await;
    // Being built, with a file that is not recorded yet.
    scratch.record(3).await;
    let (_work, new) = scratch.file("op", "disk.raw", b"new").await;
    scratch.adopt(&id(3), new).await.unwrap();
    let checked = scratch.check(LOOK).await.unwrap();
    assert_eq!(checked.findings, []);
    assert_eq!((checked.images, checked.bodies, checked.bytes), (3, 2, 8), "shared is read once");
    let sizes = scratch.check(CheckOptions { digests: false, ..LOOK }).await.unwrap();
    assert_eq!((sizes.findings.len(), sizes.bytes), (0, 0));
}

#[tokio::test]
async fn a_damaged_body_is_put_aside_at_once_and_every_image_that_has_it_fails() {
    let scratch = tidy().await;
    let body = scratch.complete(1).await;
    scratch.record(2).await;
    let shared = scratch.share(&body, &id(2)).await.unwrap();
    scratch.end(2, &shared).await;
    damage(&body);
    let sizes = scratch.check(CheckOptions { digests: false, ..REPAIR }).await.unwrap();
    assert_eq!(sizes.findings, [], "it has the size that was recorded");
    let checked = scratch.check(LOOK).await.unwrap();
    assert_eq!(reasons(&checked), ["BODY_DAMAGED", "BODY_DAMAGED"]);
    assert!(!checked.findings[0].remains() && checked.findings[0].message.contains("sha256"));
    for (number, body) in [(1, &body), (2, &shared)] {
        assert!(!body.path.exists(), "it could still be served");
        let aside = scratch.root().join("quarantine").join(id(number).as_str()).join("disk.raw");
        assert_eq!(fs::read(aside).unwrap(), b"the b0dy");
        assert_eq!(scratch.status(number).await, (Status::Failed, "BODY_DAMAGED".into()));
    }
    scratch.append(&id(1), steps(&[Status::Failed, Status::Deleting])).await.unwrap();
}

#[tokio::test]
async fn a_body_of_another_size_is_damaged_and_one_that_is_gone_is_missing() {
    let scratch = tidy().await;
    let (longer, gone) = (scratch.complete(1).await, scratch.complete(2).await);
    fs::set_permissions(&longer.path, Permissions::from_mode(0o644)).unwrap();
    fs::write(&longer.path, b"the body and more").unwrap();
    fs::remove_file(&gone.path).unwrap();
    let sizes = CheckOptions { digests: false, ..LOOK };
    let checked = scratch.check(sizes).await.unwrap();
    assert_eq!(reasons(&checked), ["BODY_DAMAGED", "BODY_MISSING"]);
    assert_eq!(checked.findings[1].remedy, Remedy::Possible("mark the image FAILED"));
    assert_eq!(scratch.status(2).await.0, Status::Complete, "a look changes nothing");
    scratch.check(REPAIR).await.unwrap();
    assert_eq!(scratch.status(2).await, (Status::Failed, "BODY_MISSING".into()));
}

#[tokio::test]
async fn what_belongs_to_nobody_is_found_and_removed() {
    let scratch = tidy().await;
    let body = scratch.complete(1).await;
    let images = scratch.root().join("images");
    let orphans = [body.path.with_file_name("left.raw"), images.join(id(9).as_str())];
    fs::write(&orphans[0], "x").unwrap();
    fs::create_dir(&orphans[1]).unwrap();
    fs::write(orphans[1].join("disk.raw"), "x").unwrap();
    let dead = scratch.root().join("work/0192f3a4-5b6c-7d8e-9f01-23456789abcd");
    fs::create_dir_all(dead.join("op")).unwrap();
    fs::write(images.join("README"), "x").unwrap();
    let expected = ["ORPHAN", "ORPHAN", "ORPHAN", "STRANGER", "LEFT_BY_THE_DEAD"];
    assert_eq!(reasons(&scratch.check(LOOK).await.unwrap()), expected);
    assert!(orphans.iter().all(|path| path.exists()) && dead.exists(), "a look changes nothing");
    assert_eq!(reasons(&scratch.check(REPAIR).await.unwrap()), expected);
    assert!(!orphans.iter().any(|path| path.exists()) && !dead.exists());
    assert!(body.path.exists() && images.join("README").exists());
    assert_eq!(reasons(&scratch.check(LOOK).await.unwrap()), ["STRANGER"]);
}

#[tokio::test]
async fn what_others_may_read_or_change_is_found_and_set_right() {
    let scratch = tidy().await;
    let body = scratch.complete(1).await;
    fs::set_permissions(&body.path, Permissions::from_mode(0o664)).unwrap();
    fs::set_permissions(scratch.root(), Permissions::from_mode(0o755)).unwrap();
    let checked = scratch.check(REPAIR).await.unwrap();
    assert_eq!(reasons(&checked), ["PERMISSIONS", "PERMISSIONS"]);
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&body.path), mode(scratch.root())), (0o444, 0o700));
}

#[tokio::test]
async fn rows_without_an_image_are_removed_but_the_ledger_is_never_forgotten() {
    let scratch = tidy().await;
    scratch.complete(1).await;
    scratch.record(2).await;
    let intent = vec![resource(ResourceState::Intent, "volume-1", "")];
    scratch.append(&id(2), intent).await.unwrap();
    scratch.sql("DELETE FROM images WHERE number = 2").await;
    let checked = scratch.check(REPAIR).await.unwrap();
    let expected = ["ROW_WITHOUT_IMAGE", "ROW_WITHOUT_IMAGE", "LEDGER_WITHOUT_IMAGE"];
    assert_eq!(reasons(&checked), expected, "{:?}", checked.findings);
    let checked = scratch.check(REPAIR).await.unwrap();
    assert_eq!(reasons(&checked), ["LEDGER_WITHOUT_IMAGE"]);
    assert!(checked.findings[0].remains());
}

#[tokio::test]
async fn a_damaged_database_is_a_finding_and_the_rest_is_looked_at_all_the_same() {
    let scratch = tidy().await;
    scratch.complete(1).await;
    let second = scratch.complete(2).await;
    damage(&second);
    scratch.sql("UPDATE images SET detail = '{' WHERE number = 1").await;
    let checked = scratch.check(LOOK).await.unwrap();
    assert_eq!(reasons(&checked)[..2], ["DATABASE_DAMAGED", "BODY_DAMAGED"]);
    assert!(checked.findings[0].remains());
}
