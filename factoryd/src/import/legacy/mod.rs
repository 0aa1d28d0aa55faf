//! The store of Image Factory: `<id>.meta`, one JSON object, beside `<id>.body`.
//!
//! What is read is only looked at; nothing in the directory is changed. The objects' `data` (an absolute path) does not
//! count: the body is the file beside the object. Credentials, callbacks and whatever is named like a secret are left out,
//! as are passwords in the definition of a provider.

mod body;
mod meta;
mod secrets;

pub use body::LegacyBody;

use super::Error;
use crate::domain::{CloudIdentifiers, ImageId, Kind, Parameters, Status};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// An image of Image Factory's.
#[derive(Debug, Clone, PartialEq)]
pub struct LegacyImage {
    /// Its id.
    pub id: ImageId,
    /// Its kind.
    pub kind: Kind,
    /// Its status when it was last saved.
    pub status: Status,
    /// How much was done, 0 to 100.
    pub percent: f64,
    /// What was being done.
    pub activity: String,
    /// Why it failed, often a Python traceback; may be empty.
    pub error: String,
    /// Its template; may be empty.
    pub template_xml: String,
    /// Its packages.
    pub icicle_xml: Option<String>,
    /// The image it was made from.
    pub parent: Option<ImageId>,
    /// Its target.
    pub target: Option<String>,
    /// Its provider, without passwords.
    pub provider: Option<String>,
    /// Whether it was made inside an account.
    pub snapshot: bool,
    /// What the provider calls it.
    pub identifiers: CloudIdentifiers,
    /// Its parameters, without secrets.
    pub parameters: Parameters,
    /// Its properties, without secrets.
    pub properties: Parameters,
    /// Its file; `None` if there is none or it is empty.
    pub body: Option<LegacyBody>,
    /// When it was last saved.
    pub saved: SystemTime,
    /// What was left out, in words.
    pub left_out: Vec<String>,
}

/// A file of the store that is no image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub why: String,
}

/// What is in a store.
#[derive(Debug, Default)]
pub struct LegacyStore {
    /// The images, parents before their children.
    pub images: Vec<LegacyImage>,
    /// What is no image.
    pub skipped: Vec<Skipped>,
}

/// Reads a store.
///
/// # Errors
/// If the directory can't be read. What is wrong with single files is in the answer.
pub fn scan(directory: &Path) -> Result<LegacyStore, Error> {
    let failed = |source| Error::Read { path: directory.to_owned(), source };
    let mut store = LegacyStore::default();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        if file.extension().is_none_or(|extension| extension != "meta") {
            continue;
        }
        match meta::read(&file) {
            Ok(image) => store.images.push(image),
            Err(why) => store.skipped.push(Skipped { file, why }),
        }
    }
    let rank = |kind| match kind {
        Kind::Base => 0,
        Kind::Target => 1,
        Kind::Provider => 2,
    };
    store
        .images
        .sort_by(|a, b| (rank(a.kind), a.saved, &a.id).cmp(&(rank(b.kind), b.saved, &b.id)));
    store.skipped.sort_by(|a, b| a.file.cmp(&b.file));
    Ok(store)
}
