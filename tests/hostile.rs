//! Plugins that misbehave: each ends in the right status, with its cause in the message, within its deadline, and the
//! next build on the same plugin works.

use crate::support::binaries::{binary, repository};
use crate::support::client::{Client, assert_complete, assert_failed, drain, log_lines};
use crate::support::factory::{Daemon, Sandbox};
use crate::support::tdl::Tdl;
use factory_proto::factory_v1::{Image, event::Kind};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use tokio::time::timeout;

/// How long an operation that can be judged at once may take to end.
const DEADLINE: Duration = Duration::from_secs(30);
/// How long a plugin may take that is deaf to a cancellation: the factory's grace, and the end of its process.
const CANCEL_DEADLINE: Duration = Duration::from_secs(30);
/// How long a start that never succeeds may take to be given up.
const START_DEADLINE: Duration = Duration::from_secs(120);
/// How long an orphan may live.
const ORPHAN_DEADLINE: Duration = Duration::from_secs(2);
/// How many events the mock plugin floods with.
const FLOOD: usize = 100_000;
/// How long storing and reading a flood may take, on a busy machine.
const FLOOD_DEADLINE: Duration = Duration::from_secs(120);

/// Parameters that make an operation fail, and what its error must say.
fn failures() -> Vec<(Value, &'static [&'static str])> {
    let garbage = |rule| json!({"mock_misbehave": "garbage", "mock_garbage": rule});
    vec![
        (json!({"mock_misbehave": "crash"}), &["PLUGIN_CRASHED", "SIGABRT", "asked to crash"]),
        (json!({"mock_misbehave": "exit"}), &["PLUGIN_CRASHED", "7"]),
        (json!({"mock_misbehave": "kill"}), &["PLUGIN_CRASHED", "SIGKILL"]),
        (json!({"mock_misbehave": "panic"}), &["panic"]),
        (
            json!({"mock_misbehave": "fail", "mock_reason": "WEATHER"}),
            &["WEATHER", "asked to fail"],
        ),
        (json!({"mock_misbehave": "huge-message"}), &["mock-os", "message"]),
        (json!({"mock_misbehave": "no-terminal"}), &["PROTOCOL_VIOLATION"]),
        (json!({"mock_misbehave": "refuse"}), &["asked to refuse"]),
        (garbage("artifact-outside"), &["PROTOCOL_VIOLATION", "../../../etc/passwd"]),
        (garbage("artifact-absolute"), &["PROTOCOL_VIOLATION", "/etc/passwd"]),
        (garbage("artifact-missing"), &["not-there"]),
        (garbage("seq-gap"), &["PROTOCOL_VIOLATION", "5"]),
        (garbage("bad-property"), &["PROTOCOL_VIOLATION", "JSON"]),
    ]
}

async fn build(client: &mut Client, parameters: &Value, deadline: Duration) -> Image {
    let image = client.create_base(&Tdl::mock("hostile"), parameters).await.unwrap();
    let ended = timeout(deadline, client.ended(&image.id)).await;
    ended.unwrap_or_else(|_| panic!("{parameters} did not end in {deadline:?}"))
}

/// Starts a build and waits until its plugin works on it.
async fn begin(client: &mut Client, parameters: &Value) -> Image {
    let image = client.create_base(&Tdl::mock("hostile"), parameters).await.unwrap();
    let mut events = client.follow(&image.id, 0).await;
    while let Some(event) = timeout(DEADLINE, events.message()).await.unwrap().unwrap() {
        if matches!(&event.kind, Some(Kind::Status(change)) if change.to().as_str_name().ends_with("BUILDING"))
        {
            return image;
        }
    }
    panic!("{parameters}: the build ended before it began");
}

async fn assert_works(client: &mut Client, after: &Value) {
    let image = build(client, &json!({}), DEADLINE).await;
    assert_eq!(image.error, None, "the build after {after}");
    assert_complete(&image);
}

/// Asks for an image whose plugin does not start.
async fn assert_is_refused(client: &mut Client, deadline: Duration, words: &[&str]) {
    let (template, parameters) = (Tdl::mock("hostile"), json!({}));
    let answer = timeout(deadline, client.create_base(&template, &parameters)).await.unwrap();
    let status = answer.expect_err("a plugin that does not start can't build");
    let details = String::from_utf8_lossy(status.details());
    for word in words {
        assert!(status.message().contains(word) || details.contains(word), "no {word:?}: {status}");
    }
}

fn stop(sandbox: &Sandbox, daemon: Daemon) {
    let ended = daemon.stop();
    assert!(ended.status.success(), "{}", ended.stderr);
    assert_eq!(sandbox.left_behind(&ended), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_that_goes_wrong_fails_with_its_cause_and_the_next_one_works() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.daemon();
    let mut client = daemon.connect().await;
    for (parameters, words) in failures() {
        let image = build(&mut client, &parameters, DEADLINE).await;
        assert_failed(&image, words);
        assert_works(&mut client, &parameters).await;
    }
    stop(&sandbox, daemon);
}

#[tokio::test(flavor = "multi_thread")]
async fn noise_that_breaks_no_rule_does_no_harm() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.daemon();
    let mut client = daemon.connect().await;
    for parameters in [
        json!({"mock_misbehave": "stderr-flood"}),
        json!({"mock_misbehave": "garbage", "mock_garbage": "unknown-event"}),
        json!({"mock_misbehave": "garbage", "mock_garbage": "percent-range"}),
        json!({"mock_misbehave": "garbage", "mock_garbage": "falling-percent"}),
    ] {
        assert_complete(&build(&mut client, &parameters, DEADLINE).await);
    }
    stop(&sandbox, daemon);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_tiny_events_reaches_a_stalled_reader_whole() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.daemon();
    let mut client = daemon.connect().await;
    for way in ["flood", "flood-unbatched"] {
        let parameters = json!({"mock_misbehave": way});
        let image = client.create_base(&Tdl::mock("flood"), &parameters).await.unwrap();
        // A reader that connects at the start, and reads nothing before the build has ended.
        let stalled = client.follow(&image.id, 0).await;
        assert_complete(&timeout(FLOOD_DEADLINE, client.ended(&image.id)).await.unwrap());
        let events = timeout(FLOOD_DEADLINE, drain(stalled)).await.unwrap();
        let lines = log_lines(&events).into_iter().filter_map(|line| line.parse::<usize>().ok());
        let first = usize::from(way == "flood-unbatched");
        assert!(lines.eq(first..first + FLOOD), "{way}: lines are missing or out of order");
        assert_works(&mut client, &parameters).await;
    }
    stop(&sandbox, daemon);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_never_ends_can_be_cancelled_whether_or_not_its_plugin_listens() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.daemon();
    let mut client = daemon.connect().await;
    for misbehaviour in ["hang", "block", "silent", "ignore-cancel"] {
        let parameters = json!({"mock_misbehave": misbehaviour});
        let image = begin(&mut client, &parameters).await;
        client.cancel(&image.id).await.unwrap();
        client.cancel(&image.id).await.unwrap();
        let ended = timeout(CANCEL_DEADLINE, client.ended(&image.id)).await;
        assert_failed(&ended.expect(misbehaviour), &["CANCELLED"]);
        assert_works(&mut client, &parameters).await;
    }
    stop(&sandbox, daemon);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_does_not_start_is_the_answer_to_a_build_and_is_started_again_for_the_next() {
    for (mode, words) in [
        ("exit-early once", &["PLUGIN_START_FAILED", "3", "the licence has expired"][..]),
        ("wrong-version once", &["PLUGIN_START_FAILED", "99"]),
    ] {
        let plugins = misbehaving_at_start(mode);
        let sandbox = Sandbox::new().with_plugins(plugins.path());
        let daemon = daemon_of(&sandbox, plugins.path());
        let mut client = daemon.connect().await;
        assert_is_refused(&mut client, DEADLINE, words).await;
        assert_works(&mut client, &json!(mode)).await;
        stop(&sandbox, daemon);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_starts_slowly_or_noisily_works() {
    for mode in ["slow-start 3", "noise"] {
        let plugins = misbehaving_at_start(mode);
        let sandbox = Sandbox::new().with_plugins(plugins.path());
        let daemon = daemon_of(&sandbox, plugins.path());
        assert_works(&mut daemon.connect().await, &json!(mode)).await;
        stop(&sandbox, daemon);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_never_says_where_it_is_or_never_answers_there_is_given_up() {
    let give_up = async |mode| {
        let plugins = misbehaving_at_start(mode);
        let sandbox = Sandbox::new().with_plugins(plugins.path());
        let daemon = daemon_of(&sandbox, plugins.path());
        let mut client = daemon.connect().await;
        assert_is_refused(&mut client, START_DEADLINE, &["PLUGIN_START_FAILED"]).await;
        assert_works(&mut client, &json!(mode)).await;
        stop(&sandbox, daemon);
    };
    tokio::join!(
        give_up("no-handshake once"),
        give_up("garbage-handshake once"),
        give_up("deaf once")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_does_not_want_to_end_is_ended() {
    let plugins = misbehaving_at_start("stubborn");
    let sandbox = Sandbox::new().with_plugins(plugins.path());
    let daemon = daemon_of(&sandbox, plugins.path());
    assert_works(&mut daemon.connect().await, &json!("stubborn")).await;
    let ended = daemon.stop();
    assert!(!ended.status.success(), "the drain was not clean");
    assert!(ended.stderr.contains("mock-os"), "the error names who was late: {}", ended.stderr);
    assert_eq!(sandbox.left_behind(&ended), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_a_tool_of_a_plugin_let_loose_ends_with_the_build() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.daemon();
    let mut client = daemon.connect().await;
    let (image, escaped) = begin_with_escaped_process(&mut client).await;
    assert!(is_alive(&daemon, &escaped));
    client.cancel(&image.id).await.unwrap();
    let ended = timeout(CANCEL_DEADLINE, client.ended(&image.id)).await.unwrap();
    assert_failed(&ended, &["CANCELLED"]);
    assert!(!is_alive(&daemon, &escaped));
    stop(&sandbox, daemon);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_a_tool_of_a_plugin_let_loose_does_not_outlive_a_killed_daemon() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.daemon();
    let (_, escaped) = begin_with_escaped_process(&mut daemon.connect().await).await;
    assert!(is_alive(&daemon, &escaped));
    assert_eq!(daemon.kill().survivors(ORPHAN_DEADLINE), Vec::<String>::new());
}

/// Starts a daemon whose plugin may remove the file beside it that says how it starts.
fn daemon_of(sandbox: &Sandbox, plugins: &Path) -> Daemon {
    sandbox.daemon_with(&["--sandbox-allow", &format!("mock-os={}", plugins.display())])
}

/// Starts a build whose tool forks twice into a session of its own, and returns that process's number.
async fn begin_with_escaped_process(client: &mut Client) -> (Image, String) {
    let image = begin(client, &json!({"mock_misbehave": "fork-tool"})).await;
    let mut events = client.follow(&image.id, 0).await;
    loop {
        let event = timeout(DEADLINE, events.message()).await.unwrap().unwrap();
        if let Some(Kind::Property(property)) = event.expect("a process gets loose").kind {
            return (image, property.value_json);
        }
    }
}

fn is_alive(daemon: &Daemon, pid: &str) -> bool {
    let members = daemon.brood().members();
    let mut outside = members.iter().filter_map(|member| member.split_whitespace().next());
    outside.any(|outside| inside(outside).as_deref() == Some(pid))
}

/// Returns the number that a process has in its own PID namespace.
fn inside(pid: &str) -> Option<String> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"))?;
    numbers.split_whitespace().last().map(str::to_owned)
}

/// Makes a directory of plugins with the mock plugin of that mode.
fn misbehaving_at_start(mode: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("factory-plugin-mock-os");
    std::fs::copy(
        repository("plugins/mock-os/mock-os.info"),
        directory.path().join("mock-os.info"),
    )
    .unwrap();
    std::fs::copy(binary("factory-plugin-mock-os"), &program).unwrap();
    std::fs::write(program.with_extension("misbehave"), mode).unwrap();
    directory
}
