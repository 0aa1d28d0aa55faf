//! What this machine and this user have to confine plugins with.

use super::cgroup::Groups;
use super::limits::Controller;
use rustix::thread::{CapabilitySet, capabilities};
use std::collections::BTreeSet;

/// What there is to confine plugins with, and in words what there is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Support {
    /// Whether each plugin has a PID namespace of its own.
    pub pid_namespace: bool,
    /// Whether all of a plugin can be killed at once, by its control group.
    pub group_kill: bool,
    /// What can be limited.
    pub limits: BTreeSet<Controller>,
    /// What is missing, what that means and what to do: a line each.
    pub missing: Vec<String>,
}

impl Support {
    /// Answers what there is.
    pub(crate) fn new(pid_namespace: bool, groups: &Groups) -> Self {
        let (limits, group_kill) = (groups.controllers(), groups.problem.is_empty());
        let mut missing = Vec::new();
        if !pid_namespace {
            missing.push(
                "no PID namespaces: a plugin's processes are found by their parents, and one that is hostile may hide its own; \
                 run the daemon as root, or with CAP_SYS_ADMIN"
                    .to_owned(),
            );
        }
        if !group_kill {
            let problem = &groups.problem;
            missing.push(format!(
                "no control group can be killed at once ({problem}): plugins are ended process by process; \
                 run the daemon as a service with Delegate=yes"
            ));
        }
        let unlimited = Controller::ALL.into_iter().filter(|one| !limits.contains(one));
        let unlimited: Vec<String> = unlimited.map(|one| one.to_string()).collect();
        if !unlimited.is_empty() {
            missing.push(format!(
                "no limits of {}: the control groups' controllers are not handed to the daemon, and [limits] of these do \
                 not hold; run it as a service with Delegate=yes",
                unlimited.join(", ")
            ));
        }
        Self { pid_namespace, group_kill, limits, missing }
    }

    /// Puts it into the log: a line of what there is, and one for each thing that is not.
    pub fn log(&self) {
        let limits: Vec<String> = self.limits.iter().map(Controller::to_string).collect();
        let limits = limits.join(", ");
        let Self { pid_namespace, group_kill, .. } = self;
        tracing::info!(pid_namespace, group_kill, limits, "what plugins are confined with");
        for missing in &self.missing {
            tracing::warn!("plugins are confined less than they could be: {missing}");
        }
    }
}

/// Tells whether this process may make namespaces without a user namespace around them.
pub fn can_make_namespaces() -> bool {
    capabilities(None).is_ok_and(|ours| ours.effective.contains(CapabilitySet::SYS_ADMIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_said_with_what_to_do() {
        let support = Support::new(false, &Groups::off());
        assert_eq!(support.missing.len(), 3);
        assert!(support.missing[1].contains("(they are switched off)"));
        let all = "no limits of memory, processes, processor time, disk time: ";
        assert!(support.missing[2].starts_with(all), "{}", support.missing[2]);
    }
}
