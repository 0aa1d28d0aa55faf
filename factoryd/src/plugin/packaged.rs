//! Plugins that lie in packages: nothing of a package may differ from what it says of itself.

use super::admission::Candidate;
use super::failure::StartError;
use super::pins::{Identifier, Origin};
use crate::package::{self, Sums};
use crate::report::chain;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Answers the package that a plugin lies in, as it says of itself; `None` if it lies in none.
pub(super) fn origin_of(candidate: &Candidate<'_>) -> Option<Origin> {
    let (sums, digest) = package::read_sums(directory(candidate)).ok()??;
    let identity = &sums.identity;
    (identity.name == candidate.name).then(|| Origin {
        version: identity.version.to_string(),
        platform: identity.platform.to_string(),
        sums: digest,
        ..Origin::default()
    })
}

/// Sees that a plugin's package is what was installed.
///
/// # Errors
/// If a file of it was changed, or is gone, or is there and was not, or can't be read.
pub(super) async fn see_whole(
    candidate: &Candidate<'_>,
    origin: &Origin,
    identifier: Arc<Identifier>,
) -> Result<(), StartError> {
    let (directory, sums) = (directory(candidate).to_owned(), origin.sums.clone());
    let look = move || difference(&directory, &sums, &identifier);
    let found = tokio::task::spawn_blocking(look).await;
    match found.unwrap_or_else(|error| Some(error.to_string())) {
        None => Ok(()),
        Some(what) => Err(damaged(what, origin)),
    }
}

/// Says that a plugin is not what was installed.
pub(super) fn damaged(what: String, origin: &Origin) -> StartError {
    StartError::Damaged { what, source_of: origin.source.clone() }
}

/// Answers what is not as it was installed; `None` if all is.
pub(super) fn difference(
    directory: &Path,
    digest: &str,
    identifier: &Identifier,
) -> Option<String> {
    let read = |path: &Path| Ok::<_, io::Error>(identifier.identify(path)?.fingerprint.sha256);
    match package::read_sums(directory) {
        Ok(Some((sums, found))) if found == digest => compare(directory, &sums, read),
        Ok(_) => Some("SHA256SUMS is not the one that was installed with it".to_owned()),
        Err(error) => Some(chain(&error).to_string()),
    }
}

fn compare(
    directory: &Path,
    sums: &Sums,
    mut read: impl FnMut(&Path) -> io::Result<String>,
) -> Option<String> {
    match package::check(directory, sums, &mut read) {
        Ok(difference) => difference.map(|it| it.to_string()),
        Err(error) => Some(chain(&error).to_string()),
    }
}

fn directory<'a>(candidate: &Candidate<'a>) -> &'a Path {
    candidate.info.path.parent().unwrap_or(Path::new("."))
}

/// Answers where the directory of a plugin leads that is a link: to one version of it, which stays when the link is led elsewhere.
pub(super) fn version_of(directory: &Path) -> PathBuf {
    directory.canonicalize().unwrap_or_else(|_| directory.to_owned())
}
