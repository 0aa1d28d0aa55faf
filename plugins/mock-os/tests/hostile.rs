//! Breaking the contract: each misbehaviour is what its name says.

use super::support::{Operation, Process};
use factory_plugin_mock_os::hostile::garbage;
use factory_plugin_sdk::proto::{
    CancelRequest, Event, event::Kind, operations_client::OperationsClient,
};
use serde_json::json;
use std::os::unix::process::ExitStatusExt;
use tonic::Code;

#[tokio::test]
async fn a_process_ends_as_asked() {
    for (name, code, signal) in
        [("exit", Some(7), None), ("kill", None, Some(9)), ("crash", None, Some(6))]
    {
        let mut plugin = Process::start();
        let mut operation = Operation::misbehaving(plugin.connect().await, "op", name).await;
        assert!(operation.all().await.is_err(), "{name}: the stream breaks off");
        let (status, _) = plugin.wait();
        assert_eq!((status.code(), status.signal()), (code, signal), "{name}");
    }
}

#[tokio::test]
async fn a_crash_leaves_its_last_words() {
    let plugin = Process::start();
    let mut operation = Operation::misbehaving(plugin.connect().await, "op", "crash").await;
    operation.all().await.unwrap_err();
    plugin.stderr_line(|line| line == "panic: the mock was asked to crash");
}

#[tokio::test]
async fn an_operation_that_ignores_its_cancellation_goes_on() {
    let plugin = Process::start();
    let channel = plugin.connect().await;
    let mut operation = Operation::misbehaving(channel.clone(), "op", "ignore-cancel").await;
    let request = CancelRequest { operation_id: "op".into(), grace: None };
    OperationsClient::new(channel).cancel(request).await.unwrap();
    for _ in 0..2 {
        operation.until(|kind| matches!(kind, Kind::Heartbeat(_))).await;
    }
}

#[tokio::test]
async fn a_message_can_be_too_large_to_read() {
    let plugin = Process::start();
    let mut operation = Operation::misbehaving(plugin.connect().await, "op", "huge-message").await;
    assert_eq!(operation.all().await.unwrap_err().code(), Code::OutOfRange);
}

#[tokio::test]
async fn a_stream_can_end_without_an_end() {
    let plugin = Process::start();
    let mut operation = Operation::misbehaving(plugin.connect().await, "op", "no-terminal").await;
    assert_eq!(operation.all().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_flood_comes_batched_or_one_by_one_and_whole() {
    let plugin = Process::start();
    let channel = plugin.connect().await;
    for name in ["flood", "flood-unbatched"] {
        let parameters = json!({"mock_misbehave": name, "mock_events": 20_000});
        let mut operation = Operation::start(channel.clone(), name, parameters).await.unwrap();
        let events = operation.all().await.unwrap();
        let lines = events.iter().filter(|event| matches!(event.kind, Some(Kind::Log(_)))).count();
        assert!(20_000 <= lines, "{name}: {lines} lines");
    }
}

#[tokio::test]
async fn every_garbage_breaks_a_rule_and_only_one_is_harmless() {
    let plugin = Process::start();
    let channel = plugin.connect().await;
    for rule in garbage::NAMES {
        let parameters = json!({"mock_misbehave": "garbage", "mock_garbage": rule});
        let mut operation = Operation::start(channel.clone(), rule, parameters).await.unwrap();
        let events = operation.all().await.unwrap();
        let harmless = *rule == "unknown-event";
        assert_eq!(breaks_a_rule(&events), !harmless, "{rule}");
    }
}

fn breaks_a_rule(events: &[Event]) -> bool {
    let in_order = events.iter().zip(1..).all(|(event, seq)| event.seq == seq);
    let terminal = |event: &Event| matches!(event.kind, Some(Kind::Completed(_) | Kind::Failed(_)));
    let ends_once = events.iter().position(terminal) == Some(events.len() - 1);
    let mut percent_max = 0.0;
    let mut good = |event: &Event| match &event.kind {
        Some(Kind::Progress(progress)) => {
            let percent = progress.percent.unwrap_or(percent_max);
            let rises = (percent_max..=100.0).contains(&percent);
            percent_max = percent;
            rises
        }
        Some(Kind::Artifact(_)) => false,
        Some(Kind::Property(property)) => {
            serde_json::from_str::<serde_json::Value>(&property.value_json).is_ok()
        }
        Some(Kind::State(state)) => (1..=3).contains(&state.state),
        _ => true,
    };
    !in_order || !ends_once || !events.iter().all(&mut good)
}
