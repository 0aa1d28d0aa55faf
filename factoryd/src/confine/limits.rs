//! What a plugin and everything below it may take of the machine.

use std::collections::BTreeMap;
use std::fmt;
use std::num::{NonZeroU32, NonZeroU64};

/// What one plugin and everything below it may take, all together. What is `None` has no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Memory with swap, in bytes. The kernel kills what takes more.
    pub memory_max: Option<NonZeroU64>,
    /// Processes and threads.
    pub processes_max: Option<NonZeroU32>,
    /// Processor time, in hundredths of one processor.
    pub cpu_percent_max: Option<NonZeroU32>,
    /// Share of the disks' time against others' 100: from 1 to 10 000.
    pub io_weight: Option<NonZeroU32>,
}

/// The limits of all plugins: what holds for each that has none of its own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PluginLimits {
    /// For every plugin.
    pub usual: Limits,
    /// For plugins by name. What is `None` is as usual.
    pub plugins: BTreeMap<String, Limits>,
}

impl PluginLimits {
    /// Answers the limits of a plugin.
    pub fn of(&self, plugin: &str) -> Limits {
        let (own, usual) = (self.plugins.get(plugin).copied().unwrap_or_default(), self.usual);
        Limits {
            memory_max: own.memory_max.or(usual.memory_max),
            processes_max: own.processes_max.or(usual.processes_max),
            cpu_percent_max: own.cpu_percent_max.or(usual.cpu_percent_max),
            io_weight: own.io_weight.or(usual.io_weight),
        }
    }
}

/// What of a control group limits something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Controller {
    /// Memory.
    Memory,
    /// Processes and threads.
    Processes,
    /// Processor time.
    Cpu,
    /// The disks' time.
    Io,
}

impl Controller {
    /// Every controller.
    pub const ALL: [Self; 4] = [Self::Memory, Self::Processes, Self::Cpu, Self::Io];

    /// Answers the kernel's name for it, as of cgroup v2.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Processes => "pids",
            Self::Cpu => "cpu",
            Self::Io => "io",
        }
    }

    /// Answers the kernel's name for it, as of cgroup v1.
    pub(super) fn legacy_name(self) -> &'static str {
        match self {
            Self::Io => "blkio",
            other => other.name(),
        }
    }
}

impl fmt::Display for Controller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "memory",
            Self::Processes => "processes",
            Self::Cpu => "processor time",
            Self::Io => "disk time",
        })
    }
}

/// What to write into the files of a group: a file's name, the value, and whether the file may be missing.
pub(super) type Files = Vec<(&'static str, String, bool)>;

/// How long the kernel's accounting period of processor time is, in microseconds.
const CPU_PERIOD: u64 = 100_000;

impl Limits {
    /// Tells whether there is a limit for a controller.
    pub(super) fn has(&self, controller: Controller) -> bool {
        !self.files(controller).is_empty()
    }

    /// Answers what to write into which files of a group, as of cgroup v2.
    pub(super) fn files(&self, controller: Controller) -> Files {
        match controller {
            Controller::Memory => self.memory_max.map_or_else(Vec::new, |max| {
                // What may be swapped out would be no less taken.
                vec![("memory.max", max.to_string(), false), ("memory.swap.max", "0".into(), true)]
            }),
            Controller::Processes => one("pids.max", self.processes_max),
            Controller::Cpu => {
                let quota = self.cpu_percent_max.map(|percent| {
                    format!("{} {CPU_PERIOD}", u64::from(percent.get()) * CPU_PERIOD / 100)
                });
                one("cpu.max", quota)
            }
            Controller::Io => {
                let weight = self.io_weight.map(|weight| format!("default {weight}"));
                weight.map_or_else(Vec::new, |weight| vec![("io.weight", weight, true)])
            }
        }
    }

    /// Answers the same for cgroup v1.
    pub(super) fn legacy_files(&self, controller: Controller) -> Files {
        match controller {
            Controller::Memory => self.memory_max.map_or_else(Vec::new, |max| {
                let with_swap = ("memory.memsw.limit_in_bytes", max.to_string(), true);
                vec![("memory.limit_in_bytes", max.to_string(), false), with_swap]
            }),
            Controller::Processes => one("pids.max", self.processes_max),
            Controller::Cpu => self.cpu_percent_max.map_or_else(Vec::new, |percent| {
                let quota = u64::from(percent.get()) * CPU_PERIOD / 100;
                let period = ("cpu.cfs_period_us", CPU_PERIOD.to_string(), false);
                vec![period, ("cpu.cfs_quota_us", quota.to_string(), false)]
            }),
            Controller::Io => {
                // Its weights end at 1000.
                let weight = self.io_weight.map(|weight| weight.get().min(1000).to_string());
                weight.map_or_else(Vec::new, |weight| vec![("blkio.bfq.weight", weight, true)])
            }
        }
    }
}

fn one(file: &'static str, value: Option<impl ToString>) -> Files {
    value.map(|value| (file, value.to_string(), false)).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_plugin_has_no_limit_of_its_own_for_is_as_usual() {
        let number = |number| NonZeroU32::new(number);
        let usual = Limits { processes_max: number(9), io_weight: number(50), ..Limits::default() };
        let own = Limits { processes_max: number(5), ..Limits::default() };
        let limits = PluginLimits { usual, plugins: [("x".to_owned(), own)].into() };
        assert_eq!(limits.of("y"), usual);
        assert_eq!(limits.of("x"), Limits { processes_max: number(5), ..usual });
    }

    #[test]
    fn limits_are_written_as_the_kernel_reads_them() {
        let limits = Limits {
            memory_max: NonZeroU64::new(1 << 20),
            processes_max: NonZeroU32::new(7),
            cpu_percent_max: NonZeroU32::new(150),
            io_weight: NonZeroU32::new(2000),
        };
        let all = |files: fn(&Limits, Controller) -> Files| {
            let files = Controller::ALL.into_iter().flat_map(|one| files(&limits, one));
            files.map(|(name, value, _)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            all(Limits::files),
            "memory.max=1048576 memory.swap.max=0 pids.max=7 cpu.max=150000 100000 io.weight=default 2000"
        );
        assert_eq!(
            all(Limits::legacy_files),
            "memory.limit_in_bytes=1048576 memory.memsw.limit_in_bytes=1048576 pids.max=7 \
             cpu.cfs_period_us=100000 cpu.cfs_quota_us=150000 blkio.bfq.weight=1000"
        );
    }
}
