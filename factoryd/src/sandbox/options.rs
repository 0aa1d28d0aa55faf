//! What can be configured.

use super::layer::{Layer, Without};
use crate::seal::Feature;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// What can be configured.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// How strict it is with plugins of which nothing else is said.
    pub mode: Mode,
    /// How strict it is with some plugins, by name.
    pub plugins: Vec<Setting>,
    /// Paths that plugins may write to besides what they need, by name.
    pub grants: Vec<Grant>,
    /// What is left out of the sandboxes of some plugins.
    pub without: Vec<Without>,
    /// What the machine must be able to do.
    pub require: Vec<Feature>,
}

/// How strict a sandbox is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// What a plugin does not need is kept from it.
    Enforce,
    /// As `off`, but what would be kept from it is shown.
    Warn,
    /// Nothing is kept from it.
    #[default]
    Off,
}

impl Mode {
    /// Answers the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Warn => "warn",
            Self::Off => "off",
        }
    }

    /// Reads the word for it.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Enforce, Self::Warn, Self::Off].into_iter().find(|mode| mode.as_str() == word)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How strict it is with one plugin: `NAME=MODE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The plugin's name.
    pub plugin: String,
    /// How strict.
    pub mode: Mode,
}

/// A path that a plugin may write to: `NAME=PATH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The plugin's name.
    pub plugin: String,
    /// A file, or a directory and all below; absolute.
    pub path: PathBuf,
}

/// A text that is no grant or no setting of a plugin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidGrant(String);

impl InvalidGrant {
    pub(super) fn new(why: String) -> Self {
        Self(why)
    }
}

impl FromStr for Setting {
    type Err = InvalidGrant;

    fn from_str(text: &str) -> Result<Self, InvalidGrant> {
        let (plugin, mode) = split(text)?;
        let mode = Mode::parse(mode).ok_or_else(|| InvalidGrant(format!("`{mode}` is no mode")))?;
        Ok(Self { plugin, mode })
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.plugin, self.mode)
    }
}

impl FromStr for Grant {
    type Err = InvalidGrant;

    fn from_str(text: &str) -> Result<Self, InvalidGrant> {
        let (plugin, path) = split(text)?;
        if !path.starts_with('/') {
            return Err(InvalidGrant(format!("`{path}` is no absolute path")));
        }
        Ok(Self { plugin, path: path.into() })
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.plugin, self.path.display())
    }
}

/// Splits `NAME=REST`.
pub(super) fn split(text: &str) -> Result<(String, &str), InvalidGrant> {
    match text.split_once('=') {
        Some((plugin, rest)) if !plugin.is_empty() => Ok((plugin.to_owned(), rest)),
        _ => Err(InvalidGrant(format!("`{text}` names no plugin before a `=`"))),
    }
}

impl Options {
    /// Answers how strict it is with a plugin.
    pub fn mode_of(&self, plugin: &str) -> Mode {
        let own = self.plugins.iter().rev().find(|setting| setting.plugin == plugin);
        own.map_or(self.mode, |setting| setting.mode)
    }

    /// Tells whether a part is left out of a plugin's sandbox.
    pub fn is_without(&self, plugin: &str, layer: Layer) -> bool {
        self.without.iter().any(|without| without.plugin == plugin && without.layer == layer)
    }
}
