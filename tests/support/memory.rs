//! How much memory programs take.

use super::leftovers::Brood;
use std::path::Path;

/// Returns what the largest process of that name takes, in MiB: `VmRSS` now, `VmHWM` at its peak.
pub(crate) fn resident(brood: &Brood, line: &str, name: &str) -> f64 {
    let of_name = |member: &&String| {
        let program = member.split(' ').nth(1).unwrap_or_default();
        Path::new(program).file_name().is_some_and(|file| file == name)
    };
    let members = brood.members();
    let pids = members.iter().filter(of_name).filter_map(|member| member.split(' ').next());
    let kib = pids.filter_map(|pid| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let value = status.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(':'))?;
        value.trim().trim_end_matches(" kB").parse::<f64>().ok()
    });
    kib.fold(0.0, f64::max) / 1024.0
}
