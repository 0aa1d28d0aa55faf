//! The parameters of a disk, read and checked.

use crate::problem::error;
use factory_plugin_sdk::{Diagnostic, Parameters};

/// How a disk is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// QEMU's own format.
    Qcow2,
    /// The disk, byte for byte; holes take no space.
    Raw,
}

impl Format {
    /// Returns the word that QEMU and libvirt use; it also ends the file's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Qcow2 => "qcow2",
            Self::Raw => "raw",
        }
    }
}

/// How the clusters of a qcow2 are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Every QEMU reads it; slow to write.
    Zlib,
    /// QEMU 5.1 and later; five times as fast.
    Zstd,
}

impl Compression {
    /// Returns the word that QEMU uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Zlib => "zlib",
            Self::Zstd => "zstd",
        }
    }
}

/// What is to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How the disk is stored.
    pub format: Format,
    /// How it is compressed, if it is.
    pub compression: Option<Compression>,
    /// The memory of the machine in the command line and the XML, in MiB.
    pub memory_mib: u64,
    /// Its processors.
    pub cpus: u64,
}

impl Settings {
    /// Reads the parameters.
    ///
    /// # Errors
    /// Every problem there is.
    pub fn read(parameters: &Parameters) -> Result<Self, Vec<Diagnostic>> {
        let mut reader = Reader { parameters, found: Vec::new() };
        let settings = reader.settings();
        if reader.found.is_empty() { Ok(settings) } else { Err(reader.found) }
    }
}

struct Reader<'a> {
    parameters: &'a Parameters,
    found: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn settings(&mut self) -> Settings {
        let format = self.format();
        let compression = self.compression();
        if format == Format::Raw && compression.is_some() {
            self.wrong(
                "compress",
                "a raw disk can't be compressed",
                "set format=qcow2, or compress=none",
            );
        }
        let memory_mib = self.number("memory_mib", 1024, 64..=16 << 20);
        let cpus = self.number("cpus", 2, 1..=4096);
        Settings { format, compression, memory_mib, cpus }
    }

    fn format(&mut self) -> Format {
        match self.text("format").as_deref() {
            None | Some("qcow2") => Format::Qcow2,
            Some("raw") => Format::Raw,
            Some(other) => {
                self.wrong("format", &format!("format is {other:?}"), "set it to qcow2 or raw");
                Format::Qcow2
            }
        }
    }

    fn compression(&mut self) -> Option<Compression> {
        let text = self.text("compress")?.to_ascii_lowercase();
        match text.as_str() {
            "none" | "false" | "no" | "0" => None,
            "true" | "yes" | "1" | "zstd" => Some(Compression::Zstd),
            // The docker plugin's word for it, so that one parameter does for both.
            "zlib" | "gzip" => Some(Compression::Zlib),
            other => {
                let hint = "set it to none, zlib, zstd, true (zstd) or false";
                self.wrong("compress", &format!("compress is {other:?}"), hint);
                None
            }
        }
    }

    fn number(&mut self, name: &str, default: u64, range: std::ops::RangeInclusive<u64>) -> u64 {
        let hint = format!("set it to a whole number from {} to {}", range.start(), range.end());
        match self.parameters.number(name) {
            Ok(number) if range.contains(&number.unwrap_or(default)) => number.unwrap_or(default),
            _ => {
                let given = self.parameters.get(name).map(ToString::to_string).unwrap_or_default();
                self.wrong(name, &format!("{name} is {given}"), &hint);
                default
            }
        }
    }

    fn text(&mut self, name: &str) -> Option<String> {
        self.parameters.text(name).unwrap_or_else(|_| {
            self.wrong(name, &format!("{name} is a list or an object"), "give a text");
            None
        })
    }

    fn wrong(&mut self, name: &str, message: &str, hint: &str) {
        self.found.push(error(&format!("parameters.{name}"), message, hint));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(parameters: serde_json::Value) -> Result<Settings, Vec<Diagnostic>> {
        let parameters = Parameters::new(&parameters.to_string(), Default::default()).unwrap();
        Settings::read(&parameters)
    }

    #[test]
    fn nothing_needs_to_be_given() {
        let settings = read(json!({})).unwrap();
        assert_eq!((settings.format, settings.compression), (Format::Qcow2, None));
        assert_eq!((settings.memory_mib, settings.cpus), (1024, 2));
    }

    #[test]
    fn compress_takes_booleans_and_words() {
        for (word, compression) in [
            (json!(true), Some(Compression::Zstd)),
            (json!("Zlib"), Some(Compression::Zlib)),
            (json!("gzip"), Some(Compression::Zlib)),
            (json!(false), None),
            (json!("none"), None),
        ] {
            assert_eq!(read(json!({"compress": word})).unwrap().compression, compression);
        }
    }

    #[test]
    fn every_problem_is_found_at_once() {
        let found =
            read(json!({"format": "vmdk", "compress": "xz", "memory_mib": "1g", "cpus": 0}))
                .unwrap_err();
        let paths: Vec<&str> = found.iter().map(|problem| problem.path.as_str()).collect();
        let expected = ["format", "compress", "memory_mib", "cpus"];
        assert_eq!(paths, expected.map(|name| format!("parameters.{name}")));
        assert!(read(json!({"format": "raw", "compress": "zstd"})).is_err());
    }
}
