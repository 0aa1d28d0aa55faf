//! What settings can be: read from a flag, a variable or a file, shown again as JSON.

use super::document::{Node, NodeValue};
use crate::filesystem::Bytes;
use crate::report::quote;
use serde_json::{Value as Json, json};
use std::ffi::OsStr;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tracing_subscriber::EnvFilter;

/// A setting's type. Errors say what the value is not; what it should be is [`EXPECTED`](Self::EXPECTED).
pub(super) trait Value: Sized {
    /// What would be right: "an address and a port, such as …".
    const EXPECTED: &'static str;

    /// Reads text: of a flag, of a variable, of a string in a file.
    fn parse(text: &str) -> Result<Self, String>;

    /// Reads what was typed.
    fn typed(text: &OsStr) -> Result<Self, String> {
        Self::parse(text.to_str().ok_or_else(|| format!("{} is not UTF-8", text.display()))?)
    }

    /// Reads a file's value; `directory` is the file's.
    fn read(node: &Node, directory: &Path) -> Result<Self, String> {
        let _ = directory;
        match &node.value {
            NodeValue::Text(text) => Self::parse(text),
            other => Err(format!("this is {}", other.kind())),
        }
    }

    /// Shows it.
    fn json(&self) -> Json;
}

impl Value for String {
    const EXPECTED: &'static str = "a string";

    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() { Err("this is empty".to_owned()) } else { Ok(text.to_owned()) }
    }

    fn json(&self) -> Json {
        json!(self)
    }
}

impl Value for bool {
    const EXPECTED: &'static str = "`true` or `false`";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("{} is neither yes nor no", quote(text)))
    }

    fn read(node: &Node, _: &Path) -> Result<Self, String> {
        match &node.value {
            NodeValue::Boolean(boolean) => Ok(*boolean),
            other => Err(format!("this is {}", other.kind())),
        }
    }

    fn json(&self) -> Json {
        json!(self)
    }
}

/// Reads whole numbers of a type.
macro_rules! whole_number {
    ($number:ty, $expected:literal) => {
        impl Value for $number {
            const EXPECTED: &'static str = $expected;

            fn parse(text: &str) -> Result<Self, String> {
                text.parse().map_err(|_| format!("{} is no such number", quote(text)))
            }

            fn read(node: &Node, _: &Path) -> Result<Self, String> {
                match &node.value {
                    NodeValue::Number(digits) => Self::parse(digits),
                    other => Err(format!("this is {}", other.kind())),
                }
            }

            fn json(&self) -> Json {
                json!(self)
            }
        }
    };
}

whole_number!(NonZeroUsize, "a whole number from 1");

whole_number!(u32, "a whole number");

impl Value for Bytes {
    const EXPECTED: &'static str = "a number of bytes, or one with a unit, such as \"512MiB\"";

    fn parse(text: &str) -> Result<Self, String> {
        Self::parse(text).ok_or_else(|| format!("{} is no such size", quote(text)))
    }

    fn read(node: &Node, _: &Path) -> Result<Self, String> {
        match &node.value {
            NodeValue::Number(text) | NodeValue::Text(text) => <Self as Value>::parse(text),
            other => Err(format!("this is {}", other.kind())),
        }
    }

    fn json(&self) -> Json {
        json!(self.exact())
    }
}

/// A relative path in a file is relative to that file's directory.
impl Value for PathBuf {
    const EXPECTED: &'static str = "a path";

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "" => Err("this is empty".to_owned()),
            _ if text.contains('\0') => Err(format!("{} can't be a path", quote(text))),
            _ => Ok(Self::from(text)),
        }
    }

    fn typed(text: &OsStr) -> Result<Self, String> {
        if text.is_empty() { Err("this is empty".to_owned()) } else { Ok(Self::from(text)) }
    }

    fn read(node: &Node, directory: &Path) -> Result<Self, String> {
        match &node.value {
            NodeValue::Text(text) => Self::parse(text).map(|path| directory.join(path)),
            other => Err(format!("this is {}", other.kind())),
        }
    }

    fn json(&self) -> Json {
        json!(self.to_string_lossy())
    }
}

impl Value for SocketAddr {
    const EXPECTED: &'static str =
        "an IP address and a port, such as `127.0.0.1:8076` or `[::1]:0`";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("{} is no address", quote(text)))
    }

    fn json(&self) -> Json {
        json!(self.to_string())
    }
}

impl Value for Duration {
    const EXPECTED: &'static str = "a duration with its unit, such as `30s`, `500ms` or `5m`";

    fn parse(text: &str) -> Result<Self, String> {
        humantime::parse_duration(text).map_err(|_| format!("{} is no duration", quote(text)))
    }

    fn json(&self) -> Json {
        json!(humantime::format_duration(*self).to_string())
    }
}

/// How much is logged: a level, or a filter with levels for parts of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFilter(String);

impl LogFilter {
    /// Makes one of a text that is known to be right.
    pub(super) fn usual(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Answers the filter.
    pub fn filter(&self) -> EnvFilter {
        EnvFilter::builder().parse_lossy(&self.0)
    }
}

impl Value for LogFilter {
    const EXPECTED: &'static str =
        "off, error, warn, info, debug, trace, or a filter such as `factoryd::plugin=debug`";

    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("this is empty".to_owned());
        }
        match EnvFilter::builder().parse(text) {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(_) => Err(format!("{} is neither a level nor a filter", quote(text))),
        }
    }

    fn json(&self) -> Json {
        json!(self.0)
    }
}
