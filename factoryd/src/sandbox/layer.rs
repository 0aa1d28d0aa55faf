//! The parts of a sandbox, each of which can be left out for one plugin.

use super::options::{InvalidGrant, split};
use std::fmt;
use std::str::FromStr;

/// A part of a sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// What is not the plugin's is no file to it.
    Files,
    /// TCP to some ports only.
    Ports,
    /// No signals to others, and no abstract sockets of theirs.
    Signals,
    /// No system calls that it has no use for.
    SystemCalls,
    /// No network, or one of its own.
    Network,
    /// Root without most of what root may.
    Capabilities,
}

impl Layer {
    /// All there are.
    pub const ALL: [Self; 6] = [
        Self::Files,
        Self::Ports,
        Self::Signals,
        Self::SystemCalls,
        Self::Network,
        Self::Capabilities,
    ];

    /// Answers the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Ports => "ports",
            Self::Signals => "signals",
            Self::SystemCalls => "system-calls",
            Self::Network => "network",
            Self::Capabilities => "capabilities",
        }
    }

    /// Reads the word for it.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|layer| layer.as_str() == word)
    }

    /// Says what is not kept from a plugin without it.
    pub(super) fn missing(self) -> &'static str {
        match self {
            Self::Files => "files are not kept from it: that is switched off",
            Self::Ports => "TCP ports are not kept from it: that is switched off",
            Self::Signals => "it can signal other processes of its user: that is switched off",
            Self::SystemCalls => "system calls are not kept from it: that is switched off",
            Self::Network => "it has the network of this machine: that is switched off",
            Self::Capabilities => "it has all capabilities of root: that is switched off",
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A part that is left out for one plugin: `NAME=PART`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Without {
    /// The plugin's name.
    pub plugin: String,
    /// What is left out.
    pub layer: Layer,
}

impl FromStr for Without {
    type Err = InvalidGrant;

    fn from_str(text: &str) -> Result<Self, InvalidGrant> {
        let (plugin, word) = split(text)?;
        let layer = Layer::parse(word)
            .ok_or_else(|| InvalidGrant::new(format!("`{word}` is no part of a sandbox")))?;
        Ok(Self { plugin, layer })
    }
}

impl fmt::Display for Without {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.plugin, self.layer)
    }
}
