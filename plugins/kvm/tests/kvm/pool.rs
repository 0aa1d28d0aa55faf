//! Putting disks into pools, and removing them.

use crate::disk::{Disk, SIZE, allocated};
use crate::tool::qemu_img;
use factory_plugin_kvm::Kvm;
use factory_plugin_kvm::pool::user_name;
use factory_plugin_sdk::harness::{Ended, Harness, Outcome, Request};
use factory_plugin_sdk::{CloudIdentifiers, Fault, InputImage};
use serde_json::json;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

async fn push(image: InputImage, provider: &str) -> Ended {
    let request = Request::push("kvm", provider, "", image).image_id("image-7");
    Harness::cloud(Kvm).await.run(request).await
}

async fn delete(provider: &str, path: &str) -> Ended {
    let identifiers =
        CloudIdentifiers { identifier_on_provider: path.to_owned(), ..Default::default() };
    let request = Request::delete("kvm", provider, "", identifiers, InputImage::default());
    Harness::cloud(Kvm).await.run(request).await
}

fn names(pool: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name();
    let entries = std::fs::read_dir(pool).unwrap().map(name);
    entries.map(|name| name.to_string_lossy().into_owned()).collect()
}

#[tokio::test]
async fn a_disk_goes_into_the_pool_and_is_removed() {
    let disk = Disk::sparse();
    let pool = tempfile::tempdir().unwrap();
    let provider = pool.path().display().to_string();
    let pushed = push(disk.image(), &provider).await;
    let identifiers = pushed.expect_completed().identifiers().unwrap();
    let path = format!("{provider}/image-7.raw");
    assert_eq!(identifiers.identifier_on_provider, path);
    assert_eq!(identifiers.provider_account_identifier, user_name());
    assert_eq!(names(pool.path()), ["image-7.raw"]);

    let base = disk.path().display().to_string();
    qemu_img(&["compare", "-q", "-f", "raw", "-F", "raw", &base, &path]);
    let own = Path::new(&path).metadata().unwrap().ino() != disk.path().metadata().unwrap().ino();
    assert!(own, "a guest will write to the pool's copy");
    assert!(allocated(Path::new(&path)) < SIZE / 8);

    delete(&provider, &path).await.expect_completed();
    assert_eq!(names(pool.path()), [""; 0]);
    delete(&provider, &path).await.expect_completed();
}

#[tokio::test]
async fn what_is_there_is_never_replaced() {
    let pool = tempfile::tempdir().unwrap();
    let provider = json!({"pool": pool.path(), "name": "web"}).to_string();
    std::fs::write(pool.path().join("web.raw"), "someone's").unwrap();
    let failed = push(Disk::sparse().image(), &provider).await;
    assert_eq!(failed.expect_failed().fault(), Fault::Conflict);
    assert_eq!(std::fs::read(pool.path().join("web.raw")).unwrap(), b"someone's");
    assert_eq!(names(pool.path()), ["web.raw"]);
}

#[tokio::test]
async fn the_properties_say_how_to_run_the_pools_copy() {
    let mut image = Disk::sparse().image();
    let disk = Disk::sparse();
    image.artifacts.clone_from(&disk.image().artifacts);
    image.properties_json = json!({
        "run_command": "qemu-system-x86_64 -drive file={disk},format=raw,if=virtio,snapshot=on",
        "libvirt_xml": "<source file='{disk}'/>",
    })
    .to_string();
    let pool = tempfile::Builder::new().prefix("a pool").tempdir().unwrap();
    let provider = pool.path().display().to_string();
    let properties = push(image, &provider).await.expect_completed().properties();
    let command = format!("-drive file='{provider}/image-7.raw',format=raw,if=virtio");
    assert!(properties["run_command"].as_str().unwrap().ends_with(&command), "{properties:?}");
    assert_eq!(properties["libvirt_xml"], format!("<source file='{provider}/image-7.raw'/>"));
}

#[tokio::test]
async fn bad_pools_are_refused_clearly() {
    let disk = Disk::sparse();
    let missing = disk.directory().join("missing").display().to_string();
    let file = disk.path().display().to_string();
    for (provider, reason, words) in [
        ("pool", "INVALID_PROVIDER", "not an absolute path"),
        (missing.as_str(), "POOL_MISSING", "does not exist"),
        (file.as_str(), "POOL_MISSING", "not a directory"),
        // Root and others are refused for different reasons.
        ("/proc", "", "can't write to pool /proc"),
    ] {
        let failed = push(disk.image(), provider).await;
        let failure = failed.expect_failed();
        assert!(failure.reason.ends_with(reason), "{failure:?}");
        assert!(failure.message.contains(words), "{}", failure.message);
    }
}

#[tokio::test]
async fn only_the_pools_own_disks_are_removed() {
    let pool = tempfile::tempdir().unwrap();
    let provider = pool.path().display().to_string();
    let other = tempfile::tempdir().unwrap();
    let precious = other.path().join("precious.raw");
    let note = pool.path().join("note.txt");
    std::fs::write(&precious, "").unwrap();
    std::fs::write(&note, "").unwrap();
    let sneaky = format!("{provider}/../{}", precious.display());
    for path in [precious.display().to_string(), note.display().to_string(), sneaky] {
        assert_eq!(delete(&provider, &path).await.expect_failed().reason, "NOT_IN_POOL", "{path}");
    }
    assert!(precious.exists() && note.exists());
}

#[tokio::test]
async fn snapshots_are_not_supported() {
    let template = factory_plugin_sdk::harness::template("Debian", "12", "x86_64");
    let request = Request::snapshot("kvm", "/srv", "", template);
    let ended = Harness::cloud(Kvm).await.run(request).await;
    assert!(matches!(ended.outcome, Outcome::Refused(_)), "{:?}", ended.outcome);
}
