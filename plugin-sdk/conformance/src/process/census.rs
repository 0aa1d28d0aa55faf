//! The processes of a plugin, wherever they went: they carry a mark in their environment.

use rustix::process::{Pid, Signal, kill_process};
use std::fs;

/// The variable that marks a plugin's processes.
pub(crate) const MARK: &str = "FACTORY_CONFORMANCE";

/// What a process shows to everyone on the machine.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) pid: i32,
    pub(crate) arguments: String,
    pub(crate) environment: String,
}

/// Finds the living processes with a mark, except zombies.
pub(crate) fn marked(mark: &str) -> Vec<Shown> {
    let mark = format!("{MARK}={mark}");
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid: i32| shown(pid).filter(|shown| shown.environment.contains(&mark)))
        .collect()
}

/// Kills the processes with a mark.
pub(crate) fn kill(mark: &str) {
    for shown in marked(mark) {
        if let Some(pid) = Pid::from_raw(shown.pid) {
            // It may have ended meanwhile.
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// Reads what a process shows. A process that ends meanwhile, or has ended and waits to be reaped, shows nothing.
fn shown(pid: i32) -> Option<Shown> {
    let text = |name: &str| {
        let bytes = fs::read(format!("/proc/{pid}/{name}")).ok()?;
        Some(String::from_utf8_lossy(&bytes).replace('\0', "\n"))
    };
    let environment = text("environ").filter(|text| !text.is_empty())?;
    Some(Shown { pid, arguments: text("cmdline")?, environment })
}
