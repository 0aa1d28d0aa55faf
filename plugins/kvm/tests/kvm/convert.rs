//! Making disks.

use crate::disk::{Disk, SIZE, allocated};
use crate::tool::qemu_img;
use factory_plugin_kvm::Kvm;
use factory_plugin_sdk::harness::{Ended, Harness, Request};
use serde_json::Value;
use std::os::unix::fs::MetadataExt;

async fn make(disk: &Disk, parameters: &[(&str, &str)]) -> Ended {
    let harness = Harness::cloud(Kvm).await.work_root(disk.directory());
    let request = Request::did_create_target_image("kvm", disk.image());
    let add = |request: Request, (name, value): &(&str, &str)| request.parameter(name, *value);
    harness.run(parameters.iter().fold(request, add)).await
}

fn info(path: &str) -> Value {
    serde_json::from_str(&qemu_img(&["info", "--output=json", path])).unwrap()
}

#[tokio::test]
async fn a_disk_becomes_a_qcow2_with_the_same_content() {
    let disk = Disk::sparse();
    let raw = disk.path().display().to_string();
    for (compress, kind) in [("none", "zlib"), ("zlib", "zlib"), ("zstd", "zstd"), ("true", "zstd")]
    {
        let ended = make(&disk, &[("compress", compress)]).await;
        let artifact = ended.expect_completed().artifact("disk");
        assert_eq!((artifact.format.as_str(), artifact.virtual_size), ("qcow2", SIZE));
        let path = ended.artifact_path("disk").display().to_string();
        qemu_img(&["check", "-q", "-f", "qcow2", &path]);
        qemu_img(&["compare", "-q", "-f", "raw", "-F", "qcow2", &raw, &path]);
        assert_eq!(info(&path)["format-specific"]["data"]["compression-type"], kind);
        let data = 8 << 20;
        assert_eq!(artifact.size < data, compress != "none", "{compress}: {}", artifact.size);
        assert!(artifact.size < 2 * data, "holes take no space: {}", artifact.size);
    }
}

#[tokio::test]
async fn progress_rises_to_its_end() {
    let ended = make(&Disk::sparse(), &[]).await;
    let percentages = ended.expect_completed().percentages();
    assert_eq!(percentages.last(), Some(&95.0), "{percentages:?}");
    assert!(ended.log().matches("/100%").count() <= 1, "the meter is not in the log");
}

#[tokio::test]
async fn a_raw_disk_is_the_same_file_under_a_second_name() {
    let disk = Disk::sparse();
    let ended = make(&disk, &[("format", "raw")]).await;
    let artifact = ended.expect_completed().artifact("disk");
    assert_eq!((artifact.format.as_str(), artifact.virtual_size), ("raw", SIZE));
    let (made, base) = (ended.artifact_path("disk"), disk.path());
    assert_eq!(made.metadata().unwrap().ino(), base.metadata().unwrap().ino());
}

#[tokio::test]
async fn a_raw_disk_from_another_file_system_is_copied_with_its_holes() {
    let disk = Disk::sparse();
    let elsewhere = tempfile::tempdir_in("/dev/shm").unwrap();
    let harness = Harness::cloud(Kvm).await.work_root(elsewhere.path());
    let request = Request::did_create_target_image("kvm", disk.image()).parameter("format", "raw");
    let ended = harness.run(request).await;
    let made = ended.expect_completed().artifact_path("disk");
    let paths = [disk.path().display().to_string(), made.display().to_string()];
    qemu_img(&["compare", "-q", "-f", "raw", "-F", "raw", &paths[0], &paths[1]]);
    assert!(allocated(&made) < SIZE / 8, "{}", allocated(&made));
}

#[tokio::test]
async fn a_qcow2_base_becomes_raw_too() {
    let disk = Disk::sparse();
    let qcow2 = disk.directory().join("base.qcow2");
    let paths = [disk.path().display().to_string(), qcow2.display().to_string()];
    qemu_img(&["convert", "-f", "raw", "-O", "qcow2", &paths[0], &paths[1]]);
    let mut image = disk.image();
    image.artifacts[0].path.clone_from(&paths[1]);
    image.artifacts[0].format = "qcow2".to_owned();
    let request = Request::did_create_target_image("kvm", image).parameter("format", "raw");
    let ended = Harness::cloud(Kvm).await.run(request).await;
    let made = ended.expect_completed().artifact_path("disk").display().to_string();
    qemu_img(&["compare", "-q", "-f", "raw", "-F", "raw", &paths[0], &made]);
}

#[tokio::test]
async fn what_can_not_be_made_is_said() {
    let disk = Disk::sparse();
    let failed = make(&disk, &[("format", "raw"), ("compress", "zstd")]).await;
    assert_eq!(failed.expect_failed().path, "parameters.compress");

    let mut image = disk.image();
    image.artifacts[0].role = "rootfs".to_owned();
    let harness = Harness::cloud(Kvm).await;
    let failed = harness.run(Request::did_create_target_image("kvm", image)).await;
    assert_eq!(failed.expect_failed().reason, "DISK_MISSING");
    assert!(failed.expect_failed().message.contains("it has: rootfs"));

    let mut image = disk.image();
    image.artifacts[0].format = "qcow2".to_owned();
    let failed = harness.run(Request::did_create_target_image("kvm", image)).await;
    assert_eq!(failed.expect_failed().reason, "TOOL_FAILED");
    assert!(failed.expect_failed().detail.contains("not in qcow2 format"), "{failed:?}");
}
