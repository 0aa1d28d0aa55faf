//! Mirrors: where else what a registry has is.

use crate::distribution::Source;
use oci_client::Reference;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where else what a registry has is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    /// A registry, or one and the beginning of its repositories' names.
    prefix: String,
    /// What stands in its place.
    place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// A registry, and perhaps the beginning of repositories' names.
    Registry(String),
    /// A directory with an OCI image layout for each repository.
    Directory(PathBuf),
}

/// What is no mirror.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no mirror")]
pub struct Invalid(String);

impl Mirror {
    /// Answers where something would be here; `None` if it is not of what is mirrored.
    pub(super) fn source(&self, original: &Reference) -> Option<Source> {
        let name = format!("{}/{}", original.registry(), original.repository());
        let rest = name.strip_prefix(&self.prefix)?;
        let rest = if rest.is_empty() { "" } else { rest.strip_prefix('/')? };
        match &self.place {
            Place::Registry(place) => {
                let name = format!("{place}/{rest}");
                let (registry, repository) = name.trim_end_matches('/').split_once('/')?;
                let (registry, repository) = (registry.to_owned(), repository.to_owned());
                Some(Source::Registry(match original.digest() {
                    Some(digest) => Reference::with_digest(registry, repository, digest.to_owned()),
                    None => Reference::with_tag(registry, repository, tag(original).to_owned()),
                }))
            }
            Place::Directory(place) => {
                let tag = original.digest().unwrap_or(tag(original)).to_owned();
                Some(Source::Layout { directory: place.join(rest), tag })
            }
        }
    }

    /// Answers the mirrors of something: of the longest prefix first, else in their order.
    pub(super) fn of<'a>(all: &'a [Self], original: &Reference) -> Vec<Source> {
        let mut matching: Vec<(&'a Self, Source)> =
            all.iter().filter_map(|mirror| Some((mirror, mirror.source(original)?))).collect();
        matching.sort_by_key(|(mirror, _)| std::cmp::Reverse(mirror.prefix.len()));
        matching.into_iter().map(|(_, source)| source).collect()
    }
}

fn tag(reference: &Reference) -> &str {
    reference.tag().unwrap_or("latest")
}

impl FromStr for Mirror {
    type Err = Invalid;

    /// Reads `PREFIX=HOST/PREFIX`, or `PREFIX=oci:DIRECTORY`.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let invalid = || Invalid(text.to_owned());
        let (prefix, place) = text.split_once('=').ok_or_else(invalid)?;
        let is_name = |name: &str| {
            let usual = |c: char| c.is_ascii_alphanumeric() || ".:/_-[]".contains(c);
            !name.is_empty()
                && !name.contains("//")
                && !name.ends_with('/')
                && !name.starts_with('/')
                && name.chars().all(usual)
        };
        let place = match place.strip_prefix("oci:") {
            Some(directory) if directory.starts_with('/') => Place::Directory(directory.into()),
            None if is_name(place) => Place::Registry(place.to_owned()),
            _ => return Err(invalid()),
        };
        if is_name(prefix) { Ok(Self { prefix: prefix.to_owned(), place }) } else { Err(invalid()) }
    }
}

impl fmt::Display for Mirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Registry(place) => write!(f, "{}={place}", self.prefix),
            Place::Directory(place) => write!(f, "{}=oci:{}", self.prefix, place.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(mirrors: &[&str], original: &str) -> Vec<String> {
        let mirrors: Vec<Mirror> = mirrors.iter().map(|text| text.parse().unwrap()).collect();
        let found = Mirror::of(&mirrors, &original.parse().unwrap());
        found.iter().map(Source::to_string).collect()
    }

    #[test]
    fn a_mirror_stands_for_what_begins_alike_part_by_part() {
        let mirrors = [
            "r.example.org=m.corp:5000/all",
            "r.example.org/vendor=oci:/srv/v",
            "r.example.org=n.corp",
        ];
        assert_eq!(
            sources(&mirrors, "r.example.org/vendor/x:1.0.0"),
            [
                "oci:/srv/v/x:1.0.0",
                "oci://m.corp:5000/all/vendor/x:1.0.0",
                "oci://n.corp/vendor/x:1.0.0"
            ]
        );
        assert_eq!(sources(&mirrors[..2], "r.example.org/vendors/x:1").len(), 1);
        assert_eq!(sources(&mirrors, "other.example.org/vendor/x:1"), [""; 0]);
        let digest = format!("sha256:{}", "a".repeat(64));
        assert_eq!(
            sources(&mirrors[..1], &format!("r.example.org/x@{digest}")),
            [format!("oci://m.corp:5000/all/x@{digest}")]
        );
        assert_eq!(
            sources(&["r.example.org/x=m.corp/y"], "r.example.org/x:1"),
            ["oci://m.corp/y:1"]
        );
    }

    #[test]
    fn mirrors_read_as_they_are_written() {
        for text in ["r.example.org=m.corp:5000/all", "r.example.org/v=oci:/srv/v"] {
            assert_eq!(text.parse::<Mirror>().unwrap().to_string(), text);
        }
        for text in ["", "a", "=b", "a=", "a/=b", "a=oci:relative", "a=https://b", "a=b c"] {
            assert!(text.parse::<Mirror>().is_err(), "{text}");
        }
    }
}
