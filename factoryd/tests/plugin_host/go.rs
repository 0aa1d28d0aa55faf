//! A plugin in Go, with HashiCorp's own library: `tests/fixtures/go-plugin`.

use crate::programs::GO_PLUGIN;
use crate::support::{
    Activity, PATIENCE, Recorder, Sandbox, build, eventually, failure, is_alive, kill_process, os,
    status,
};
use factoryd::delegate::{Error, Operation};
use factoryd::domain::{Failure, Fault};
use factoryd::plugin::{Host, Options, State};
use rustix::process::Signal;
use serde_json::json;
use std::time::Duration;

const GRACE: Duration = Duration::from_secs(10);

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let info = json!({"type": "os", "targets": [["GoOS", null, null]], "executable": *GO_PLUGIN});
    sandbox.info("goos", &info.to_string());
    sandbox
}

fn host(sandbox: &Sandbox, change: impl FnOnce(&mut Options)) -> Host {
    let mut options = sandbox.options();
    let farewell = sandbox.path("farewell").into();
    options.environment.push(("GO_PLUGIN_FAREWELL".into(), farewell));
    change(&mut options);
    Host::new(options).unwrap()
}

async fn build_and_stop(auto_mtls: bool) {
    let sandbox = sandbox();
    let host = host(&sandbox, |options| options.auto_mtls = auto_mtls);
    let recorder = Recorder::new();
    let operation = sandbox.operation(json!({}), &recorder);
    build(&host, "GoOS", &operation).await.unwrap();

    let expected: Vec<f64> = (0..=10).map(|step| f64::from(step * 10)).collect();
    assert_eq!(recorder.percents(), expected);
    assert_eq!(recorder.artifacts(), [("disk".to_owned(), "disk.raw".to_owned())]);
    let disk = std::fs::read_to_string(operation.work_dir.join("disk.raw")).unwrap();
    assert_eq!(disk, "<template/>");

    let pid = status(&host, "goos").pid.unwrap();
    host.stop(GRACE).await.unwrap();
    assert!(!is_alive(pid));
    let farewell = std::fs::read_to_string(sandbox.path("farewell")).unwrap();
    assert_eq!(farewell, "stopped\n", "it ended by itself, after Shutdown");
    drop(host);
    assert!(sandbox.runtime_leftovers().is_empty());
}

#[tokio::test]
async fn it_builds_and_stops_by_itself_over_mutual_tls() {
    build_and_stop(true).await;
}

#[tokio::test]
async fn it_builds_and_stops_by_itself_without_tls() {
    build_and_stop(false).await;
}

#[tokio::test]
async fn it_is_one_process_for_many_operations_and_describes_itself() {
    let sandbox = sandbox();
    let host = host(&sandbox, |_| {});
    assert_eq!(status(&host, "goos").state, State::Idle);
    let goos = os(&host, "GoOS");
    let (one, two) = tokio::join!(goos.describe(), host.describe("goos"));
    assert_eq!(one.unwrap(), two.unwrap());
    let first = status(&host, "goos");
    assert_eq!(first.state, State::Running);
    let description = goos.describe().await.unwrap();
    assert_eq!(description.version, "1.2.3");
    assert_eq!(description.schemas.sensitive_parameters(), ["token"]);

    let recorders = [Recorder::new(), Recorder::new()];
    let operations = recorders.each_ref().map(|it| sandbox.operation(json!({}), it));
    let (one, two) =
        tokio::join!(build(&host, "GoOS", &operations[0]), build(&host, "GoOS", &operations[1]));
    one.unwrap();
    two.unwrap();
    assert_eq!(status(&host, "goos").pid, first.pid);
}

/// Runs a flood of tiny events, each a message of its own, against a sink that takes none until all are on their way.
async fn flood(auto_mtls: bool) {
    const EVENTS: usize = 100_000;
    let sandbox = sandbox();
    let host = host(&sandbox, |options| options.auto_mtls = auto_mtls);
    let recorder = Recorder::new();
    recorder.stall(true);
    let operation = sandbox.operation(json!({"flood": EVENTS}), &recorder);
    let disk = operation.work_dir.join("disk.raw");
    let building = build(&host, "GoOS", &operation);
    let wake = async {
        // The file is there when all of the flood was taken from the plugin.
        eventually("the end of the flood", PATIENCE, || disk.exists()).await;
        assert!(recorder.events().is_empty());
        recorder.stall(false);
    };
    let (built, ()) = tokio::join!(building, wake);
    built.unwrap();
    let lines = recorder.log_lines();
    assert_eq!(lines.len(), EVENTS);
    for (number, line) in lines.iter().enumerate() {
        assert_eq!(*line, format!("event {number}"));
    }
    host.stop(GRACE).await.unwrap();
}

#[tokio::test]
async fn a_flood_of_tiny_events_against_a_stalled_sink_loses_none_over_tls() {
    flood(true).await;
}

#[tokio::test]
async fn a_flood_of_tiny_events_against_a_stalled_sink_loses_none_without_tls() {
    flood(false).await;
}

#[tokio::test]
async fn a_flood_that_no_buffer_holds_waits_in_the_plugin_and_loses_none() {
    const EVENTS: usize = 300_000;
    let sandbox = sandbox();
    let host = host(&sandbox, |_| {});
    let recorder = Recorder::new();
    recorder.stall(true);
    let operation = sandbox.operation(json!({"flood": EVENTS}), &recorder);
    let building = build(&host, "GoOS", &operation);
    let wake = async {
        eventually("the plugin to start", PATIENCE, || status(&host, "goos").pid.is_some()).await;
        // HTTP/2 holds it up: it wants to send, and burns no time.
        let mut activity = Activity::of(status(&host, "goos").pid.unwrap());
        eventually("the plugin to be held up", PATIENCE, || activity.has_paused()).await;
        assert!(!operation.work_dir.join("disk.raw").exists());
        recorder.stall(false);
    };
    let (built, ()) = tokio::join!(building, wake);
    built.unwrap();
    assert_eq!(recorder.log_lines().len(), EVENTS);
    assert_eq!(recorder.log_lines().last().unwrap(), &format!("event {}", EVENTS - 1));
}

#[tokio::test]
async fn what_it_prints_is_read_for_ever() {
    let sandbox = sandbox();
    let host = host(&sandbox, |_| {});
    let operation = sandbox.operation(json!({"print": 50_000}), &Recorder::new());
    // Were its standard streams not read, it would block in the first kilobytes.
    tokio::time::timeout(PATIENCE, build(&host, "GoOS", &operation)).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_cancelled_operation_says_what_it_left() {
    let sandbox = sandbox();
    let host = host(&sandbox, |_| {});
    let recorder = Recorder::new();
    let operation = sandbox.operation(json!({"hold": true}), &recorder);
    let cancel = async {
        recorder.has(1).await;
        operation.cancellation.cancel();
    };
    let (outcome, ()) = tokio::join!(build(&host, "GoOS", &operation), cancel);
    let Err(Error::Cancelled { left_behind }) = outcome else { panic!("{outcome:?}") };
    assert_eq!(left_behind, ["a file in Go"]);
    assert_eq!(status(&host, "goos").state, State::Running, "the process is none the worse");
}

#[tokio::test]
async fn a_panic_is_reported_with_its_last_lines_and_the_next_build_works() {
    let sandbox = sandbox();
    let host = host(&sandbox, |_| {});
    let crashing = sandbox.operation(json!({"crash": true}), &Recorder::new());
    let failure = failure(build(&host, "GoOS", &crashing).await);
    assert_eq!(failure.reason, Failure::PLUGIN_CRASHED);
    assert_eq!(failure.message, "plugin goos crashed: exit status 2");
    assert!(failure.detail.contains("panic: the fixture was asked to crash"), "{}", failure.detail);
    assert_eq!(failure.fault, Fault::Plugin);
    let operation = sandbox.operation(json!({}), &Recorder::new());
    build(&host, "GoOS", &operation).await.unwrap();
}

#[tokio::test]
async fn a_method_it_does_not_have_is_told_from_a_failure() {
    let sandbox = sandbox();
    let host = host(&sandbox, |_| {});
    let operation: Operation = sandbox.operation(json!({}), &Recorder::new());
    let base = crate::support::input_image();
    let content = factoryd::domain::CloudContent::default();
    let outcome = os(&host, "GoOS")
        .create_target_image(&operation, "kvm", &base, &base.template, &content)
        .await;
    assert!(matches!(outcome, Err(Error::Unimplemented("CreateTargetImage"))), "{outcome:?}");
}

#[tokio::test]
async fn a_process_that_is_stopped_in_its_tracks_is_found_and_killed() {
    let sandbox = sandbox();
    let host = host(&sandbox, |options| {
        options.timing.quiet_max = Duration::from_millis(200);
        options.timing.call_timeout = Duration::from_millis(500);
    });
    let recorder = Recorder::new();
    let operation = sandbox.operation(json!({"hold": true}), &recorder);
    let freeze = async {
        recorder.has(1).await;
        kill_process(status(&host, "goos").pid.unwrap(), Signal::STOP);
    };
    let (outcome, ()) = tokio::join!(build(&host, "GoOS", &operation), freeze);
    let failure = failure(outcome);
    assert_eq!(failure.reason, "PLUGIN_HUNG");
    assert!(failure.message.contains("no answer within 0.5 s"), "{failure}");
}

#[tokio::test]
async fn a_connection_that_breaks_is_made_again_and_the_operation_goes_on_where_it_was() {
    let sandbox = sandbox();
    let host = host(&sandbox, |options| {
        options.timing.exit_wait = Duration::from_millis(100);
    });
    let recorder = Recorder::new();
    let operation = sandbox.operation(json!({"drop": true}), &recorder);
    build(&host, "GoOS", &operation).await.unwrap();
    let numbers: Vec<u64> = recorder.events().iter().map(|event| event.seq).collect();
    let expected: Vec<u64> = (1..=numbers.len() as u64).collect();
    assert_eq!(numbers, expected);
    assert_eq!(recorder.percents().last(), Some(&100.0));
}

#[tokio::test]
async fn a_sink_that_refuses_cancels_the_operation_and_gives_the_reason() {
    let sandbox = sandbox();
    let host = host(&sandbox, |_| {});
    let recorder = Recorder::new();
    recorder.refuse(Failure::new(Fault::Host, "STORE_FULL", "no space left"));
    let operation = sandbox.operation(json!({"hold": true}), &recorder);
    let failure = failure(build(&host, "GoOS", &operation).await);
    assert_eq!(failure.reason, "STORE_FULL");
    assert_eq!(status(&host, "goos").state, State::Running);
}
