//! Every process below this one, as the kernel lists them.

use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::time::{Duration, Instant};

const ROUND: Duration = Duration::from_millis(5);

/// Kills every process below this one, again and again until none is left or `limit` is over.
///
/// Once is not enough: a process may fork while the list is read, and some can't be signalled until their parent is gone.
pub(super) fn kill_all(limit: Duration) {
    let start = Instant::now();
    loop {
        let alive = descendants(std::process::id());
        if alive.is_empty() || limit < start.elapsed() {
            return;
        }
        for pid in alive {
            // One that is gone already, or that belongs to somebody else, is left to the next round.
            let _ = kill_process(pid, Signal::KILL);
        }
        std::thread::sleep(ROUND);
    }
}

/// Lists the processes below one that are alive.
fn descendants(of: u32) -> Vec<Pid> {
    let processes = processes();
    let mut found = Vec::new();
    let mut parents = vec![of];
    while let Some(parent) = parents.pop() {
        for process in processes.iter().filter(|process| process.parent == parent) {
            parents.push(process.pid);
            if process.alive {
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
}

fn processes() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid| parse(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?))
        .collect()
}

/// Reads `PID (NAME) STATE PARENT …`, where the name may hold anything.
fn parse(pid: u32, stat: &str) -> Option<Process> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    let alive = !matches!(fields.next()?, "Z" | "X");
    Some(Process { pid, parent: fields.next()?.parse().ok()?, alive })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_spaces_is_read_over() {
        let process = parse(7, "7 (a) Z 1 (b) S 42 7 7 0 -1").unwrap();
        assert_eq!((process.parent, process.alive), (42, true));
        assert!(!parse(7, "7 (gone) Z 42 7 7 0 -1").unwrap().alive);
        assert!(parse(7, "").is_none());
    }

    #[test]
    fn this_process_is_below_its_parent() {
        let own = i32::try_from(std::process::id()).ok().and_then(Pid::from_raw).unwrap();
        let parent = rustix::process::getppid().unwrap().as_raw_nonzero().get();
        assert!(descendants(u32::try_from(parent).unwrap()).contains(&own));
    }
}
