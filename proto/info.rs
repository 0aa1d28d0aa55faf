//! The `.info` file: what a plugin serves, readable without starting it.
//!
//! Format and matching are Image Factory's. One JSON object per plugin, in `NAME.info`:
//!
//! ```json
//! {"type": "os", "targets": [["Debian", "12", null], ["Ubuntu", null, null]], "description": "…"}
//! ```
//!
//! `type` (`os` or `cloud`, in any case) and `targets` are required; everything else is kept and shown as it is.

use serde_json::{Map, Value};

/// Which kind of delegate a plugin serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Installs operating systems.
    Os,
    /// Makes images for a cloud or hypervisor.
    Cloud,
}

impl Kind {
    /// Returns the word an `.info` file uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Os => "os",
            Self::Cloud => "cloud",
        }
    }
}

/// One line of `targets`: its parts, where `None` (`null`) matches anything.
pub type Target = Vec<Option<String>>;

/// A plugin's `.info` file.
#[derive(Debug, Clone, PartialEq)]
pub struct Info {
    /// The plugin's name: the file's name without `.info`.
    pub name: String,
    /// `type`.
    pub kind: Kind,
    /// `targets`.
    pub targets: Vec<Target>,
    /// The whole object, unknown keys included.
    pub raw: Map<String, Value>,
}

/// Why an `.info` file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not a JSON object.
    #[error("it is not a JSON object")]
    Json(#[source] serde_json::Error),
    /// A required key is missing.
    #[error("key `{0}` is missing")]
    Missing(&'static str),
    /// `type` is something else.
    #[error("`type` is {0}, but must be \"os\" or \"cloud\"")]
    Type(Value),
    /// `targets` is something else.
    #[error("`targets` is not a list")]
    Targets,
    /// A line of `targets` can never match.
    #[error("`targets[{index}]` is {value}, but must be {expected}")]
    Target {
        /// Which line, from 0.
        index: usize,
        /// What it is.
        value: Value,
        /// What it must be.
        expected: &'static str,
    },
}

impl Info {
    /// Reads the text of `NAME.info`.
    ///
    /// # Errors
    /// If it is not a JSON object, `type` or `targets` is missing or wrong, or a target has a form that can never
    /// match (the original registers such a target and then never finds it).
    pub fn parse(name: &str, text: &str) -> Result<Self, Error> {
        let raw: Map<String, Value> = serde_json::from_str(text).map_err(Error::Json)?;
        let kind = parse_kind(raw.get("type").ok_or(Error::Missing("type"))?)?;
        let lines = raw.get("targets").ok_or(Error::Missing("targets"))?;
        let targets = lines
            .as_array()
            .ok_or(Error::Targets)?
            .iter()
            .enumerate()
            .map(|(index, line)| parse_target(kind, index, line))
            .collect::<Result<_, _>>()?;
        Ok(Self { name: name.to_owned(), kind, targets, raw })
    }
}

fn parse_kind(value: &Value) -> Result<Kind, Error> {
    match value.as_str().map(str::to_ascii_lowercase).as_deref() {
        Some("os") => Ok(Kind::Os),
        Some("cloud") => Ok(Kind::Cloud),
        _ => Err(Error::Type(value.clone())),
    }
}

fn parse_target(kind: Kind, index: usize, line: &Value) -> Result<Target, Error> {
    let (len, expected) = match kind {
        Kind::Os => (3, "[name, version or null, arch or null]"),
        Kind::Cloud => (1, "[target]"),
    };
    let wrong = || Error::Target { index, value: line.clone(), expected };
    let parts: Target = line
        .as_array()
        .ok_or_else(wrong)?
        .iter()
        .map(|part| match part {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(text.clone())),
            _ => Err(wrong()),
        })
        .collect::<Result<_, _>>()?;
    let usable = parts.len() == len && parts.first().is_some_and(Option::is_some);
    if usable { Ok(parts) } else { Err(wrong()) }
}

/// A target that two plugins claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The target.
    pub target: Target,
    /// Who serves it.
    pub winner: String,
    /// Who does not, for that reason.
    pub loser: String,
}

/// Who serves what. The rule for two plugins with one target: the one whose name sorts first serves it.
#[derive(Debug, Default)]
pub struct Registry {
    claims: Vec<(Kind, Target, String)>,
    conflicts: Vec<Conflict>,
}

impl Registry {
    /// Registers plugins, whatever order they come in.
    pub fn new<'a>(infos: impl IntoIterator<Item = &'a Info>) -> Self {
        let mut sorted: Vec<&Info> = infos.into_iter().collect();
        sorted.sort_by(|a, b| a.name.cmp(&b.name));
        let mut registry = Self::default();
        for info in sorted {
            for target in &info.targets {
                registry.claim(info, target);
            }
        }
        registry
    }

    fn claim(&mut self, info: &Info, target: &Target) {
        match self.find(info.kind, target) {
            Some(winner) if winner != info.name => self.conflicts.push(Conflict {
                target: target.clone(),
                winner: winner.to_owned(),
                loser: info.name.clone(),
            }),
            Some(_) => {}
            None => self.claims.push((info.kind, target.clone(), info.name.clone())),
        }
    }

    fn find(&self, kind: Kind, target: &[Option<String>]) -> Option<&str> {
        let found = self.claims.iter().find(|(k, t, _)| *k == kind && t == target);
        found.map(|(_, _, name)| name.as_str())
    }

    /// Returns the plugin for an operating system: the exact `(name, version, arch)`, else `(name, version, null)`,
    /// else `(name, null, null)`.
    pub fn os(&self, name: &str, version: &str, arch: &str) -> Option<&str> {
        let some = |text: &str| Some(text.to_owned());
        [
            [some(name), some(version), some(arch)],
            [some(name), some(version), None],
            [some(name), None, None],
        ]
        .iter()
        .find_map(|key| self.find(Kind::Os, key))
    }

    /// Returns the plugin for a cloud target: exact and case-sensitive.
    pub fn cloud(&self, target: &str) -> Option<&str> {
        self.find(Kind::Cloud, &[Some(target.to_owned())])
    }

    /// Returns the targets that more than one plugin claims.
    pub fn conflicts(&self) -> &[Conflict] {
        &self.conflicts
    }

    /// Returns every target of a kind that is served, each once, sorted.
    pub fn targets(&self, kind: Kind) -> Vec<&Target> {
        let mut targets: Vec<&Target> =
            self.claims.iter().filter(|(k, ..)| *k == kind).map(|(_, t, _)| t).collect();
        targets.sort();
        targets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(name: &str, text: &str) -> Info {
        Info::parse(name, text).unwrap()
    }

    #[test]
    fn type_is_read_in_any_case_and_unknown_keys_are_kept() {
        let info = info("x", r#"{"type":"OS","targets":[["Fedora",null,null]],"colour":"blue"}"#);
        assert_eq!(info.kind, Kind::Os);
        assert_eq!(info.raw["colour"], "blue");
    }

    #[test]
    fn what_can_never_match_is_refused() {
        for (text, expected) in [
            ("[]", "it is not a JSON object"),
            (r#"{"targets":[]}"#, "key `type` is missing"),
            (r#"{"type":"os"}"#, "key `targets` is missing"),
            (
                r#"{"type":"disk","targets":[]}"#,
                "`type` is \"disk\", but must be \"os\" or \"cloud\"",
            ),
            (r#"{"type":"cloud","targets":{}}"#, "`targets` is not a list"),
            (
                r#"{"type":"cloud","targets":[["a"],"ec2"]}"#,
                "`targets[1]` is \"ec2\", but must be [target]",
            ),
            (
                r#"{"type":"os","targets":[[null,"1","x86_64"]]}"#,
                "`targets[0]` is [null,\"1\",\"x86_64\"], but must be [name, version or null, arch or null]",
            ),
        ] {
            assert_eq!(Info::parse("x", text).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn the_most_specific_operating_system_wins() {
        let any = info("any", r#"{"type":"os","targets":[["Debian",null,null]]}"#);
        let exact = info("exact", r#"{"type":"os","targets":[["Debian","12","x86_64"]]}"#);
        let version = info("version", r#"{"type":"os","targets":[["Debian","12",null]]}"#);
        let odd = info("odd", r#"{"type":"os","targets":[["Odd",null,"x86_64"]]}"#);
        let registry = Registry::new([&any, &exact, &version, &odd]);
        assert_eq!(registry.os("Debian", "12", "x86_64"), Some("exact"));
        assert_eq!(registry.os("Debian", "12", "aarch64"), Some("version"));
        assert_eq!(registry.os("Debian", "13", "aarch64"), Some("any"));
        assert_eq!(registry.os("Odd", "1", "x86_64"), None, "the arch alone is never asked for");
        assert_eq!(registry.os("debian", "12", "x86_64"), None, "case matters");
    }

    #[test]
    fn the_first_name_in_order_wins_and_the_conflict_is_kept() {
        let b = info("b", r#"{"type":"cloud","targets":[["kvm"],["kvm"]]}"#);
        let a = info("a", r#"{"type":"cloud","targets":[["kvm"]]}"#);
        let registry = Registry::new([&b, &a]);
        assert_eq!(registry.cloud("kvm"), Some("a"));
        assert_eq!(registry.cloud("KVM"), None);
        let conflict = &registry.conflicts()[0];
        assert_eq!((conflict.winner.as_str(), conflict.loser.as_str()), ("a", "b"));
        assert_eq!(registry.targets(Kind::Cloud).len(), 1);
    }
}
