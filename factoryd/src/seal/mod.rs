//! Seals: what a process gives up before it becomes a plugin, by means of the kernel.
//!
//! ```text
//! container ─► network namespace ─► capabilities ─► no new privileges ─► Landlock ─► seccomp ─► the plugin
//! ```
//!
//! [`Rules`] say what is left to it; `prepare` makes of them what can be applied between fork and exec, and [`Machine`] knows
//! what this kernel can. Which plugin gets which rules is not known here.
//!
//! **Invariant:** a rule that is asked for is applied, or the plugin is not started.

mod capabilities;
mod container;
mod files;
mod machine;
mod network;
mod rules;
mod syscalls;
#[cfg(test)]
mod tests;

pub use machine::{Feature, Machine};
pub use rules::{Access, Container, FileRule, Ids, Rules, Syscalls};

use std::io;
use std::path::Path;

/// Tells whether the file system of a directory can show its files as those of a process with ids of its own. Takes root.
pub(crate) fn maps_ids(directory: &Path) -> bool {
    container::maps_ids(directory)
}

/// Rules, ready to be applied.
pub(crate) struct Prepared {
    rules: Rules,
    files: Option<landlock::RulesetCreated>,
    syscalls: Vec<seccompiler::BpfProgram>,
}

/// Makes rules ready. Opens the files and directories that they name; those that are not there are left out.
///
/// # Errors
/// If the kernel refuses a rule.
pub(crate) fn prepare(rules: Rules) -> io::Result<Prepared> {
    let files = files::prepare(&rules)?;
    let syscalls = match &rules.syscalls {
        Some(allowed) => syscalls::prepare(allowed)?,
        None => Vec::new(),
    };
    Ok(Prepared { rules, files, syscalls })
}

impl Prepared {
    /// Applies them to this thread, for good.
    ///
    /// # Errors
    /// If the kernel refuses. The process must end then.
    pub(crate) fn apply(&mut self) -> io::Result<()> {
        if let Some(container) = &self.rules.container {
            container::enter(container)?;
        }
        if self.rules.network_namespace {
            network::enter(self.rules.loopback)?;
        }
        if let Some(kept) = &self.rules.capabilities {
            capabilities::keep(kept)?;
        }
        if self.rules.no_new_privileges {
            rustix::thread::set_no_new_privs(true)?;
        }
        if let Some(ruleset) = self.files.take() {
            files::apply(ruleset)?;
        }
        for program in &self.syscalls {
            seccompiler::apply_filter(program).map_err(io::Error::other)?;
        }
        Ok(())
    }
}
