//! Callbacks: whoever dies, every change of status arrives, in order, at least once.

use crate::support::client::{Client, assert_complete};
use crate::support::factory::{Daemon, Sandbox};
use crate::support::receiver::{Delivery, Receiver};
use crate::support::tdl::Tdl;
use factory_proto::factory_v1::{ImageStatus, event::Kind};
use factoryd::callbacks::sign;
use factoryd::domain::Secret;
use serde_json::json;
use std::os::unix::fs::PermissionsExt;

const SECRET: &str = "shared with the receiver";

fn daemon(sandbox: &Sandbox) -> Daemon {
    let secret = sandbox.path().join("secret");
    std::fs::write(&secret, SECRET).unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    let secret = secret.to_str().unwrap();
    sandbox.daemon_with(&["--outbound-allow", "127.0.0.1", "--callback-secret", secret])
}

fn url(receiver: &Receiver) -> String {
    format!("http://127.0.0.1:{}/hook", receiver.port)
}

/// The changes of status of an image, as its events tell them.
async fn changes(client: &mut Client, id: &str) -> Vec<(u64, String)> {
    let events = client.events(id, 0).await;
    let change = events.iter().filter_map(|event| match &event.kind {
        Some(Kind::Status(change)) if change.to() != ImageStatus::New => {
            let name = change.to().as_str_name().trim_start_matches("IMAGE_STATUS_").to_owned();
            Some((event.cursor, name))
        }
        _ => None,
    });
    change.collect()
}

/// The changes of status of an image, as they were delivered; one that came twice counts once.
fn delivered(deliveries: &[Delivery], id: &str) -> Vec<(u64, String)> {
    let mut seen = Vec::new();
    let mut news = Vec::new();
    for delivery in deliveries {
        let (image, cursor, status) = delivery.news();
        let name = delivery.header("factory-delivery").to_owned();
        if image == id && !seen.contains(&name) {
            seen.push(name);
            news.push((cursor, status));
        }
    }
    news
}

#[track_caller]
fn assert_signed(delivery: &Delivery) {
    let signature = delivery.header("factory-signature");
    let time = signature.strip_prefix("t=").and_then(|rest| rest.split(',').next()).unwrap();
    let signed = |secret: &str| sign(&Secret::new(secret), time.parse().unwrap(), &delivery.body);
    assert_eq!(signature, signed(SECRET));
    assert_ne!(signature, signed("another secret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_and_a_daemon_that_are_killed_in_the_middle_lose_nothing() {
    let sandbox = Sandbox::new();
    let first_daemon = daemon(&sandbox);
    let mut client = first_daemon.connect().await;
    // The second delivery is read, and never answered.
    let first = Receiver::start(0, 1);
    let parameters = json!({ "callbacks": [url(&first)], "mock_delay_ms": 20 });
    let target = client.create_target(&Tdl::mock("told"), "mock", &parameters).await.unwrap();
    let mut deliveries = tokio::task::block_in_place(|| first.dead());
    let target = client.ended(&target.id).await;
    assert_complete(&target);
    first_daemon.kill();

    let second = Receiver::start(first.port, usize::MAX);
    let second_daemon = daemon(&sandbox);
    let mut client = second_daemon.connect().await;
    let ids = [target.parent_id.clone(), target.id.clone()];
    let is_last = |delivery: &Delivery| delivery.news().2 == "COMPLETE";
    let later = tokio::task::block_in_place(|| {
        second.until(|all| all.iter().filter(|delivery| is_last(delivery)).count() == ids.len())
    });
    deliveries.extend(later);
    for id in &ids {
        let changes = changes(&mut client, id).await;
        let names: Vec<&str> = changes.iter().map(|(_, status)| status.as_str()).collect();
        assert_eq!(names, ["PENDING", "BUILDING", "COMPLETE"]);
        assert_eq!(delivered(&deliveries, id), changes);
    }
    deliveries.iter().for_each(assert_signed);
    // Two images with three changes each; of those that were read and not answered, each came again.
    assert!(6 < deliveries.len(), "nothing was delivered twice: {deliveries:#?}");
    second_daemon.stop().succeeded();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_dies_with_its_daemon_is_told_of_by_the_next() {
    let sandbox = Sandbox::new();
    let killed = daemon(&sandbox);
    let mut client = killed.connect().await;
    let receiver = Receiver::start(0, usize::MAX);
    let parameters = json!({
        "callbacks": [url(&receiver)],
        "mock_misbehave": "hang",
        "mock_misbehave_attempts": 1,
    });
    let image = client.create_base(&Tdl::mock("killed"), &parameters).await.unwrap();
    tokio::task::block_in_place(|| receiver.until(|all| all.len() == 2));
    killed.kill();

    let next = daemon(&sandbox);
    let mut client = next.connect().await;
    assert_complete(&client.ended(&image.id).await);
    let deliveries = tokio::task::block_in_place(|| {
        receiver.until(|all| all.iter().any(|delivery| delivery.news().2 == "COMPLETE"))
    });
    let changes = changes(&mut client, &image.id).await;
    assert_eq!(delivered(&deliveries, &image.id), changes);
    assert_eq!(changes.last().unwrap().1, "COMPLETE");
    next.stop().succeeded();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_into_this_machine_is_refused_unless_it_is_allowed() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.daemon();
    let mut client = daemon.connect().await;
    let parameters = json!({ "callbacks": ["http://127.0.0.1:1/hook"] });
    let refused = client.create_base(&Tdl::mock("refused"), &parameters).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::InvalidArgument);
    assert!(refused.message().contains("the callback can't be used: 127.0.0.1"), "{refused}");
    assert_eq!(client.images().await, []);
    daemon.stop().succeeded();
}
