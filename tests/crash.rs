//! `kill -9` of the daemon in the middle of a build: nothing of it lives on, and nothing is stuck afterwards.

use crate::support::client::{assert_complete, assert_failed};
use crate::support::factory::Sandbox;
use crate::support::leftovers::files_in;
use crate::support::tdl::Tdl;
use factory_proto::factory_v1::event::Kind;
use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;

/// How long an orphan may live.
const ORPHAN_DEADLINE: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread")]
async fn no_process_outlives_a_killed_daemon_and_its_image_does_not_stay_building() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.daemon();
    let mut client = daemon.connect().await;
    let image = client.create_base(&Tdl::debian("killed"), &json!({})).await.unwrap();
    let mut events = client.follow(&image.id, 0).await;
    loop {
        let event = events.message().await.unwrap().expect("the build goes on");
        if matches!(&event.kind, Some(Kind::Progress(progress)) if progress.unit == "packages") {
            break;
        }
    }
    let members = daemon.brood().members();
    assert!(members.iter().any(|line| line.contains("mmdebstrap")), "{members:#?}");
    let brood = daemon.kill();
    assert_eq!(brood.survivors(ORPHAN_DEADLINE), Vec::<String>::new());

    let daemon = sandbox.daemon();
    let mut client = daemon.connect().await;
    let image = client.ended(&image.id).await;
    assert_failed(&image, &["INTERRUPTED"]);
    assert_eq!(files_in(&sandbox.store().join("images")), Vec::<PathBuf>::new());
    let again = client.create_base(&Tdl::mock("after"), &json!({})).await.unwrap();
    assert_complete(&client.ended(&again.id).await);
    let ended = daemon.stop();
    assert_eq!(sandbox.left_behind(&ended), Vec::<String>::new());
}
