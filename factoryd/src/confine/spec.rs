//! What the factory and an init tell each other.

use crate::seal::Rules;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What an init is to do. There are no secrets in it. With it come two descriptors: the plugin's standard input, and its
/// executable, open for reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Spec {
    /// Where the executable is: the plugin's name for itself. What is executed is the open file.
    pub(crate) executable: PathBuf,
    /// Whether the init finds itself process 1 of a new PID namespace.
    pub(crate) pid_namespace: bool,
    /// The files by which control groups are entered.
    pub(crate) groups: Vec<PathBuf>,
    /// What the plugin is started with on its command line.
    pub(crate) arguments: Vec<String>,
    /// What is left to the plugin, if not everything is.
    pub(crate) rules: Option<Rules>,
}

/// What an init tells the factory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Report {
    /// The plugin's process is there, and is about to execute. Sent by that process itself: the kernel notes its number in the
    /// factory's view.
    Forked,
    /// The plugin executes.
    Started,
    /// The plugin could not be started.
    Failed {
        /// What was being done.
        step: Step,
        /// The system's error number; 0 if there is none.
        errno: i32,
        /// What the error says.
        error: String,
    },
    /// The plugin has ended, with this status as of `wait(2)`. What it left is being ended.
    Ended(i32),
}

/// What an init does before the plugin runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Step {
    /// Reading what to do.
    Order,
    /// Catching signals and taking in orphans.
    Watch,
    /// Entering control groups.
    Group,
    /// Making the plugin's own view of processes.
    Namespace,
    /// Taking from the plugin what it does not need.
    Seal,
    /// Executing the plugin.
    Execute,
}

impl Step {
    /// Says it after "can't".
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Order => "read what to start",
            Self::Watch => "watch over the plugin's processes",
            Self::Group => "enter a control group",
            Self::Namespace => "give the plugin its own view of processes",
            Self::Seal => "take from the plugin what it does not need",
            Self::Execute => "execute the plugin",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_that_says_more_than_is_understood_is_refused() {
        let spec = Spec {
            executable: "/usr/bin/x".into(),
            pid_namespace: true,
            groups: vec!["/sys/fs/cgroup/x/cgroup.procs".into()],
            arguments: vec!["describe".into()],
            rules: Some(Rules::default()),
        };
        let mut json = serde_json::to_value(&spec).unwrap();
        assert_eq!(serde_json::from_value::<Spec>(json.clone()).unwrap(), spec);
        json["seal_everything"] = true.into();
        assert!(serde_json::from_value::<Spec>(json).is_err());
    }
}
