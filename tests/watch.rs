//! Whoever watches an image sees every event once and in order, whenever they come.

use crate::support::client::{assert_complete, drain, statuses};
use crate::support::factory::Sandbox;
use crate::support::tdl::Tdl;
use factory_proto::factory_v1::ImageStatus;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn readers_from_the_start_from_a_cursor_and_after_the_end_see_the_same() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.daemon();
    let mut client = daemon.connect().await;
    let image = client.create_base(&Tdl::mock("watched"), &json!({})).await.unwrap();
    let live = drain(client.follow(&image.id, 0).await).await;
    assert_complete(&client.image(&image.id).await);
    assert_eq!(statuses(&live).last(), Some(&ImageStatus::Complete));
    assert!(live.windows(2).all(|pair| pair[0].cursor < pair[1].cursor));
    for (at, event) in live.iter().enumerate() {
        assert_eq!(client.events(&image.id, event.cursor).await, live[at + 1..]);
    }
    assert_eq!(client.events(&image.id, 0).await, live);
    daemon.stop().succeeded();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_ends_nothing() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.daemon();
    let mut client = daemon.connect().await;
    let image = client.create_base(&Tdl::mock("orphaned"), &json!({})).await.unwrap();
    drop(client.follow(&image.id, 0).await);
    drop(client);
    let mut other = daemon.connect().await;
    assert_complete(&other.ended(&image.id).await);
}
