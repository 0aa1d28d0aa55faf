//! Programs that are no plugins: each ends in one clear failure, and leaves nothing behind.

use crate::programs::program;
use crate::support::{
    PATIENCE, Recorder, Sandbox, build, children_of, eventually, failure, is_alive,
    operating_system, status,
};
use factoryd::delegate::{Delegates, Error};
use factoryd::domain::{Failure, Fault};
use factoryd::plugin::{Host, Options, State};
use serde_json::json;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

fn fake(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plugin_host/fakes").join(name)
}

/// Registers a fake that behaves as its name says.
fn sandbox(mode: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.os_plugin(mode, Path::new("unused"));
    let link = sandbox.path("plugins").join(format!("factory-plugin-{mode}"));
    symlink(fake("fake.sh"), link).unwrap();
    sandbox
}

async fn refusal(sandbox: &Sandbox, mode: &str, change: impl FnOnce(&mut Options)) -> Failure {
    let mut options = sandbox.options();
    change(&mut options);
    let host = Host::new(options).unwrap();
    let failure = failure(host.describe(mode).await);
    assert_eq!(status(&host, mode).error, failure.message);
    host.stop(Duration::from_secs(5)).await.unwrap();
    drop(host);
    assert!(sandbox.runtime_leftovers().is_empty());
    failure
}

async fn refusal_of(mode: &str) -> Failure {
    refusal(&sandbox(mode), mode, |_| {}).await
}

#[tokio::test]
async fn one_that_exits_is_reported_with_its_status_and_last_lines() {
    let failure = refusal_of("exits").await;
    assert_eq!(
        failure.message,
        "plugin exits can't be started: it ended at its start: exit status 3"
    );
    assert_eq!(failure.detail, "cannot open the frobnicator");
    assert_eq!(failure.fault, Fault::Plugin);
}

#[tokio::test]
async fn one_that_is_killed_is_reported_with_the_signal() {
    let failure = refusal_of("killed").await;
    assert!(failure.message.ends_with("killed by signal 9 (SIGKILL)"), "{failure}");
}

#[tokio::test]
async fn one_that_says_nothing_is_given_up_after_the_timeout() {
    let change = |options: &mut Options| {
        options.timing.start_timeout = Duration::from_millis(200);
    };
    let failure = refusal(&sandbox("silent"), "silent", change).await;
    let expected = "no handshake came on its standard output within 0.2 s";
    assert!(failure.message.ends_with(expected), "{failure}");
    assert!(failure.hint.contains("start timeout"));
}

#[tokio::test]
async fn one_that_closes_its_output_and_lives_on_is_killed() {
    let failure = refusal_of("closes").await;
    assert!(
        failure.message.ends_with("its standard output ended before the handshake"),
        "{failure}"
    );
}

#[tokio::test]
async fn one_that_never_stops_printing_is_quoted() {
    let failure = refusal_of("noisy").await;
    assert!(failure.message.ends_with("no handshake, such as `still loading`"), "{failure}");
}

#[tokio::test]
async fn one_of_another_version_or_protocol_is_told_from_the_rest() {
    let failure = refusal_of("version").await;
    let expected = "the plugin speaks contract version `7`, but this factory speaks 1";
    assert!(failure.message.ends_with(expected), "{failure}");
    let failure = refusal_of("netrpc").await;
    assert!(failure.message.ends_with("protocol is `netrpc`, but must be `grpc`"), "{failure}");
}

#[tokio::test]
async fn one_without_a_certificate_is_refused_unless_tls_is_off() {
    let failure = refusal_of("plain").await;
    let expected = "it sent no certificate, though mutual TLS was asked for";
    assert!(failure.message.ends_with(expected), "{failure}");
    assert!(failure.hint.contains("auto_mtls off"), "{}", failure.hint);
    let failure = refusal(&sandbox("plain"), "plain", |options| options.auto_mtls = false).await;
    assert!(failure.message.contains("there is no connection to it"), "{failure}");
}

#[tokio::test]
async fn one_that_listens_on_another_machine_is_refused() {
    let sandbox = sandbox("elsewhere");
    let failure = refusal(&sandbox, "elsewhere", |options| options.auto_mtls = false).await;
    assert!(failure.message.contains("192.0.2.1:9 is not on this machine"), "{failure}");
}

#[tokio::test]
async fn the_children_of_one_that_ended_end_too() {
    // The plugin says the number that we know the child by, too.
    let change = |options: &mut Options| options.pid_namespace = false;
    let failure = refusal(&sandbox("brood"), "brood", change).await;
    assert!(failure.message.ends_with("exit status 4"), "{failure}");
    let child: u32 = failure.detail.trim().parse().unwrap();
    assert!(!is_alive(child));
}

#[tokio::test]
async fn files_that_can_not_be_executed_come_with_what_to_do() {
    for (file, hint) in [
        ("not-executable", "make it executable: chmod +x "),
        ("no-interpreter", "install the interpreter in its first line, /nonexistent/interpreter"),
    ] {
        let sandbox = Sandbox::new();
        sandbox.os_plugin("x", &fake(file));
        let failure = refusal(&sandbox, "x", |_| {}).await;
        assert!(failure.message.contains("can't be executed"), "{failure}");
        assert!(failure.hint.starts_with(hint), "{}", failure.hint);
        assert_eq!(failure.fault, Fault::Host);
    }
}

#[tokio::test]
async fn a_missing_executable_is_listed_and_the_build_says_where_it_was_looked_for() {
    let sandbox = Sandbox::new();
    sandbox.os_plugin("ghost", Path::new("bin/ghost"));
    let host = sandbox.host();
    let listed = status(&host, "ghost");
    assert_eq!((listed.state, listed.executable), (State::Invalid, None));
    let operation = sandbox.operation(json!({}), &Recorder::new());
    let failure = failure(build(&host, "ghost", &operation).await);
    for path in ["plugins/factory-plugin-ghost", "plugins/bin/ghost"] {
        assert!(failure.message.contains(path), "{failure}");
    }
    assert_eq!(failure.reason, "PLUGIN_MISSING");
}

#[tokio::test]
async fn unusable_info_files_and_conflicts_are_listed() {
    let sandbox = Sandbox::new();
    sandbox.info("broken", "{");
    sandbox.info("b", r#"{"type":"cloud","targets":[["kvm"]],"colour":"blue"}"#);
    sandbox.info("a", r#"{"type":"cloud","targets":[["kvm"],["xen"]]}"#);
    let host = sandbox.host();
    let names: Vec<String> = host.plugins().into_iter().map(|plugin| plugin.name).collect();
    assert_eq!(names, ["a", "b", "broken"]);
    let broken = status(&host, "broken");
    assert_eq!((broken.state, broken.kind.as_str()), (State::Invalid, ""));
    assert_eq!(broken.error, "its .info file can't be used: it is not a JSON object");
    let loser = status(&host, "b");
    assert_eq!(loser.conflicts, ["target kvm is served by plugin a, whose name sorts first"]);
    assert_eq!(loser.info["colour"], "blue");
    let unknown = host.cloud("vmware").err().unwrap().to_string();
    assert_eq!(unknown, "no plugin makes images for target vmware (known: kvm, xen)");
    let unknown = host.os(&operating_system("Plan9")).err().unwrap().to_string();
    assert_eq!(unknown, "no plugin installs Plan9 1 x86_64 (known: none)");
    assert!(matches!(host.describe("nosuch").await, Err(Error::Failed(_))));
}

#[tokio::test]
async fn the_environment_is_clean_and_the_bootstrap_is_on_standard_input() {
    let change = |options: &mut Options| {
        options.environment = vec![("COLOUR".into(), "blue".into())];
    };
    let failure = refusal(&sandbox("environment"), "environment", change).await;
    let lines: Vec<&str> = failure.detail.lines().collect();
    let value = |name: &str| lines.iter().find_map(|line| line.strip_prefix(name));
    assert_eq!(value("COLOUR="), Some("blue"));
    assert!(value("CARGO_MANIFEST_DIR=").is_none(), "ours stays here: {lines:#?}");
    let socket_dir = value("PLUGIN_UNIX_SOCKET_DIR=").unwrap();
    assert!(lines.contains(&socket_dir), "it is the working directory");
    let bootstrap: serde_json::Value = serde_json::from_str(lines.last().unwrap()).unwrap();
    assert_eq!(bootstrap["schema_version"], 1);
    assert_eq!(bootstrap["runtime_dir"], socket_dir);
}

#[tokio::test]
async fn the_second_start_is_immediate_and_later_ones_wait() {
    let sandbox = sandbox("exits");
    let host = sandbox.host();
    failure(host.describe("exits").await);
    assert_eq!(status(&host, "exits").state, State::Idle);
    failure(host.describe("exits").await);
    assert_eq!(status(&host, "exits").state, State::Backoff);
}

#[tokio::test]
async fn one_that_reads_nothing_ends_with_a_host_that_is_killed() {
    let sandbox = sandbox("silent");
    let mut host = Command::new(program("examples/plugin_host"))
        .arg(sandbox.path("run"))
        .arg(sandbox.path("plugins"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut plugin = None;
    eventually("the plugin to start", PATIENCE, || {
        plugin =
            children_of(host.id()).first().and_then(|&init| children_of(init).first().copied());
        plugin.is_some_and(|pid| name_of(pid) == "sleep")
    })
    .await;
    host.kill().unwrap();
    host.wait().unwrap();
    let pid = plugin.unwrap();
    eventually("the plugin to end", Duration::from_secs(2), || !is_alive(pid)).await;
}

fn name_of(pid: u32) -> String {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    name.trim().to_owned()
}

#[test]
fn a_missing_plugin_directory_is_an_error() {
    let sandbox = Sandbox::new();
    let options = Options::new(vec![sandbox.path("nosuch")], sandbox.path("run"));
    let error = Host::new(options).err().unwrap().to_string();
    assert!(error.ends_with("nosuch can't be read"), "{error}");
}
