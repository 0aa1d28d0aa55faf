//! The processes that a plugin starts: none outlives its reason.

use super::support::{Operation, Process, is_alive, wait_until_gone};
use factory_plugin_sdk::proto::{CancelRequest, event::Kind, operations_client::OperationsClient};
use rustix::process::Signal;
use std::time::Duration;
use tonic::transport::Channel;

/// The promise is 2 seconds; a loaded machine is slower.
const PROMPT: Duration = Duration::from_secs(4);

async fn cancel(channel: Channel, id: &str, grace: Duration) {
    let grace = grace.try_into().ok();
    let request = CancelRequest { operation_id: id.into(), grace };
    OperationsClient::new(channel).cancel(request).await.unwrap();
}

#[tokio::test]
async fn killing_the_plugin_kills_what_its_tools_left_behind() {
    let plugin = Process::start();
    let mut operation = Operation::misbehaving(plugin.connect().await, "op", "fork-tool").await;
    let escaped = operation.escaped_pid().await;
    assert!(is_alive(escaped));
    plugin.signal(Signal::KILL);
    assert!(wait_until_gone(escaped) < PROMPT);
}

#[tokio::test]
async fn cancelling_an_operation_kills_its_processes_and_no_others() {
    let plugin = Process::start();
    let channel = plugin.connect().await;
    let mut one = Operation::misbehaving(channel.clone(), "one", "fork-tool").await;
    let mut two = Operation::misbehaving(channel.clone(), "two", "fork-tool").await;
    let (first, second) = (one.escaped_pid().await, two.escaped_pid().await);
    cancel(channel.clone(), "one", Duration::from_secs(10)).await;
    one.until(|kind| matches!(kind, Kind::Cancelled(c) if c.left_behind.is_empty())).await;
    assert!(!is_alive(first), "the terminal event comes after the last process");
    assert!(is_alive(second));
    cancel(channel, "two", Duration::ZERO).await;
    two.until(|kind| matches!(kind, Kind::Cancelled(_))).await;
    assert!(!is_alive(second), "without any grace too");
}
