//! What a plugin leaves and what it takes, in every way that it can be confined: with and without a PID namespace, with and
//! without control groups.

use crate::support::{
    Mock, PATIENCE, Recorder, build, children_of, eventually, failure, groups_of, is_alive,
    kill_process, outside_pid, status,
};
use factoryd::confine::{Controller, can_make_namespaces};
use factoryd::delegate::Error;
use factoryd::domain::{Failure, Fault};
use factoryd::plugin::{Host, Options};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::num::{NonZeroU32, NonZeroU64};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

const OS: &str = "MockOS_A";
/// How long what is killed may take to be gone.
const PROMPT: Duration = Duration::from_secs(2);

/// A way to confine plugins.
#[derive(Debug, Clone, Copy)]
struct Way {
    pid_namespace: bool,
    control_groups: bool,
}

impl Way {
    /// Answers all that this user can have.
    fn all() -> Vec<Self> {
        let namespaces = if can_make_namespaces() { &[true, false][..] } else { &[false] };
        let ways = namespaces.iter().flat_map(|&pid_namespace| {
            [true, false].map(|control_groups| Self { pid_namespace, control_groups })
        });
        ways.collect()
    }

    fn host(self, mock: &Mock) -> Host {
        mock.host_with(|options| {
            options.pid_namespace = self.pid_namespace;
            options.control_groups = self.control_groups;
        })
    }
}

async fn outcome(mock: &Mock, host: &Host, parameters: Value) -> Result<(), Error> {
    let operation = mock.operation(parameters, &Recorder::new());
    let build = tokio::time::timeout(PATIENCE, build(host, OS, &operation));
    build.await.expect("the build ends in time")
}

/// A process that a plugin let loose, and the control groups that it and the plugin are in.
struct Loose {
    plugin: u32,
    escaped: u32,
    groups: Vec<PathBuf>,
}

impl Loose {
    async fn start(mock: &Mock, host: &Host) -> Self {
        let recorder = Recorder::new();
        let operation = mock.operation(json!({"mock_misbehave": "fork"}), &recorder);
        build(host, OS, &operation).await.unwrap();
        let plugin = status(host, "mock-os").pid.unwrap();
        let inside = recorder.property("mock_escaped_pid").unwrap().parse().unwrap();
        let escaped = outside_pid(plugin, inside).expect("it is loose");
        let groups = groups_of(plugin);
        assert_eq!(groups_of(escaped), groups);
        Self { plugin, escaped, groups }
    }

    fn is_gone(&self) -> bool {
        ![self.plugin, self.escaped].into_iter().any(is_alive)
            && !self.groups.iter().any(|group| group.exists())
    }
}

#[tokio::test]
async fn what_cut_every_tie_ends_with_a_plugin_that_is_stopped() {
    for way in Way::all() {
        let mock = Mock::new("mock-os");
        let host = way.host(&mock);
        let loose = Loose::start(&mock, &host).await;
        // In a namespace there is nothing that a group is needed for but limits.
        let grouped = way.control_groups && !way.pid_namespace && host.support().group_kill;
        assert_eq!(!loose.groups.is_empty(), grouped, "{way:?}");
        host.stop(Duration::from_secs(10)).await.unwrap();
        assert!(loose.is_gone(), "{way:?}");
    }
}

#[tokio::test]
async fn what_cut_every_tie_ends_with_a_plugin_that_is_killed_and_with_a_host_that_is_dropped() {
    for way in Way::all() {
        let mock = Mock::new("mock-os");
        let host = way.host(&mock);
        let loose = Loose::start(&mock, &host).await;
        kill_process(loose.plugin, Signal::KILL);
        eventually("the loose process to end", PROMPT, || loose.is_gone()).await;
        let is_noticed = || status(&host, "mock-os").pid.is_none();
        eventually("the end to be noticed", PROMPT, is_noticed).await;
        let loose = Loose::start(&mock, &host).await;
        drop(host);
        eventually("the loose process to end", PROMPT, || loose.is_gone()).await;
    }
}

#[tokio::test]
async fn a_plugin_that_ignores_everything_is_killed_with_all_it_let_loose() {
    for way in Way::all() {
        let mock = Mock::new("mock-os");
        mock.starts("stubborn");
        let host = way.host(&mock);
        let loose = Loose::start(&mock, &host).await;
        let parameters = json!({"mock_misbehave": "ignore-cancel"});
        let mut operation = mock.operation(parameters, &Recorder::new());
        operation.cancel_grace = Duration::from_millis(500);
        // The plugin is told at once, perhaps before it knows the operation.
        let cancel = async { operation.cancellation.cancel() };
        let (outcome, ()) = tokio::join!(build(&host, OS, &operation), cancel);
        assert!(matches!(outcome, Err(Error::Cancelled { .. })), "{way:?}: {outcome:?}");
        assert!(loose.is_gone(), "{way:?}");
    }
}

#[tokio::test]
async fn how_a_plugin_ended_is_told_whoever_watches_over_it() {
    for way in Way::all() {
        let mock = Mock::new("mock-os");
        let host = way.host(&mock);
        for (how, exit) in [
            ("crash", "killed by signal 6 (SIGABRT)"),
            ("exit", "exit status 7"),
            ("kill", "killed by signal 9 (SIGKILL)"),
        ] {
            let failure = failure(outcome(&mock, &host, json!({"mock_misbehave": how})).await);
            assert_eq!(failure.reason, Failure::PLUGIN_CRASHED);
            assert_eq!(failure.message, format!("plugin mock-os crashed: {exit}"), "{way:?}");
            outcome(&mock, &host, json!({})).await.unwrap();
        }
    }
}

/// Answers a host whose plugins have little, unless this machine can't limit that, which it must say.
fn limited(mock: &Mock, controller: Controller, change: fn(&mut Options)) -> Option<Host> {
    let host = mock.host_with(change);
    let support = host.support();
    let unlimited = support.missing.iter().any(|missing| {
        missing.starts_with("no limits of ") && missing.contains(&controller.to_string())
    });
    assert_eq!(support.limits.contains(&controller), !unlimited);
    support.limits.contains(&controller).then_some(host)
}

#[tokio::test]
async fn a_plugin_that_eats_all_memory_is_stopped_and_that_is_no_crash() {
    let mock = Mock::new("mock-os");
    let Some(host) = limited(&mock, Controller::Memory, |options| {
        options.limits.usual.memory_max = NonZeroU64::new(256 << 20);
    }) else {
        return;
    };
    let failed = failure(outcome(&mock, &host, json!({"mock_misbehave": "eat-memory"})).await);
    assert_eq!((failed.reason.as_str(), failed.fault), ("OUT_OF_MEMORY", Fault::Quota));
    let took = "plugin mock-os and its programs took more than their 256 MiB of memory";
    assert_eq!(failed.message, took);
    assert_eq!(failed.hint, "raise memory in [limits.mock-os], or build less at once");
    let crashed = "it crashed: killed by signal 9 (SIGKILL), for want of memory";
    assert_eq!(status(&host, "mock-os").error, crashed);
    outcome(&mock, &host, json!({})).await.unwrap();
    let failed = failure(outcome(&mock, &host, json!({"mock_misbehave": "kill"})).await);
    assert_eq!(failed.reason, Failure::PLUGIN_CRASHED, "a kill is not taken for want of memory");
}

#[tokio::test]
async fn a_plugin_that_forks_without_end_is_stopped_by_its_limit_and_leaves_nothing() {
    let mock = Mock::new("mock-os");
    let Some(host) = limited(&mock, Controller::Processes, |options| {
        options.limits.usual.processes_max = NonZeroU32::new(64);
    }) else {
        return;
    };
    let failed = failure(outcome(&mock, &host, json!({"mock_misbehave": "fork-many"})).await);
    assert_eq!((failed.reason.as_str(), failed.fault), ("TOO_MANY_PROCESSES", Fault::Quota));
    let reached = "plugin mock-os and its programs reached their limit of 64 processes";
    assert_eq!(failed.message, reached);
    assert!(failed.detail.starts_with("after "), "{}", failed.detail);
    let groups = groups_of(status(&host, "mock-os").pid.unwrap());
    host.stop(Duration::from_secs(10)).await.unwrap();
    assert!(!groups.is_empty() && !groups.iter().any(|group| group.exists()));
}

#[tokio::test]
async fn many_processes_without_a_namespace_or_a_group_are_all_ended() {
    let mock = Mock::new("mock-os");
    let way = Way { pid_namespace: false, control_groups: false };
    let host = way.host(&mock);
    let recorder = Recorder::new();
    let parameters = json!({"mock_misbehave": "fork-many", "mock_forks": 300});
    let operation = mock.operation(parameters, &recorder);
    failure(build(&host, OS, &operation).await);
    let plugin = status(&host, "mock-os").pid.unwrap();
    let children = children_of(plugin);
    assert_eq!(children.len(), 300);
    host.stop(Duration::from_secs(10)).await.unwrap();
    assert!(!children.into_iter().any(is_alive));
}

#[tokio::test]
async fn what_there_is_not_is_said_with_what_to_do() {
    let mock = Mock::new("mock-os");
    let support = Way { pid_namespace: false, control_groups: false }.host(&mock).support();
    assert!(!support.pid_namespace && !support.group_kill && support.limits.is_empty());
    for missing in ["no PID namespaces", "no control group", "no limits of memory"] {
        let line = support.missing.iter().find(|line| line.starts_with(missing));
        assert!(line.is_some_and(|line| line.contains("run ")), "{:#?}", support.missing);
    }
}

#[tokio::test]
async fn where_a_namespace_is_refused_plugins_run_without_and_that_is_said() {
    if !can_make_namespaces() {
        return;
    }
    let mock = Mock::new("mock-os");
    // A launcher that has lost the right half way.
    let launcher = mock.sandbox.path("launcher");
    let factoryd = env!("CARGO_BIN_EXE_factoryd");
    let script = format!("#!/bin/sh\nexec setpriv --bounding-set=-sys_admin {factoryd} \"$@\"\n");
    std::fs::write(&launcher, script).unwrap();
    std::fs::set_permissions(&launcher, std::fs::Permissions::from_mode(0o755)).unwrap();
    let host = mock.host_with(|options| options.launcher = launcher);
    assert!(host.support().pid_namespace);
    outcome(&mock, &host, json!({})).await.unwrap();
    assert!(!host.support().pid_namespace);
}
