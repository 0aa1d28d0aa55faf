//! Every way in which a plugin's process ends.

use super::support::{Operation, Process, is_alive, wait_until_gone};
use factory_plugin_sdk::proto::event::Kind;
use factory_proto::goplugin::grpc_controller_client::GrpcControllerClient;
use factory_proto::goplugin::grpc_stdio_client::GrpcStdioClient;
use rustix::process::Signal;
use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

/// The factory expects all to be over within 2 seconds; a loaded machine is slower.
const PROMPT: Duration = Duration::from_secs(4);
const BOOTSTRAP: &str = r#"{"schema_version":1,"instance_id":"i","runtime_dir":"/","log_level":"debug","host_capabilities":[]}"#;

#[tokio::test]
async fn shutdown_ends_an_idle_plugin_at_once_and_removes_its_socket() {
    let mut plugin = Process::start();
    let channel = plugin.connect().await;
    let mut stdio =
        GrpcStdioClient::new(channel.clone()).stream_stdio(()).await.unwrap().into_inner();
    let _ = GrpcControllerClient::new(channel).shutdown(()).await;
    let (status, took) = plugin.wait();
    assert!(status.success());
    assert!(took < Duration::from_secs(1), "took {took:?}");
    assert!(matches!(stdio.message().await, Ok(None)), "the open stream was ended in order");
    assert_eq!(std::fs::read_dir(plugin.directory.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn sigterm_cancels_what_runs_and_the_reader_hears_of_it() {
    let mut plugin = Process::start();
    let mut operation = Operation::misbehaving(plugin.connect().await, "op", "hang").await;
    operation.until(|kind| matches!(kind, Kind::Log(_))).await;
    plugin.signal(Signal::TERM);
    operation.until(|kind| matches!(kind, Kind::Cancelled(_))).await;
    let (status, took) = plugin.wait();
    assert!(status.success() && took < PROMPT, "{status} {took:?}");
}

#[test]
fn an_interrupt_from_the_terminal_is_for_the_factory() {
    let mut plugin = Process::start();
    plugin.handshake();
    plugin.signal(Signal::INT);
    plugin.signal(Signal::TERM);
    assert!(plugin.wait().0.success(), "it was the second signal that ended it, in order");
}

#[tokio::test]
async fn a_plugin_whose_factory_is_gone_ends_with_all_of_its_processes() {
    let mut plugin = Process::start();
    writeln!(plugin.stdin.as_mut().unwrap(), "{BOOTSTRAP}").unwrap();
    let mut operation = Operation::misbehaving(plugin.connect().await, "op", "fork-tool").await;
    let escaped = operation.escaped_pid().await;
    drop(plugin.stdin.take());
    let (status, took) = plugin.wait();
    assert!(status.success() && took < PROMPT, "{status} {took:?}");
    assert!(wait_until_gone(escaped) < PROMPT);
}

#[tokio::test]
async fn a_blocked_operation_does_not_keep_the_process_alive() {
    let mut plugin = Process::start();
    let mut operation = Operation::misbehaving(plugin.connect().await, "op", "block").await;
    operation.until(|kind| matches!(kind, Kind::Log(_))).await;
    plugin.signal(Signal::TERM);
    let (_, took) = plugin.wait();
    assert!(took < PROMPT, "{took:?}");
}

#[tokio::test]
async fn a_reader_that_stopped_reading_does_not_hold_up_the_end() {
    let mut plugin = Process::start();
    let mut operation = Operation::misbehaving(plugin.connect().await, "op", "flood").await;
    operation.until(|kind| matches!(kind, Kind::Log(_))).await;
    plugin.signal(Signal::TERM);
    let (status, took) = plugin.wait();
    assert!(status.success() && took < PROMPT, "{status} {took:?}");
}

#[tokio::test]
async fn a_plugin_without_a_usable_standard_input_lives() {
    let plugin = Process::start_with(|command| {
        command.stdin(Stdio::null());
    });
    let channel = plugin.connect().await;
    let mut operation = Operation::misbehaving(channel.clone(), "one", "panic").await;
    operation.until(|kind| matches!(kind, Kind::Failed(_))).await;
    assert!(is_alive(plugin.child.id()));
}

#[tokio::test]
async fn a_log_level_in_the_bootstrap_document_is_obeyed() {
    let mut plugin = Process::start();
    writeln!(plugin.stdin.as_mut().unwrap(), "{BOOTSTRAP}").unwrap();
    plugin.handshake();
    drop(plugin.stdin.take());
    let line = plugin.stderr_line(|line| line.contains("\"ending\""));
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&line["@level"], &line["end"]), (&"debug".into(), &"HostGone".into()));
}
