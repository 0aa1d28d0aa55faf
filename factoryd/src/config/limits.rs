//! What plugins may take: `[limits]` for each, `[limits.NAME]` for one of them.

use super::document::{Node, NodeValue};
use super::sources::Sources;
use super::value::Value;
use crate::confine::{Limits, PluginLimits};
use crate::report::quote;
use clap::Args;
use serde_json::{Value as Json, json};
use std::ffi::OsString;
use std::num::{NonZeroU32, NonZeroU64};
use std::path::Path;

/// The table of limits.
pub(super) const TABLE: &str = "limits";
/// What there is a limit for.
const NAMES: [&str; 4] = ["memory", "processes", "cpu", "io_weight"];
/// The usual limit of processes and threads: no build has a thousand.
const PROCESSES_MAX: u32 = 4096;
/// The greatest weight (cgroup v2, `io.weight`).
const WEIGHT_MAX: u32 = 10_000;

/// The flags of limits.
#[derive(Debug, Clone, Args)]
pub(super) struct LimitArguments {
    /// Let a plugin and its programs take so much memory, such as 8GiB; `none` for no limit. Default: seven eighths of the
    /// machine's. Needs a control group, as do the other limits: the log says at the start what there is.
    #[arg(long, value_name = "SIZE", env = "FACTORY_PLUGIN_MEMORY", hide_short_help = true)]
    plugin_memory: Option<OsString>,
    /// Let a plugin and its programs be so many processes and threads; `none` for no limit. Default: 4096.
    #[arg(long, value_name = "N", env = "FACTORY_PLUGIN_PROCESSES", hide_short_help = true)]
    plugin_processes: Option<OsString>,
    /// Let a plugin and its programs take so much of the processors: 150% is one and a half. Default: none, that is no limit.
    #[arg(long, value_name = "PERCENT", env = "FACTORY_PLUGIN_CPU", hide_short_help = true)]
    plugin_cpu: Option<OsString>,
    /// Give a plugin and its programs this weight, from 1 to 10000, where others have 100, when disks are busy. Default: none.
    #[arg(long, value_name = "N", env = "FACTORY_PLUGIN_IO_WEIGHT", hide_short_help = true)]
    plugin_io_weight: Option<OsString>,
}

/// Reads the limits of all plugins.
pub(super) fn read(from: &mut Sources) -> PluginLimits {
    let memory = from.or("limits.memory", "plugin_memory", Size(usual_memory()));
    let processes = Count(NonZeroU32::new(PROCESSES_MAX));
    let processes = from.or("limits.processes", "plugin_processes", processes);
    let cpu = from.or("limits.cpu", "plugin_cpu", Percent(None));
    let io_weight = from.or("limits.io_weight", "plugin_io_weight", Count(None));
    check_weight(from, "limits.io_weight", io_weight);
    let usual = limits(memory, processes, cpu, io_weight);
    let names = from.tables(TABLE, &NAMES);
    let plugins = names.into_iter().map(|name| {
        let limits = of_plugin(from, &name, usual);
        (name, limits)
    });
    PluginLimits { usual, plugins: plugins.collect() }
}

fn of_plugin(from: &mut Sources, name: &str, usual: Limits) -> Limits {
    let key = |what: &str| format!("{TABLE}.{name}.{what}");
    let memory = from.in_file(key("memory")).unwrap_or(Size(usual.memory_max));
    let processes = from.in_file(key("processes")).unwrap_or(Count(usual.processes_max));
    let cpu = from.in_file(key("cpu")).unwrap_or(Percent(usual.cpu_percent_max));
    let io_weight = from.in_file(key("io_weight")).unwrap_or(Count(usual.io_weight));
    check_weight(from, &key("io_weight"), io_weight);
    limits(memory, processes, cpu, io_weight)
}

/// Answers the keys of a plugin's own table.
pub(super) fn keys_of(plugin: &str) -> impl Iterator<Item = String> {
    NAMES.iter().map(move |name| format!("{TABLE}.{plugin}.{name}"))
}

/// Answers what is no plugin's name in the table.
pub(super) fn names() -> &'static [&'static str] {
    &NAMES
}

fn limits(memory: Size, processes: Count, cpu: Percent, io_weight: Count) -> Limits {
    Limits {
        memory_max: memory.0,
        processes_max: processes.0,
        cpu_percent_max: cpu.0,
        io_weight: io_weight.0,
    }
}

fn check_weight(from: &mut Sources, key: &str, weight: Count) {
    if weight.0.is_some_and(|weight| WEIGHT_MAX < weight.get()) {
        from.refuse(key, format!("a weight is at most {WEIGHT_MAX}"), None);
    }
}

/// So much that the machine itself is left something, in whole mebibytes.
fn usual_memory() -> Option<NonZeroU64> {
    let system = rustix::system::sysinfo();
    let all = system.totalram * u64::from(system.mem_unit);
    NonZeroU64::new((all / 8 * 7) >> 20 << 20)
}

const NONE: &str = "none";

/// A number of bytes, or no limit.
#[derive(Debug, Clone, Copy)]
struct Size(Option<NonZeroU64>);

const UNITS: [(&str, u32); 4] = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40)];

impl Value for Size {
    const EXPECTED: &'static str = "a size, such as `8GiB` or `512MiB`, or `none`";

    fn parse(text: &str) -> Result<Self, String> {
        let bytes = UNITS.iter().find_map(|(unit, shift)| {
            let number: u64 = text.strip_suffix(unit)?.trim().parse().ok()?;
            NonZeroU64::new(number.checked_mul(1 << shift)?)
        });
        match (text, bytes) {
            (NONE, _) => Ok(Self(None)),
            (_, Some(bytes)) => Ok(Self(Some(bytes))),
            _ => Err(format!("{} is no size", quote(text))),
        }
    }

    fn json(&self) -> Json {
        let Some(bytes) = self.0 else { return json!(NONE) };
        let whole = |shift: u32| bytes.get().is_multiple_of(1 << shift);
        let unit = UNITS.iter().rev().find(|(_, shift)| whole(*shift));
        unit.map_or_else(
            || json!(bytes.to_string()),
            |(unit, shift)| json!(format!("{}{unit}", bytes.get() >> shift)),
        )
    }
}

/// A number, or no limit.
#[derive(Debug, Clone, Copy)]
struct Count(Option<NonZeroU32>);

impl Value for Count {
    const EXPECTED: &'static str = "a whole number from 1, or `none`";

    fn parse(text: &str) -> Result<Self, String> {
        if text == NONE {
            return Ok(Self(None));
        }
        let number = text.parse().map_err(|_| format!("{} is no such number", quote(text)))?;
        Ok(Self(Some(number)))
    }

    fn read(node: &Node, _: &Path) -> Result<Self, String> {
        match &node.value {
            NodeValue::Number(text) | NodeValue::Text(text) => Self::parse(text),
            other => Err(format!("this is {}", other.kind())),
        }
    }

    fn json(&self) -> Json {
        self.0.map_or(json!(NONE), |number| json!(number))
    }
}

/// Hundredths of a processor, or no limit.
#[derive(Debug, Clone, Copy)]
struct Percent(Option<NonZeroU32>);

impl Value for Percent {
    const EXPECTED: &'static str = "a share of the processors, such as `150%`, or `none`";

    fn parse(text: &str) -> Result<Self, String> {
        if text == NONE {
            return Ok(Self(None));
        }
        let number = text.strip_suffix('%').and_then(|number| number.parse().ok());
        number
            .map(|number| Self(Some(number)))
            .ok_or_else(|| format!("{} is no share", quote(text)))
    }

    fn json(&self) -> Json {
        self.0.map_or(json!(NONE), |number| json!(format!("{number}%")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_shown_in_whole_units() {
        for text in ["8GiB", "1536MiB", "1KiB", "none"] {
            assert_eq!(Size::parse(text).unwrap().json(), text);
        }
        for text in ["8", "0GiB", "8GB", "-1GiB", "99999999999TiB", ""] {
            assert!(Size::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_machine_keeps_some_memory() {
        let usual = usual_memory().unwrap().get();
        let system = rustix::system::sysinfo();
        let all = system.totalram * u64::from(system.mem_unit);
        assert!(all / 2 < usual && usual < all);
    }
}
