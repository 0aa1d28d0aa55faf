//! What every SDK does for its plugins: events in batches, none lost to a host that lags, and memory that has a bound.

use crate::programs::{GO_FLOOD, program};
use crate::support::{PATIENCE, Recorder, Sandbox, build, eventually, os, status};
use serde_json::json;
use std::path::Path;

/// More than the host takes in, and than a plugin may keep.
const EVENTS: usize = 500_000;
/// What a plugin keeps before it waits, at least.
const FULL_KIB: usize = 32 * 1024;
/// What a plugin may take in memory that has said so much to a host that does not listen.
const PEAK_KIB_MAX: usize = 128 * 1024;

/// Floods a sink that takes nothing until the plugin has no room left. `parameter` says how many lines the plugin writes.
async fn flood(executable: &Path, target: &str, parameter: &str) {
    let sandbox = Sandbox::new();
    sandbox.os_plugin(target, executable);
    let host = sandbox.host();
    os(&host, target).describe().await.unwrap();
    let pid = status(&host, target).pid.unwrap();
    let recorder = Recorder::new();
    recorder.stall(true);
    let operation = sandbox.operation(json!({parameter: EVENTS}), &recorder);
    let wake = async {
        let mut memory = Memory { pid, peak_kib: 0, unchanged: 0 };
        eventually("the plugin to wait for room", PATIENCE, || memory.has_settled()).await;
        assert!(recorder.events().is_empty());
        recorder.stall(false);
    };
    let (built, ()) = tokio::join!(build(&host, target, &operation), wake);
    built.unwrap();
    assert_eq!(status(&host, target).pid, Some(pid), "it is the process that it was");
    let numbers: Vec<u64> = recorder.events().iter().map(|event| event.seq).collect();
    assert!(numbers.is_sorted_by(|one, two| one < two));
    let lines = recorder.log_lines();
    let is_numbered = |line: &&String| line.rsplit(' ').next().unwrap().parse::<usize>().is_ok();
    assert_eq!(lines.iter().filter(is_numbered).count(), EVENTS);
    let peak = peak_kib(pid);
    assert!(peak < PEAK_KIB_MAX, "{target} took {peak} KiB");
}

/// What a plugin keeps for a host that does not listen.
struct Memory {
    pid: u32,
    peak_kib: usize,
    unchanged: u32,
}

impl Memory {
    /// Tells whether it has filled up and grows no longer. To be asked often.
    fn has_settled(&mut self) -> bool {
        let peak = peak_kib(self.pid);
        self.unchanged = if peak == self.peak_kib { self.unchanged + 1 } else { 0 };
        self.peak_kib = peak;
        FULL_KIB < peak && 50 < self.unchanged
    }
}

/// Answers the most memory that a process has taken.
fn peak_kib(pid: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test]
async fn a_plugin_in_rust_loses_nothing_to_a_host_that_lags_and_has_a_bound() {
    flood(&program("factory-plugin-mock-os"), "mock-os", "mock_events").await;
}

#[tokio::test]
async fn a_plugin_in_go_loses_nothing_to_a_host_that_lags_and_has_a_bound() {
    flood(&GO_FLOOD, "flood", "flood").await;
}
