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
