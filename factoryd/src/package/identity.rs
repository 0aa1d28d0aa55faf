//! Which plugin a package is of.

use super::Platform;
use semver::Version;
use std::fmt;

/// The longest name of a plugin, in bytes.
const NAME_LEN_MAX: usize = 64;

/// Which plugin a package is of, in which version and for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The plugin's name.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// What it runs on.
    pub platform: Platform,
}

impl Identity {
    /// Tells whether a word may be the name of a plugin that is packaged: it becomes part of names of files and repositories.
    pub fn is_name(word: &str) -> bool {
        let usual =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
        let first = word.bytes().next().unwrap_or(b'-');
        word.len() <= NAME_LEN_MAX && first.is_ascii_alphanumeric() && word.bytes().all(usual)
    }

    /// Answers the name of its `.info` file.
    pub fn info_file(&self) -> String {
        format!("{}.info", self.name)
    }

    /// Answers the usual name of its executable.
    pub fn executable(&self) -> String {
        format!("factory-plugin-{}", self.name)
    }

    /// Answers the usual name of its archive, without what says how it is compressed.
    pub fn archive_stem(&self) -> String {
        format!("{}-{}-{}", self.name, self.version, self.platform.in_file_name())
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.name, self.version, self.platform)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words_that_files_and_repositories_can_have() {
        for name in ["debian", "mock-os", "x", "7zip", "a_b"] {
            assert!(Identity::is_name(name), "{name}");
        }
        for name in ["", "-x", "..", ".x", "a/b", "Debian", "a b", "ü", &"x".repeat(65)] {
            assert!(!Identity::is_name(name), "{name}");
        }
    }
}
