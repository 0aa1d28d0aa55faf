//! `conformance.json`: what an author says of operations that are quick and harmless, so that the kit can run them.
//!
//! It stands beside the executable, or is named by `--request`. Everything in it is optional:
//!
//! ```text
//! {
//!   "operations": ["CreateBaseImage"],            those that may be run; all that the plugin serves otherwise
//!   "method": "CreateBaseImage",                  the one that is interrupted, cancelled, repeated
//!   "ends": "completed",                          or "failed", where a real one would take too long
//!   "template": {"os": "Debian", "version": "12", "arch": "x86_64", "url": "http://…", "packages": ["nginx"]},
//!   "parameters": {"size": 1},
//!   "secrets": {"password": "…"},                 sensitive parameters that can't be any text
//!   "target": "openstack", "provider": {"directory": "{directory}"}, "credentials": "…",
//!   "image": [{"role": "disk", "format": "raw", "size": 1048576}, {"role": "rootfs", "format": "tar", "file": "r.tar"}],
//!   "long": {"seconds": 60},                      parameters with which it lasts, unless it is cancelled
//!   "many": {"lines": 20000},                     with which it says much
//!   "fails": {"fail": true},                      with which it fails
//!   "wrong": {"size": "a lot", "sise": 1}         which Plugin.Validate refuses, each of them
//! }
//! ```
//!
//! `{directory}` stands for a directory that is made for the run.

use crate::method::Method;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The name of the file beside an executable.
pub(crate) const FILE: &str = "conformance.json";

/// What an author says of operations that can be run.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sample {
    operations: Option<Vec<String>>,
    method: Option<String>,
    ends: Ends,
    /// What is installed.
    pub template: TemplateSample,
    /// Parameters with which an operation is quick.
    pub parameters: Map<String, Value>,
    /// Sensitive parameters that can't be any text.
    pub secrets: BTreeMap<String, String>,
    /// The cloud target; the plugin's first one otherwise.
    pub target: Option<String>,
    /// The provider: a name or a definition.
    pub provider: Option<Value>,
    /// The credentials; any text otherwise.
    pub credentials: Option<Value>,
    /// The files of the image that an operation reads.
    pub image: Option<Vec<FileSample>>,
    /// Parameters with which an operation lasts.
    pub long: Option<Map<String, Value>>,
    /// Parameters with which an operation has many events.
    pub many: Option<Map<String, Value>>,
    /// Parameters with which an operation fails.
    pub fails: Option<Map<String, Value>>,
    /// Parameters that are refused, each of them.
    pub wrong: Option<Map<String, Value>>,
    #[serde(skip)]
    directory: PathBuf,
}

/// How the sample's operations end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Ends {
    #[default]
    Completed,
    Failed,
}

/// What is installed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TemplateSample {
    /// `os/name`; that of the plugin's first target otherwise.
    pub os: Option<String>,
    /// `os/version`
    pub version: Option<String>,
    /// `os/arch`
    pub arch: Option<String>,
    /// `os/install/url`
    pub url: Option<String>,
    /// `packages`
    pub packages: Vec<String>,
}

/// A file of an image that an operation reads.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSample {
    /// Its role.
    pub role: String,
    /// Its format.
    pub format: String,
    /// How many bytes of zeros it has; 0 if it is copied.
    #[serde(default)]
    pub size: u64,
    /// A file beside the sample that is copied.
    pub file: Option<PathBuf>,
}

/// Why a sample can't be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It can't be read.
    #[error("{} can't be read", path.display())]
    Read {
        /// Where it is.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is no sample.
    #[error("{} is no sample of a request", path.display())]
    Parse {
        /// Where it is.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// It names a method that does not exist.
    #[error("{} names the method `{name}`, which is no operation", path.display())]
    Method {
        /// Where it is.
        path: PathBuf,
        /// What it names.
        name: String,
    },
}

impl Sample {
    /// Reads a sample.
    ///
    /// # Errors
    /// If it can't be read, is no JSON of that form, or names what is no operation.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let at = || path.to_owned();
        let text = std::fs::read(path).map_err(|source| Error::Read { path: at(), source })?;
        let mut sample: Self =
            serde_json::from_slice(&text).map_err(|source| Error::Parse { path: at(), source })?;
        sample.directory = path.parent().unwrap_or(Path::new(".")).to_owned();
        let named = sample.operations.iter().flatten().chain(&sample.method);
        match named.into_iter().find(|name| Method::named(name).is_none()) {
            Some(name) => Err(Error::Method { path: at(), name: name.clone() }),
            None => Ok(sample),
        }
    }

    /// Reads the sample beside an executable; `None` if there is none.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn beside(executable: &Path) -> Result<Option<Self>, Error> {
        let path = executable.with_file_name(FILE);
        if path.is_file() { Self::read(&path).map(Some) } else { Ok(None) }
    }

    /// Tells whether a method may be run.
    pub fn allows(&self, method: Method) -> bool {
        self.operations.as_ref().is_none_or(|names| names.iter().any(|name| name == method.name()))
    }

    /// Tells whether its operations complete.
    pub fn completes(&self) -> bool {
        self.ends == Ends::Completed
    }

    /// Returns the method that is interrupted, cancelled and repeated, if it says.
    pub fn method(&self) -> Option<Method> {
        self.method.as_deref().and_then(Method::named)
    }

    /// Returns where a file that it names is.
    pub fn path_of(&self, file: &Path) -> PathBuf {
        self.directory.join(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Sample, Error> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(FILE);
        std::fs::write(&path, text).unwrap();
        Sample::beside(&directory.path().join("plugin")).map(Option::unwrap)
    }

    #[test]
    fn an_empty_sample_allows_everything() {
        let sample = read("{}").unwrap();
        assert!(sample.allows(Method::DeleteFromProvider) && sample.completes());
    }

    #[test]
    fn a_sample_says_what_may_be_run_and_how_it_ends() {
        let sample = read(r#"{"operations": ["CreateBaseImage"], "ends": "failed"}"#).unwrap();
        assert!(
            sample.allows(Method::CreateBaseImage) && !sample.allows(Method::CreateTargetImage)
        );
        assert!(!sample.completes());
    }

    #[test]
    fn what_is_no_sample_is_refused_by_name() {
        assert!(matches!(read("7"), Err(Error::Parse { .. })));
        assert!(matches!(read(r#"{"long": {}, "lon": {}}"#), Err(Error::Parse { .. })));
        let error = read(r#"{"method": "Describe"}"#).unwrap_err();
        assert!(error.to_string().ends_with("`Describe`, which is no operation"), "{error}");
    }

    #[test]
    fn no_sample_is_no_error() {
        assert!(Sample::beside(Path::new("/nonexistent/plugin")).unwrap().is_none());
    }
}
