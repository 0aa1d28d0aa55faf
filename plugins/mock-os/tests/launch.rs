//! The launch, as a factory sees it.

use super::support::{Operation, Process, executable};
use factory_plugin_sdk::proto::{DescribeRequest, plugin_client::PluginClient};
use factory_proto::goplugin::grpc_stdio_client::GrpcStdioClient;
use factory_proto::handshake::{self, HEALTH_SERVICE};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

#[tokio::test]
async fn the_handshake_is_the_first_line_and_its_socket_is_ours_alone() {
    let plugin = Process::start();
    let handshake = plugin.handshake();
    assert_eq!((handshake.app_version, handshake.certificate), (1, None));
    let handshake::Address::Unix(socket) = handshake.address else { panic!("no unix socket") };
    assert_eq!(socket.parent(), Some(plugin.directory.path()));
    assert_eq!(socket.metadata().unwrap().permissions().mode() & 0o077, 0);
}

#[tokio::test]
async fn the_services_of_the_wire_answer() {
    let plugin = Process::start();
    let channel = plugin.connect().await;
    let request = HealthCheckRequest { service: HEALTH_SERVICE.into() };
    let health = HealthClient::new(channel.clone()).check(request).await.unwrap().into_inner();
    assert_eq!(health.status(), ServingStatus::Serving);
    let described = PluginClient::new(channel.clone()).describe(DescribeRequest::default()).await;
    assert_eq!(described.unwrap().into_inner().name, "mock-os");
    let mut stdio = GrpcStdioClient::new(channel).stream_stdio(()).await.unwrap().into_inner();
    let silence = tokio::time::timeout(std::time::Duration::from_millis(50), stdio.message()).await;
    assert!(silence.is_err(), "the stream stays open and empty");
}

#[test]
fn a_factory_of_another_version_still_gets_our_handshake_and_reports_the_mismatch() {
    let plugin = Process::start_with(|command| {
        command.env(handshake::VERSIONS, "7,8");
    });
    assert_eq!(plugin.handshake().app_version, 1);
}

#[test]
fn without_a_directory_the_socket_is_where_nobody_else_can_enter() {
    let plugin = Process::start_with(|command| {
        command.env_remove(handshake::SOCKET_DIR);
    });
    let directory = plugin.socket().parent().unwrap().to_owned();
    assert_eq!(directory.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    plugin.signal(rustix::process::Signal::TERM);
    let mut plugin = plugin;
    plugin.wait();
    assert!(!directory.exists());
}

#[test]
fn a_person_gets_a_sentence_and_help() {
    let run = |arguments: &[&str]| Command::new(executable()).args(arguments).output().unwrap();
    let alone = run(&[]);
    assert_eq!(alone.status.code(), Some(1));
    let sentence = String::from_utf8(alone.stderr).unwrap();
    assert!(
        sentence.contains("mock-os is a plugin") && sentence.lines().count() == 1,
        "{sentence}"
    );
    assert!(alone.stdout.is_empty());
    assert!(String::from_utf8(run(&["--help"]).stdout).unwrap().contains("describe"));
    let version = String::from_utf8(run(&["--version"]).stdout).unwrap();
    assert_eq!(version.trim(), concat!("mock-os ", env!("CARGO_PKG_VERSION")));
    assert_eq!(run(&["sing"]).status.code(), Some(2));
}

#[tokio::test]
async fn a_panic_is_a_line_that_hosts_know_and_the_plugin_lives_on() {
    let plugin = Process::start();
    let channel = plugin.connect().await;
    let panicking = Operation::misbehaving(channel.clone(), "one", "panic").await;
    let line = plugin.stderr_line(|line| line.starts_with("panic: "));
    assert!(line.contains("the mock was asked to panic") && line.contains(".rs:"), "{line}");
    drop(panicking);
    let mut next =
        Operation::start(channel, "two", Value::Object(Default::default())).await.unwrap();
    assert!(!next.all().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_operation_that_blocks_its_thread_delays_no_other_and_no_answer() {
    let plugin = Process::start();
    let channel = plugin.connect().await;
    let mut blocked = Vec::new();
    for number in 0..3 {
        let id = format!("blocked-{number}");
        blocked.push(Operation::misbehaving(channel.clone(), &id, "block").await);
    }
    let described = PluginClient::new(channel).describe(DescribeRequest::default()).await;
    assert!(described.is_ok());
}
