//! `kill -9` of the daemon in the middle of a build: nothing of it lives on, and nothing is stuck afterwards.

use crate::support::client::{assert_begun, assert_complete, assert_failed};
use crate::support::factory::Sandbox;
use crate::support::leftovers::{Brood, files_in};
use crate::support::patience::look_until;
use crate::support::program::Program;
use crate::support::tdl::Tdl;
use crate::support::user::User;
use factory_proto::factory_v1::event::Kind;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;

/// How long a process may take to be let loose.
const PATIENCE: Duration = Duration::from_secs(60);
/// A build whose plugin lets a process loose, and then takes its time.
const LOOSE: &str = r#"{"mock_misbehave": "fork", "mock_steps": 1, "mock_delay_ms": 600000}"#;
/// What that process is.
const LOOSE_PROCESS: &str = "sleep 600";
/// How long an orphan may live.
const ORPHAN_DEADLINE: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread")]
async fn no_process_outlives_a_killed_daemon_and_its_image_is_begun_again() {
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
    assert_begun(&mut client, &image.id, "create-base-image", 2).await;
    client.cancel(&image.id).await.unwrap();
    assert_failed(&client.ended(&image.id).await, &["CANCELLED"]);
    assert_eq!(files_in(&sandbox.store().join("images")), Vec::<PathBuf>::new());
    let again = client.create_base(&Tdl::mock("after"), &json!({})).await.unwrap();
    assert_complete(&client.ended(&again.id).await);
    let ended = daemon.stop();
    assert_eq!(sandbox.left_behind(&ended), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_cut_every_tie_to_its_plugin_does_not_outlive_a_killed_daemon() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.daemon();
    let parameters: Value = serde_json::from_str(LOOSE).unwrap();
    let mut client = daemon.connect().await;
    client.create_base(&Tdl::mock("loose"), &parameters).await.unwrap();
    assert!(look_until(PATIENCE, || is_loose(daemon.brood()).then_some(())).is_some());
    assert_eq!(daemon.kill().survivors(ORPHAN_DEADLINE), Vec::<String>::new());
}

#[test]
fn nor_does_it_outlive_a_killed_factory_of_an_ordinary_user() {
    let user = User::ordinary();
    let mut sandbox = Sandbox::new();
    let mut factory = sandbox.factory_as(&user, &["mock-os"]);
    factory.arg("build").arg(sandbox.template(&Tdl::mock("loose")));
    let parameters: serde_json::Map<String, Value> = serde_json::from_str(LOOSE).unwrap();
    for (name, value) in parameters {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        factory.arg("--parameter").arg(format!("{name}={value}"));
    }
    let program = Program::start(&factory);
    assert!(look_until(PATIENCE, || is_loose(&program.brood).then_some(())).is_some());
    assert_eq!(program.kill().survivors(ORPHAN_DEADLINE), Vec::<String>::new());
}

fn is_loose(brood: &Brood) -> bool {
    brood.members().iter().any(|line| line.trim_end().ends_with(LOOSE_PROCESS))
}
