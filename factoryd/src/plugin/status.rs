//! A plugin as a person sees it.

use std::fmt;
use std::path::PathBuf;

/// A plugin as a person sees it. The same fields as `factory.v1.Plugin`.
#[derive(Debug, Clone, PartialEq)]
pub struct PluginStatus {
    /// Its name.
    pub name: String,
    /// `os` or `cloud`; empty if its `.info` file can't be used.
    pub kind: String,
    /// Its targets: `null` matches anything.
    pub targets: Vec<Vec<Option<String>>>,
    /// Its `.info` file as it is.
    pub info: serde_json::Map<String, serde_json::Value>,
    /// Its executable; `None` if there is none.
    pub executable: Option<PathBuf>,
    /// Where it is.
    pub state: State,
    /// What is wrong with it; empty if nothing.
    pub error: String,
    /// Targets it claims that another plugin has: one sentence each.
    pub conflicts: Vec<String>,
    /// Its process, if it runs.
    pub pid: Option<u32>,
    /// Whether it is what was accepted, and what it may do.
    pub standing: Standing,
}

/// What a plugin is to the factory: whether it is what was accepted, and what it may do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// `new`, `accepted` or `changed`; empty if nothing is remembered of plugins.
    pub trust: &'static str,
    /// The version that it said when it was accepted; empty if it was not, or said none.
    pub version: String,
    /// The SHA-256 of the executable that was accepted; empty if none was.
    pub sha256: String,
    /// When it was accepted, as RFC 3339 writes it; empty if it was not.
    pub accepted: String,
    /// How strict its sandbox is: `enforce`, `warn` or `off`.
    pub sandbox: &'static str,
    /// What it says that it needs, one phrase each; empty if that is not known yet.
    pub asks: Vec<String>,
    /// What it gets, one phrase each.
    pub gets: Vec<String>,
    /// What can't be kept from it on this machine, one sentence each.
    pub not_enforced: Vec<String>,
}

/// A plugin that was accepted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Acceptance {
    /// Its name.
    pub plugin: String,
    /// The SHA-256 of what was accepted before; empty if nothing was.
    pub old_sha256: String,
    /// The SHA-256 of what is accepted now.
    pub new_sha256: String,
    /// The version that was accepted before.
    pub old_version: String,
    /// The version that is accepted now.
    pub new_version: String,
    /// What it says of its needs that it did not say before (`+`), or no more (`-`).
    pub changes: Vec<String>,
}

/// Where a plugin is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Not started; the first call starts it.
    Idle,
    /// Its process runs.
    Running,
    /// It ended by itself more than once; the next start waits a little.
    Backoff,
    /// It can't be started as it is.
    Invalid,
}

impl State {
    /// Answers the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Running => "running",
            Self::Backoff => "backoff",
            Self::Invalid => "invalid",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
