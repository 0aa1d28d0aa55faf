//! The mock plugins on their worst behaviour: each ends in the right way, with its cause, and the next build works.

use crate::support::{
    Activity, Mock, PATIENCE, Recorder, build, eventually, failure, is_alive, kill_process,
    outside_pid, status,
};
use factoryd::delegate::Error;
use factoryd::domain::{Failure, Fault};
use factoryd::plugin::{Host, Late, State};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const OS: &str = "MockOS_A";

async fn outcome(mock: &Mock, host: &Host, parameters: Value) -> Result<(), Error> {
    let operation = mock.operation(parameters, &Recorder::new());
    let build = tokio::time::timeout(PATIENCE, build(host, OS, &operation));
    build.await.expect("the build ends in time")
}

async fn works(mock: &Mock, host: &Host) {
    outcome(mock, host, json!({})).await.unwrap();
}

#[tokio::test]
async fn a_process_that_ends_in_the_middle_is_reported_and_the_next_build_works_at_once() {
    let mock = Mock::new("mock-os");
    let host = mock.host();
    for (how, exit, last) in [
        ("crash", "killed by signal 6 (SIGABRT)", "panic"),
        ("exit", "exit status 7", ""),
        ("kill", "killed by signal 9 (SIGKILL)", ""),
    ] {
        let failure = failure(outcome(&mock, &host, json!({"mock_misbehave": how})).await);
        assert_eq!(failure.reason, Failure::PLUGIN_CRASHED);
        assert_eq!(failure.message, format!("plugin mock-os crashed: {exit}"));
        assert!(failure.detail.contains(last), "{how}: {}", failure.detail);
        assert_eq!(failure.fault, Fault::Plugin);
        works(&mock, &host).await;
    }
}

#[tokio::test]
async fn a_process_that_ends_takes_all_its_operations_along() {
    let mock = Mock::new("mock-os");
    let host = mock.host();
    let (waits, crashes) = tokio::join!(
        outcome(&mock, &host, json!({"mock_misbehave": "hang"})),
        outcome(&mock, &host, json!({"mock_misbehave": "kill", "mock_delay_ms": 200})),
    );
    assert_eq!(failure(waits).reason, Failure::PLUGIN_CRASHED);
    assert_eq!(failure(crashes).reason, Failure::PLUGIN_CRASHED);
    works(&mock, &host).await;
}

#[tokio::test]
async fn a_failure_is_the_plugins_own_words() {
    let mock = Mock::new("mock-os");
    let host = mock.host();
    let parameters = json!({
        "mock_misbehave": "fail", "mock_fault": "FAULT_QUOTA", "mock_reason": "DISK_FULL"
    });
    let failed = failure(outcome(&mock, &host, parameters).await);
    assert_eq!((failed.reason.as_str(), failed.fault), ("DISK_FULL", Fault::Quota));
    assert_eq!(failed.path, "parameters.mock_misbehave");

    let failed = failure(outcome(&mock, &host, json!({"mock_misbehave": "refuse"})).await);
    assert_eq!(failed.message, "plugin mock-os refused: Internal: the mock was asked to refuse");
    assert_eq!(failed.fault, Fault::Plugin);

    let failed = failure(outcome(&mock, &host, json!({"mock_misbehave": "panic"})).await);
    assert_eq!(failed.fault, Fault::Plugin);
    works(&mock, &host).await;
}

#[tokio::test]
async fn a_rule_that_is_broken_is_named() {
    let mock = Mock::new("mock-os");
    let host = mock.host();
    let outside = "the path of artifact disk is \"../../../etc/passwd\", but must be a file name";
    for (garbage, rule) in [
        ("artifact-outside", outside),
        ("artifact-absolute", "the path of artifact disk is \"/etc/passwd\""),
        ("two-terminals", "event 3 came after the operation's end"),
        ("after-terminal", "event 3 came after the operation's end"),
        ("seq-gap", "event 5 came after event 2: numbers must rise by 1"),
        ("seq-repeat", "event 1 came after event 1: numbers must rise by 1"),
        ("bad-property", "the value of property mock is not JSON"),
    ] {
        let parameters = json!({"mock_misbehave": "garbage", "mock_garbage": garbage});
        let failure = failure(outcome(&mock, &host, parameters).await);
        assert_eq!(failure.reason, "PROTOCOL_VIOLATION");
        assert!(failure.message.contains(rule), "{garbage}: {failure}");
    }
    for harmless in ["falling-percent", "percent-range", "unknown-state", "unknown-event"] {
        let parameters = json!({"mock_misbehave": "garbage", "mock_garbage": harmless});
        outcome(&mock, &host, parameters).await.unwrap();
    }
    works(&mock, &host).await;
}

#[tokio::test]
async fn a_message_that_is_too_large_and_a_stream_without_an_end_are_violations() {
    let mock = Mock::new("mock-os");
    let host = mock.host();
    for (how, rule) in [
        ("huge-message", "it sent a message of more than 64 MiB"),
        ("no-terminal", "the stream ended without a terminal event"),
    ] {
        let failure = failure(outcome(&mock, &host, json!({"mock_misbehave": how})).await);
        assert_eq!(failure.reason, "PROTOCOL_VIOLATION");
        assert!(failure.message.ends_with(rule), "{failure}");
        works(&mock, &host).await;
    }
}

#[tokio::test]
async fn a_flood_against_a_stalled_sink_loses_none() {
    const EVENTS: usize = 100_000;
    let mock = Mock::new("mock-os");
    let host = mock.host();
    for how in ["flood", "flood-unbatched"] {
        let recorder = Recorder::new();
        recorder.stall(true);
        let operation = mock.operation(json!({"mock_misbehave": how}), &recorder);
        host.describe("mock-os").await.unwrap();
        let mut activity = Activity::of(status(&host, "mock-os").pid.unwrap());
        let wake = async {
            eventually("the end of the flood", PATIENCE, || activity.has_paused()).await;
            recorder.stall(false);
        };
        let (built, ()) = tokio::join!(build(&host, OS, &operation), wake);
        built.unwrap();
        let lines = recorder.log_lines();
        let numbers = lines.iter().filter(|line| line.parse::<usize>().is_ok());
        assert_eq!(numbers.count(), EVENTS, "{how}");
    }
}

#[tokio::test]
async fn a_flood_on_standard_error_is_read() {
    let mock = Mock::new("mock-os");
    let host = mock.host();
    outcome(&mock, &host, json!({"mock_misbehave": "stderr-flood"})).await.unwrap();
}

#[tokio::test]
async fn an_operation_that_hangs_can_be_cancelled_and_the_process_goes_on() {
    let mock = Mock::new("mock-os");
    let host = mock.host();
    let recorder = Recorder::new();
    let operation = mock.operation(json!({"mock_misbehave": "hang"}), &recorder);
    let cancel = async {
        recorder.has(2).await;
        operation.cancellation.cancel();
    };
    let pid = host.describe("mock-os").await.map(|_| status(&host, "mock-os").pid).unwrap();
    let (outcome, ()) = tokio::join!(build(&host, OS, &operation), cancel);
    let Err(Error::Cancelled { left_behind }) = outcome else { panic!("{outcome:?}") };
    assert!(left_behind.is_empty());
    assert_eq!(status(&host, "mock-os").pid, pid);
    works(&mock, &host).await;
}

#[tokio::test]
async fn a_plugin_that_ignores_cancellation_is_killed_after_the_grace() {
    const GRACE: Duration = Duration::from_millis(500);
    let mock = Mock::new("mock-os");
    let host = mock.host();
    for how in ["ignore-cancel", "silent"] {
        host.describe("mock-os").await.unwrap();
        let pid = status(&host, "mock-os").pid.unwrap();
        let recorder = Recorder::new();
        let mut operation = mock.operation(json!({"mock_misbehave": how}), &recorder);
        operation.cancel_grace = GRACE;
        let begun = Instant::now();
        // The plugin is told at once, perhaps before it knows the operation.
        let cancel = async { operation.cancellation.cancel() };
        let (outcome, ()) = tokio::join!(build(&host, OS, &operation), cancel);
        let Err(Error::Cancelled { left_behind }) = outcome else { panic!("{how}: {outcome:?}") };
        assert!(left_behind[0].contains("ignored the cancellation and was killed"), "{how}");
        let expected = "plugin mock-os ignored the cancellation for 0.5 s and was killed";
        assert_eq!(recorder.log_lines().last().unwrap(), expected);
        assert!(GRACE <= begun.elapsed());
        assert!(!is_alive(pid));
        works(&mock, &host).await;
    }
}

#[tokio::test]
async fn an_operation_that_was_cancelled_before_its_start_is_not_started() {
    let mock = Mock::new("mock-os");
    let host = mock.host();
    let operation = mock.operation(json!({}), &Recorder::new());
    operation.cancellation.cancel();
    assert!(matches!(build(&host, OS, &operation).await, Err(Error::Cancelled { .. })));
    assert_eq!(status(&host, "mock-os").state, State::Idle);
}

#[tokio::test]
async fn what_a_tool_of_a_killed_plugin_left_ends_with_it() {
    let mock = Mock::new("mock-os");
    let host = mock.host();
    let recorder = Recorder::new();
    let operation = mock.operation(json!({"mock_misbehave": "fork-tool"}), &recorder);
    let kill = async {
        eventually("the escape", PATIENCE, || recorder.property("mock_escaped_pid").is_some())
            .await;
        let plugin = status(&host, "mock-os").pid.unwrap();
        let escaped = recorder.property("mock_escaped_pid").unwrap().parse().unwrap();
        let escaped = outside_pid(plugin, escaped).unwrap();
        kill_process(plugin, Signal::KILL);
        escaped
    };
    let (outcome, escaped) = tokio::join!(build(&host, OS, &operation), kill);
    assert_eq!(failure(outcome).reason, Failure::PLUGIN_CRASHED);
    eventually("it to end", Duration::from_secs(2), || !is_alive(escaped)).await;
}

#[tokio::test]
async fn an_operation_that_blocks_its_thread_is_ended_too() {
    let mock = Mock::new("mock-os");
    let host = mock.host();
    let recorder = Recorder::new();
    let mut operation = mock.operation(json!({"mock_misbehave": "block"}), &recorder);
    operation.cancel_grace = Duration::from_millis(500);
    let cancel = async {
        recorder.has(2).await;
        operation.cancellation.cancel();
    };
    let (outcome, ()) = tokio::join!(build(&host, OS, &operation), cancel);
    assert!(matches!(outcome, Err(Error::Cancelled { .. })), "{outcome:?}");
    works(&mock, &host).await;
}

#[tokio::test]
async fn a_silent_operation_in_a_healthy_process_goes_on() {
    let mock = Mock::new("mock-os");
    let host = mock.host_with(|options| options.timing.quiet_max = Duration::from_millis(100));
    let mut operation = mock.operation(json!({"mock_misbehave": "silent"}), &Recorder::new());
    operation.cancel_grace = Duration::ZERO;
    let building = build(&host, OS, &operation);
    // Ten times as long as it may be silent unasked.
    assert!(tokio::time::timeout(Duration::from_secs(1), building).await.is_err());
    assert_eq!(status(&host, "mock-os").state, State::Running);
}

#[tokio::test]
async fn starts_that_go_wrong_are_explained_and_the_next_start_works() {
    for (how, why) in [
        (
            "wrong-version once",
            "the plugin speaks contract version `99`, but this factory speaks 1",
        ),
        ("exit-early once", "it ended at its start: exit status 3"),
        ("garbage-handshake once", "network is `pipe`, but must be `unix` or `tcp`"),
        ("no-handshake once", "no handshake came on its standard output within 0.5 s"),
        ("deaf once", "it sent no certificate, though mutual TLS was asked for"),
    ] {
        let mock = Mock::new("mock-os");
        mock.starts(how);
        let host = mock.host_with(|options| {
            options.timing.start_timeout = Duration::from_millis(500);
        });
        let failure = failure(outcome(&mock, &host, json!({})).await);
        assert!(failure.message.ends_with(why), "{how}: {failure}");
        works(&mock, &mock.host()).await;
    }
}

#[tokio::test]
async fn a_start_that_is_only_slow_or_noisy_works() {
    for how in ["slow-start 0.3", "noise"] {
        let mock = Mock::new("mock-os");
        mock.starts(how);
        works(&mock, &mock.host()).await;
    }
}

#[tokio::test]
async fn a_socket_on_which_nobody_answers_is_given_up() {
    let mock = Mock::new("mock-os");
    mock.starts("deaf");
    let host = mock.host_with(|options| {
        options.auto_mtls = false;
        options.timing.call_timeout = Duration::from_millis(300);
    });
    let failure = failure(outcome(&mock, &host, json!({})).await);
    assert!(failure.message.contains("its health check failed"), "{failure}");
}

#[tokio::test]
async fn a_plugin_that_does_not_stop_is_killed_at_the_deadline_and_named() {
    let mock = Mock::new("mock-os");
    mock.starts("stubborn");
    let host = mock.host();
    works(&mock, &host).await;
    let pid = status(&host, "mock-os").pid.unwrap();
    let late = host.stop(Duration::from_secs(1)).await.unwrap_err();
    assert_eq!(late, Late(vec!["mock-os".to_owned()]));
    assert!(!is_alive(pid));
}
