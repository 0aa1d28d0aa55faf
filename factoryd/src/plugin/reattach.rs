//! Which plugins are not launched, because somebody else has started them.

use factory_proto::reattach::{self, Reattach, ReattachConfig};
use std::fs;
use std::path::PathBuf;

/// Where it is said which plugins run already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReattachSource {
    /// Here.
    Config(ReattachConfig),
    /// In this file, which is read at every start of a plugin: what is started again has another socket.
    File(PathBuf),
}

/// Why a plugin can't be attached to.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// The file can't be read.
    #[error("{} can't be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// What it says can't be used.
    #[error("it can't be attached to")]
    Config(#[from] reattach::Error),
}

impl ReattachSource {
    /// Reads a JSON object, or the path of a file that has one.
    ///
    /// # Errors
    /// If the JSON, which begins with `{`, can't be used.
    pub fn parse(text: &str) -> Result<Self, reattach::Error> {
        match text.trim_start().starts_with('{') {
            true => reattach::parse(text).map(Self::Config),
            false => Ok(Self::File(PathBuf::from(text))),
        }
    }

    /// Answers where the plugin of this name is; `None` if it is to be launched.
    ///
    /// # Errors
    /// If the file can't be read, or can't be used.
    pub fn find(&self, name: &str) -> Result<Option<Reattach>, AttachError> {
        match self {
            Self::Config(config) => Ok(config.get(name).cloned()),
            Self::File(path) => {
                let text = fs::read_to_string(path);
                let text =
                    text.map_err(|source| AttachError::Read { path: path.clone(), source })?;
                Ok(reattach::parse(&text)?.get(name).cloned())
            }
        }
    }
}
