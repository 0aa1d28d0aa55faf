//! What all plugins of a host are confined with.

use super::options::Options;
use crate::confine::{Groups, Support};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long what is left of plugins may take to be gone after the last host is.
const SETTLE_WAIT: Duration = Duration::from_millis(500);

/// What all plugins of a host are confined with. Dropping it waits a little for the end of what was killed.
#[derive(Debug)]
pub(super) struct Confinement {
    /// Whether plugins get PID namespaces; taken back when the machine refuses.
    pub(super) pid_namespaces: AtomicBool,
    /// Their control groups.
    pub(super) groups: Arc<Groups>,
}

impl Confinement {
    /// Makes the control groups, and ends what is in those of factories that are no more.
    pub(super) fn new(options: &Options) -> Self {
        let groups = if options.control_groups { Groups::new() } else { Groups::off() };
        Self { pid_namespaces: options.pid_namespace.into(), groups: Arc::new(groups) }
    }

    /// Answers what there is.
    pub(super) fn support(&self) -> Support {
        Support::new(self.pid_namespaces.load(Ordering::Relaxed), &self.groups)
    }
}

impl Drop for Confinement {
    fn drop(&mut self) {
        self.groups.settle(SETTLE_WAIT);
    }
}
