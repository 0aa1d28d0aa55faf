//! Who was killed, in which step, and how often.

use factoryd::domain::StepName;
use std::collections::BTreeMap;
use std::fmt;

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Victim {
    /// The daemon.
    Daemon,
    /// The plugin that does the step; any one if none does.
    Plugin,
    /// The process between the two.
    Init,
}

/// What was done to the factory.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// In no step that was chosen: at random times.
    kills: BTreeMap<(Option<StepName>, Victim), u64>,
    /// How often the disk was full.
    pub(super) full: u64,
    /// How often a daemon started on a full disk.
    pub(super) full_starts: u64,
    /// Why images failed.
    pub(super) reasons: BTreeMap<String, u64>,
}

impl Tally {
    /// Counts a kill.
    pub(super) fn count(&mut self, step: Option<StepName>, victim: Victim) {
        *self.kills.entry((step, victim)).or_default() += 1;
    }

    /// Answers how many there were.
    pub(super) fn kills(&self) -> u64 {
        self.kills.values().sum()
    }

    /// Asserts that in every step the daemon was killed, and a plugin or its init.
    pub(super) fn assert_everywhere(&self) {
        for step in StepName::ALL {
            let of = |victim| self.of(Some(step), victim);
            assert!(0 < of(Victim::Daemon), "no daemon was killed in {step}:\n{self}");
            let plugins = of(Victim::Plugin) + of(Victim::Init);
            assert!(0 < plugins, "no plugin was killed in {step}:\n{self}");
        }
    }

    fn of(&self, step: Option<StepName>, victim: Victim) -> u64 {
        self.kills.get(&(step, victim)).copied().unwrap_or_default()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const VICTIMS: [Victim; 3] = [Victim::Daemon, Victim::Plugin, Victim::Init];
        writeln!(f, "{:<28} {:>7} {:>7} {:>7}", "killed in", "daemon", "plugin", "init")?;
        let steps = StepName::ALL.into_iter().map(Some).chain([None]);
        for step in steps {
            let name = step.map_or("at random times", StepName::as_str);
            let [daemon, plugin, init] = VICTIMS.map(|victim| self.of(step, victim));
            writeln!(f, "{name:<28} {daemon:>7} {plugin:>7} {init:>7}")?;
        }
        writeln!(
            f,
            "{} kills; the disk was full {} times, at the start of a daemon {} times",
            self.kills(),
            self.full,
            self.full_starts
        )?;
        write!(f, "why images failed: {:?}", self.reasons)
    }
}
