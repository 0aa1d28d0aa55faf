//! From where something is installed.

use super::{Error, SourceKind};
use oci_client::Reference;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// From where something is installed.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// A directory that is a package, or could become one.
    Directory(PathBuf),
    /// An archive.
    Archive(PathBuf),
    /// A registry.
    Registry(Reference),
    /// An OCI image layout: what a registry has, in a directory.
    Layout {
        /// The directory.
        directory: PathBuf,
        /// The tag.
        tag: String,
    },
}

impl Source {
    /// Answers what sort of source it is.
    pub fn kind(&self) -> SourceKind {
        match self {
            Self::Directory(_) => SourceKind::Directory,
            Self::Archive(_) => SourceKind::Archive,
            Self::Registry(_) | Self::Layout { .. } => SourceKind::Registry,
        }
    }

    /// Answers it with absolute paths.
    #[must_use]
    pub fn absolute(self) -> Self {
        let absolute = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
        match self {
            Self::Directory(path) => Self::Directory(absolute(path)),
            Self::Archive(path) => Self::Archive(absolute(path)),
            Self::Layout { directory, tag } => Self::Layout { directory: absolute(directory), tag },
            Self::Registry(reference) => Self::Registry(reference),
        }
    }

    /// Answers its tag, if it is one.
    pub(super) fn tag(&self) -> Option<&str> {
        match self {
            Self::Registry(reference) if reference.digest().is_none() => reference.tag(),
            Self::Layout { tag, .. } => Some(tag),
            _ => None,
        }
    }

    /// Answers the same with another tag.
    pub(super) fn with_tag(&self, tag: &str) -> Self {
        match self {
            Self::Registry(it) => {
                let (registry, repository) = (it.registry().to_owned(), it.repository().to_owned());
                Self::Registry(Reference::with_tag(registry, repository, tag.to_owned()))
            }
            Self::Layout { directory, .. } => {
                Self::Layout { directory: directory.clone(), tag: tag.to_owned() }
            }
            other => other.clone(),
        }
    }
}

impl FromStr for Source {
    type Err = Error;

    /// Reads `oci://REGISTRY/REPOSITORY:TAG` (or `@sha256:…`), `oci:DIRECTORY:TAG`, or a path.
    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = |why: String| Error::Source { text: text.to_owned(), why };
        if let Some(reference) = text.strip_prefix("oci://") {
            // What lacks a host would be looked for at Docker's own registry.
            let host = reference.split('/').next().unwrap_or_default();
            if !reference.contains('/') || !(host.contains(['.', ':']) || host == "localhost") {
                return Err(wrong(
                    "it names no registry: write oci://HOST/REPOSITORY:TAG".to_owned(),
                ));
            }
            let reference = reference.parse::<Reference>();
            return Ok(Self::Registry(reference.map_err(|error| wrong(error.to_string()))?));
        }
        if let Some(layout) = text.strip_prefix("oci:") {
            let (directory, tag) = layout.rsplit_once(':').unwrap_or((layout, "latest"));
            return Ok(Self::Layout { directory: directory.into(), tag: tag.to_owned() });
        }
        let path = PathBuf::from(text);
        Ok(if path.is_dir() { Self::Directory(path) } else { Self::Archive(path) })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(path) | Self::Archive(path) => write!(f, "{}", path.display()),
            Self::Registry(reference) => write!(f, "oci://{reference}"),
            Self::Layout { directory, tag } => write!(f, "oci:{}:{tag}", directory.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_read_as_they_are_written() {
        let digest = format!("oci://r.example.org/x@sha256:{}", "a".repeat(64));
        for (text, kind) in [
            ("oci://r.example.org/vendor/x:1.2.0", SourceKind::Registry),
            ("oci://127.0.0.1:5000/x:latest", SourceKind::Registry),
            (digest.as_str(), SourceKind::Registry),
            ("oci:/srv/plugins/x:1.2.0", SourceKind::Registry),
            ("/tmp", SourceKind::Directory),
            ("/nonexistent/x.tar.zst", SourceKind::Archive),
        ] {
            let source: Source = text.parse().unwrap();
            assert_eq!((source.to_string().as_str(), source.kind()), (text, kind));
        }
        for text in ["oci://debian", "oci://library/debian", "oci://r.example.org/UPPER"] {
            assert!(text.parse::<Source>().is_err(), "{text}");
        }
    }
}
