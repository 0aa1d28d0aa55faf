//! Kills.

use super::tally::Victim;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;

/// Kills a plugin, or its init. Answers whether it was there.
pub(super) fn kill_plugin(plugin: Pid, victim: Victim) -> bool {
    let pid = if victim == Victim::Init { parent(plugin) } else { Some(plugin) };
    // It may have ended by itself.
    pid.is_some_and(|pid| kill_process(pid, Signal::KILL).is_ok())
}

fn parent(child: Pid) -> Option<Pid> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", child.as_raw_nonzero())).ok()?;
    let parent = stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()?;
    Pid::from_raw(parent)
}
