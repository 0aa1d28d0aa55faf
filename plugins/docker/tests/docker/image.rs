//! Making images.

use crate::rootfs::{CAPABILITY, NEWEST, RootFs};
use crate::tool::{inspect, run};
use factory_plugin_docker::Docker;
use factory_plugin_docker::build::{Build, Built, Pulse};
use factory_plugin_docker::compression::Compression;
use factory_plugin_docker::digest::Blob;
use factory_plugin_docker::exclude::{DEFAULT, Excludes};
use factory_plugin_docker::image::Identity;
use factory_plugin_docker::layout::Layout;
use factory_plugin_docker::member::Member;
use factory_plugin_docker::reference::ImageName;
use factory_plugin_docker::source::Source;
use factory_plugin_sdk::harness::{Harness, Outcome, Request};
use factory_plugin_sdk::proto::event::Kind;
use serde_json::json;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

fn request(rootfs: &RootFs) -> Request {
    Request::did_create_target_image("docker", rootfs.image())
}

#[tokio::test]
async fn skopeo_reads_the_archive_as_oci_and_as_docker() {
    let rootfs = RootFs::small();
    for compress in ["none", "gzip", "zstd"] {
        let request = request(&rootfs)
            .parameter("compress", compress)
            .parameter("docker_cmd", r#"["/usr/bin/ping", "::1"]"#)
            .parameter("docker_env", r#"["A=b"]"#)
            .parameter("docker_label", r#"{"z": "1", "a": "2"}"#)
            .parameter("docker_set_arch_label", "yes");
        let ended = Harness::cloud(Docker).await.run(request).await;
        let archive = ended.expect_completed().artifact_path("archive").display().to_string();
        let properties = ended.properties();

        let oci = inspect(&[&format!("oci-archive:{archive}")]);
        assert_eq!(oci["Digest"], properties["docker_image_digest"]);
        assert_eq!((&oci["Os"], &oci["Architecture"]), (&json!("linux"), &json!("amd64")));
        assert_eq!(oci["Labels"], json!({"a": "2", "architecture": "amd64", "z": "1"}));
        assert_eq!(oci["Env"], json!(["A=b"]));
        assert_eq!(oci["Created"], "2023-11-14T22:13:20Z", "the newest file's time");

        let config = inspect(&["--config", &format!("docker-archive:{archive}:my-debian:latest")]);
        assert_eq!(config["config"]["Cmd"], json!(["/usr/bin/ping", "::1"]));
        assert_eq!(config["rootfs"]["diff_ids"], json!([properties["docker_layer_diff_id"]]));
        assert_eq!(properties["docker_reference"], "my-debian:latest");
        let run = properties["run_command"].as_str().unwrap();
        assert!(run.starts_with("podman load -i {archive} && podman run "), "{run}");
    }
}

#[tokio::test]
async fn skopeo_finds_the_layer_whole_in_every_compression() {
    let rootfs = RootFs::small();
    for compress in ["none", "gzip", "zstd"] {
        let request = request(&rootfs).parameter("compress", compress);
        let ended = Harness::cloud(Docker).await.run(request).await;
        let archive = ended.expect_completed().artifact_path("archive").display().to_string();
        let copy = rootfs.directory().join(compress).display().to_string();
        for source in ["oci-archive", "docker-archive"] {
            // Copying checks the digest of every blob and, when it decompresses, of the layer's tar.
            let copy = format!("dir:{copy}-{source}");
            crate::tool::skopeo(&[
                "copy",
                "--dest-decompress",
                &format!("{source}:{archive}"),
                &copy,
            ]);
        }
    }
}

#[tokio::test]
async fn the_same_root_file_system_has_the_same_digests_twice() {
    let rootfs = RootFs::small();
    let harness = Harness::cloud(Docker).await;
    let one = harness.run(request(&rootfs)).await;
    let two = harness.run(request(&rootfs)).await;
    for property in ["docker_image_digest", "docker_image_id", "docker_layer_diff_id"] {
        assert_eq!(one.expect_completed().properties()[property], two.properties()[property]);
    }
    assert_eq!(one.artifact("archive").sha256, two.artifact("archive").sha256);
    assert_eq!(*one.percentages().last().unwrap(), 95.0, "the rest is the file's own digest");
}

fn build(rootfs: &RootFs, compression: Compression, threads: usize, output: &Path) -> Built {
    let identity = Identity {
        name: ImageName { repository: "a".into(), tag: "b".into() },
        arch: "x86_64".into(),
        os: "linux".into(),
        cmd: None,
        env: None,
        labels: [("x", "1"), ("y", "2"), ("z", "3")].map(|(k, v)| (k.into(), v.into())).into(),
        comment: String::new(),
    };
    let build = Build {
        rootfs: &rootfs.path(),
        output,
        excludes: &Excludes::new(DEFAULT.iter().copied()),
        compression,
        created: None,
        threads,
    };
    build.image(&identity, &Pulse::default()).unwrap()
}

#[test]
fn the_number_of_threads_changes_no_byte() {
    let rootfs = RootFs::small();
    for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
        let files = [1, 2, 5].map(|threads| {
            let output = rootfs.directory().join(format!("{threads}.tar"));
            let built = build(&rootfs, compression, threads, &output);
            (built, std::fs::read(output).unwrap())
        });
        assert_eq!(files[0].0, files[1].0);
        assert_eq!(files[0].0, files[2].0);
        assert!(files[0].1 == files[1].1 && files[0].1 == files[2].1, "{compression:?}");
    }
}

/// Who changes one of these gives every image that is ever rebuilt a new digest: do it on purpose.
#[test]
fn digests_are_what_they_were() {
    let rootfs = RootFs::small();
    let output = rootfs.directory().join("image.tar");
    for (compression, digest) in [
        (
            Compression::None,
            "sha256:676bbd32312f53a06199ea2b9ecb7b906fa184ddd466ccbaac7448a47cdb629c",
        ),
        (
            Compression::Gzip,
            "sha256:0041810e299036bfc64443303f89dde1134f6df10f0a066ecdfbfbe2bf412ef1",
        ),
        (
            Compression::Zstd,
            "sha256:d4517ee60a668e009e2be2d9a86c99a9cad1a6b7bf9f3c9567f6ad7b240979d3",
        ),
    ] {
        let built = build(&rootfs, compression, 2, &output);
        assert_eq!(built.manifest.digest, digest, "{compression:?}");
        assert_eq!(
            built.config.digest,
            "sha256:c9a44206909464897e5585824434a02f8761718338753d12e600e849f59f22c1"
        );
    }
}

/// Reads the members of the only layer of an uncompressed image, and checks its digest.
fn layer(archive: &Path) -> Vec<Member> {
    let layout = Layout::open(archive).unwrap();
    let place = layout.place(&layout.blobs[0]).unwrap();
    let mut bytes = Vec::new();
    let mut file = File::open(archive).unwrap();
    file.seek(SeekFrom::Start(place.offset)).unwrap();
    file.take(place.size).read_to_end(&mut bytes).unwrap();
    assert_eq!(Blob::of(&bytes), layout.blobs[0]);
    let mut source = Source::new(&bytes[..]);
    std::iter::from_fn(|| source.next_member().unwrap()).collect()
}

#[test]
fn the_layer_has_what_a_container_needs_and_no_more() {
    let rootfs = RootFs::small();
    let output = rootfs.directory().join("image.tar");
    build(&rootfs, Compression::None, 1, &output);
    let members = layer(&output);
    let paths: Vec<String> =
        members.iter().map(|m| String::from_utf8_lossy(&m.path).into_owned()).collect();
    let long = format!("usr/{}/file", "long".repeat(40));
    let expected = [
        "./",
        "boot/",
        "dev/",
        "etc/",
        "usr/",
        "usr/bin/",
        "etc/os-release",
        "usr/bin/ping",
        "usr/bin/ping6",
        "bin",
        &long,
    ];
    assert_eq!(paths, expected);
    let member = |path: &str| members.iter().find(|m| m.path == path.as_bytes()).unwrap();
    assert_eq!(member("usr/bin/ping").attributes["SCHILY.xattr.security.capability"], CAPABILITY);
    assert_eq!(member("usr/bin/ping").mode, 0o4755);
    assert_eq!(member("usr/bin/ping6").link, b"usr/bin/ping");
    assert_eq!(member("bin").link, b"usr/bin");
    assert_eq!(member("etc/os-release").mtime, NEWEST);
}

#[tokio::test]
async fn excludes_are_the_users_and_a_broken_hard_link_is_told() {
    let rootfs = RootFs::small();
    let request = request(&rootfs)
        .parameter("compress", "none")
        .parameter("tar_excludes", "./usr/bin/ping, os-release")
        .parameter("created", 1_600_000_000);
    let ended = Harness::cloud(Docker).await.run(request).await;
    let members = layer(&ended.expect_completed().artifact_path("archive"));
    let has = |path: &str| members.iter().any(|m| m.path == path.as_bytes());
    assert!(has("etc/fstab") && has("boot/vmlinuz") && has("dev/console"));
    assert!(!has("usr/bin/ping") && !has("usr/bin/ping6") && !has("etc/os-release"));
    assert!(ended.warnings()[0].contains("usr/bin/ping6"), "{:?}", ended.warnings());
}

#[tokio::test]
async fn without_metadata_it_is_a_plain_tar() {
    let rootfs = RootFs::small();
    let harness = Harness::cloud(Docker).await;
    for (compress, format) in [
        ("none", "tar"),
        ("gzip", "tar.gz"),
        ("zstd", "tar.zst"),
        ("xz", "tar.xz"),
        ("bzip2", "tar.bz2"),
    ] {
        let request = request(&rootfs)
            .parameter("create_docker_metadata", false)
            .parameter("compress", compress);
        let ended = harness.run(request).await;
        let artifact = ended.expect_completed().artifact("archive").clone();
        assert_eq!(artifact.format, format);
        let path = ended.artifact_path("archive").display().to_string();
        let listed = run("tar", "tar", &["--auto-compress", "-tf", &path]);
        assert!(listed.contains("etc/os-release\n") && !listed.contains("etc/fstab"), "{listed}");
    }
}

#[tokio::test]
async fn what_can_not_be_made_is_said_before_anything_is_made() {
    let rootfs = RootFs::small();
    let harness = Harness::cloud(Docker).await;
    let failed = harness.run(request(&rootfs).parameter("compress", "xz")).await;
    assert_eq!(failed.expect_failed().path, "parameters.compress");
    assert!(failed.expect_failed().hint.contains("create_docker_metadata=false"));

    let mut image = rootfs.image();
    image.artifacts[0].role = "disk".to_owned();
    let failed = harness.run(Request::did_create_target_image("docker", image)).await;
    assert_eq!(failed.expect_failed().reason, "ROOTFS_MISSING");
    assert!(failed.expect_failed().message.contains("it has: disk"));

    std::fs::write(rootfs.path(), "no tar at all, though long enough".repeat(100)).unwrap();
    let failed = harness.run(request(&rootfs)).await;
    let failure = failed.expect_failed();
    assert_eq!(failure.reason, "ROOTFS_INVALID");
    assert!(failure.message.contains("this is not a tar"), "{}", failure.message);
}

#[tokio::test]
async fn a_build_that_is_cancelled_ends_soon() {
    let rootfs = RootFs::huge();
    let harness = Harness::cloud(Docker).await;
    let mut running = harness.start(request(&rootfs)).await;
    let under_way = |kind: &Kind| matches!(kind, Kind::Progress(p) if p.amount.as_ref().is_some_and(|a| a.current > 0));
    assert!(running.until(under_way).await.is_some());
    running.cancel(Duration::from_secs(20)).await;
    let ended = running.end().await;
    assert!(matches!(ended.outcome, Outcome::Cancelled(ref left) if left.is_empty()));
}
