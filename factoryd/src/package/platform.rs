//! What a package runs on.

use std::fmt;
use std::str::FromStr;

/// What a package runs on, in the words of Go, which OCI uses too.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Platform {
    /// Whatever has its interpreter.
    Any,
    /// One operating system on one architecture.
    Of {
        /// Such as `linux`.
        os: String,
        /// Such as `amd64`.
        arch: String,
    },
}

/// What is no platform.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no platform: write `any`, or one such as `linux/amd64`")]
pub struct Invalid(String);

/// Names of architectures: Rust's, Go's.
const ARCHITECTURES: [(&str, &str); 8] = [
    ("x86_64", "amd64"),
    ("aarch64", "arm64"),
    ("x86", "386"),
    ("arm", "arm"),
    ("powerpc64le", "ppc64le"),
    ("riscv64", "riscv64"),
    ("s390x", "s390x"),
    ("loongarch64", "loong64"),
];

impl Platform {
    /// Answers the one that this program is for.
    pub fn here() -> Self {
        let ours = std::env::consts::ARCH;
        let little = cfg!(target_endian = "little");
        let ours = if ours == "powerpc64" && little { "powerpc64le" } else { ours };
        let known = ARCHITECTURES.iter().find(|(rust, _)| *rust == ours);
        Self::linux(known.map_or(ours, |(_, go)| *go))
    }

    /// Answers Linux on an architecture, in Go's word for it.
    pub fn linux(arch: &str) -> Self {
        Self::Of { os: "linux".to_owned(), arch: arch.to_owned() }
    }

    /// Tells whether a package for it runs here.
    pub fn runs_here(&self) -> bool {
        *self == Self::Any || *self == Self::here()
    }

    /// Answers it as a part of a file's name: `linux-amd64`.
    pub fn in_file_name(&self) -> String {
        self.to_string().replace('/', "-")
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Of { os, arch } => write!(f, "{os}/{arch}"),
        }
    }
}

impl FromStr for Platform {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let is_word = |word: &str| {
            (1..=32).contains(&word.len())
                && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        match text.split_once('/') {
            None if text == "any" => Ok(Self::Any),
            Some((os, arch)) if is_word(os) && is_word(arch) => {
                Ok(Self::Of { os: os.to_owned(), arch: arch.to_owned() })
            }
            _ => Err(Invalid(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_read_as_they_are_written() {
        for text in ["any", "linux/amd64", "linux/arm64"] {
            assert_eq!(text.parse::<Platform>().unwrap().to_string(), text);
        }
        for text in ["", "linux", "linux/", "/amd64", "linux/amd64/v8", "Linux/amd64", "a b/c"] {
            assert!(text.parse::<Platform>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_for_this_machine_or_any_runs_here() {
        assert!(Platform::Any.runs_here());
        assert!(Platform::here().runs_here());
        assert!(!Platform::linux("sparc64").runs_here());
    }
}
