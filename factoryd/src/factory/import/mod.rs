//! Taking in what was made elsewhere: a disk as a base image, and the images of Image Factory's own store.
//!
//! Files are read on this machine, with this process's rights, so neither use case is offered to other machines.

mod disk;
mod history;
mod store;

pub use disk::ImportBaseImageRequest;
pub use store::{ImportStoreRequest, Imported, Outcome, StoreImport};

use crate::domain::Progress;
use crate::store::Heard;
use crate::{import, store as kept, tdl};
use std::sync::Arc;

/// Who hears how far an import is; called from any thread.
pub type Meter = Arc<dyn Fn(Progress) + Send + Sync>;

/// Why something was not imported. Nothing was recorded.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// What was to be imported can't be used.
    #[error(transparent)]
    Import(#[from] import::Error),
    /// What was said of the disk makes no template.
    #[error("what is said of the disk makes no template; ARCH is one of {}", import::ARCHITECTURES.join(", "))]
    Template(#[source] tdl::Problems),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] kept::Error),
}

/// Tells a meter how many bytes of a phase are done.
fn heard(meter: &Meter, phase: String) -> Heard {
    let meter = meter.clone();
    Arc::new(move |current, total| {
        let percent = if total == 0 { 0.0 } else { 100.0 * current as f64 / total as f64 };
        let (phase, unit) = (phase.clone(), "bytes".to_owned());
        meter(Progress { percent, phase, current, total, unit, ..Progress::default() });
    })
}

/// Tells a meter that something begins.
fn begins(meter: &Meter, phase: &str) {
    meter(Progress { phase: phase.to_owned(), ..Progress::default() });
}
