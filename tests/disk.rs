//! A disk that is full under a real daemon, and a store that is checked.

use crate::support::binaries::binary;
use crate::support::client::{assert_complete, assert_failed};
use crate::support::factory::Sandbox;
use crate::support::small_disk::{SmallDisk, on_small_disk};
use crate::support::tdl::Tdl;
use factory_proto::factory_v1::ImageStatus;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use tonic::Code;

#[test]
fn a_full_disk_fails_builds_with_its_name_and_images_can_be_deleted_all_the_same() {
    let name =
        "disk::a_full_disk_fails_builds_with_its_name_and_images_can_be_deleted_all_the_same";
    // To build the programs takes more room than there will be.
    binary("factoryd");
    on_small_disk(name, 64 << 20, |disk| {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(full(disk));
    });
}

async fn full(disk: &SmallDisk) {
    let sandbox = Sandbox::new();
    assert!(sandbox.store().starts_with(disk.path()), "nothing of ours is elsewhere");
    let daemon = sandbox.daemon_with(&["--disk-estimate", "0"]);
    let mut client = daemon.connect().await;
    let good = client.create_base(&Tdl::mock("good"), &json!({})).await.unwrap();
    assert_complete(&client.ended(&good.id).await);

    let fill = json!({"mock_misbehave": "fill"});
    let bad = client.create_base(&Tdl::mock("bad"), &fill).await.unwrap();
    let bad = client.ended(&bad.id).await;
    assert_failed(&bad, &["NO_SPACE", "no space left on the file system", "of 64.0 MiB free"]);

    disk.fill(0);
    let refused = loop {
        match client.create_base(&Tdl::mock("late"), &json!({})).await {
            Ok(image) => assert_failed(&client.ended(&image.id).await, &["NO_SPACE"]),
            Err(refused) => break refused,
        }
        disk.fill(0);
    };
    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused}");
    assert!(client.images().await.len() >= 2);
    client.delete(&good.id).await.unwrap();
    assert_eq!(client.ended(&good.id).await.status(), ImageStatus::Deleted);
    succeed(sandbox.factory().args(["delete", &bad.id]));

    disk.empty();
    let after = client.create_base(&Tdl::mock("after"), &json!({})).await.unwrap();
    assert_complete(&client.ended(&after.id).await);
    succeed(sandbox.factory().arg("fsck"));
    assert_eq!(sandbox.left_behind(&daemon.stop().succeeded()), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_is_found_beside_a_daemon_and_is_served_no_more() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.daemon();
    let mut client = daemon.connect().await;
    let image = client.create_base(&Tdl::mock("rotten"), &json!({})).await.unwrap();
    let image = client.ended(&image.id).await;
    assert_complete(&image);
    succeed(sandbox.factory().arg("fsck"));
    let file = &image.artifacts[0].path;
    let content = std::fs::read(file).unwrap();
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o644)).unwrap();
    std::fs::write(file, vec![b'x'; content.len()]).unwrap();
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o444)).unwrap();
    let output = sandbox.factory().args(["--server", daemon.address(), "fsck", "--json"]).output();
    let output = output.unwrap();
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["findings"][0]["reason"], "BODY_DAMAGED", "{found}");
    assert_eq!(found["findings"][0]["remedy"], "done");
    assert_failed(&client.image(&image.id).await, &["BODY_DAMAGED"]);
    assert!(!std::path::Path::new(file).exists());
    succeed(sandbox.factory().arg("fsck"));
}

#[track_caller]
fn succeed(command: &mut Command) {
    let ended = command.output().unwrap();
    let said = [ended.stdout, ended.stderr].concat();
    assert!(ended.status.success(), "{command:?}: {}", String::from_utf8_lossy(&said));
}
