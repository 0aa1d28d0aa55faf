//! Every process below this one, as the kernel lists them.

use rustix::process::{Pid, Signal, WaitOptions, kill_process, wait};
use std::fs;
use std::time::Duration;

const ROUND: Duration = Duration::from_millis(2);
/// How often to stop what runs before the killing starts: some never shows as stopped.
const STOP_ROUNDS: usize = 20;

/// Ends every process below this one, which must be their subreaper, and returns when none is left that can be ended.
///
/// What could fork faster than it is killed is stopped first, round after round until nothing new shows.
pub(super) fn end_all() {
    for _ in 0..STOP_ROUNDS {
        let running = descendants(std::process::id(), |process| process.runs);
        if signal_all(&running, Signal::STOP) == 0 {
            break;
        }
    }
    while has_children() {
        let alive = descendants(std::process::id(), |process| process.alive);
        // Some can't be signalled, such as programs that run as somebody else: they end, or not, by themselves.
        if !alive.is_empty() && signal_all(&alive, Signal::KILL) == 0 {
            return;
        }
        std::thread::sleep(ROUND);
    }
}

/// Answers how many could be signalled.
fn signal_all(processes: &[Pid], signal: Signal) -> usize {
    processes.iter().filter(|&&pid| kill_process(pid, signal).is_ok()).count()
}

/// Collects children that have ended, and tells whether there are others.
fn has_children() -> bool {
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some(_)) => {}
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}

/// Lists the processes below one that are as asked for.
fn descendants(of: u32, is_asked_for: impl Fn(&Process) -> bool) -> Vec<Pid> {
    let processes = processes();
    let mut found = Vec::new();
    let mut parents = vec![of];
    while let Some(parent) = parents.pop() {
        for process in processes.iter().filter(|process| process.parent == parent) {
            parents.push(process.pid);
            if is_asked_for(process) {
                found.extend(i32::try_from(process.pid).ok().and_then(Pid::from_raw));
            }
        }
    }
    found
}

struct Process {
    pid: u32,
    parent: u32,
    alive: bool,
    /// Alive, and not stopped.
    runs: bool,
}

fn processes() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid| parse(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?))
        .collect()
}

/// Reads `PID (NAME) STATE PARENT …` (proc_pid_stat(5)), where the name may hold anything.
fn parse(pid: u32, stat: &str) -> Option<Process> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?;
    let alive = !matches!(state, "Z" | "X");
    let runs = alive && state != "T";
    Some(Process { pid, parent: fields.next()?.parse().ok()?, alive, runs })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_spaces_is_read_over() {
        let process = parse(7, "7 (a) Z 1 (b) S 42 7 7 0 -1").unwrap();
        assert_eq!((process.parent, process.alive, process.runs), (42, true, true));
        let stopped = parse(7, "7 (x) T 42 7 7 0 -1").unwrap();
        assert_eq!((stopped.alive, stopped.runs), (true, false));
        assert!(!parse(7, "7 (gone) Z 42 7 7 0 -1").unwrap().alive);
        assert!(parse(7, "").is_none());
    }

    #[test]
    fn this_process_is_below_its_parent() {
        let parent = rustix::process::getppid().unwrap().as_raw_nonzero().get();
        let below = descendants(u32::try_from(parent).unwrap(), |process| process.runs);
        assert!(below.contains(&rustix::process::getpid()));
    }
}
