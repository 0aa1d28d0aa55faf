//! Where artifacts are: registries and layouts, asked alike.

use super::layout::Layout;
use super::registry::Registry;
use crate::distribution::{Error, Options, Source};
use std::io::Write;

/// Where an artifact is.
pub(super) enum Place {
    Registry(Box<Registry>),
    Layout(Layout),
}

impl Place {
    /// Prepares to ask a place.
    pub(super) fn prepare(options: &Options, source: &Source) -> Result<Self, Error> {
        match source {
            Source::Registry(reference) => {
                Ok(Self::Registry(Box::new(Registry::prepare(options, reference)?)))
            }
            Source::Layout { directory, tag } => {
                Ok(Self::Layout(Layout { directory: directory.clone(), tag: tag.clone() }))
            }
            other => {
                Err(Error::Source { text: other.to_string(), why: "it is no registry".to_owned() })
            }
        }
    }

    /// Gets a manifest or an index, whose digest is right: of the source, or of a digest.
    pub(super) async fn document(&self, of: Option<&str>) -> Result<Vec<u8>, Error> {
        match self {
            Self::Registry(registry) => registry.document(of).await,
            Self::Layout(layout) => layout.document(of),
        }
    }

    /// Writes a blob, whose digest is still to be checked, to a writer.
    pub(super) async fn blob(
        &self,
        digest: &str,
        size: u64,
        into: &mut (dyn Write + Send),
    ) -> Result<(), Error> {
        match self {
            Self::Registry(registry) => registry.blob(digest, size, into).await,
            Self::Layout(layout) => layout.blob(digest, size, into),
        }
    }

    /// Lists the tags beside the source's.
    pub(super) async fn tags(&self) -> Result<Vec<String>, Error> {
        match self {
            Self::Registry(registry) => registry.tags().await,
            Self::Layout(layout) => layout.tags(),
        }
    }
}
