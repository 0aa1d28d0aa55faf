//! Telling with a failure what it may have left over outside this machine.

use super::Jobs;
use crate::domain::{Failure, ImageId};
use crate::report;
use crate::store::LedgerFilter;
use tracing::warn;

/// So many are named.
const NAMED_MAX: usize = 20;

impl Jobs {
    /// Adds to an image's failure what is still open in the ledger, and where to see what becomes of it.
    pub(super) async fn with_left_over(&self, id: &ImageId, failure: Failure) -> Failure {
        let filter = LedgerFilter { image: Some(id.clone()), ..LedgerFilter::default() };
        let open = match self.0.store.ledger(&filter).await {
            Ok(open) => open,
            Err(error) => {
                warn!("the ledger can't be read: {}", report::chain(&error));
                return failure;
            }
        };
        if open.is_empty() {
            return failure;
        }
        let name = |resource: &crate::domain::Resource| match resource.resource_id.as_str() {
            "" => format!("{} {}", resource.kind, resource.intent_id),
            id => format!("{} {id}", resource.kind),
        };
        let named: Vec<_> =
            open.iter().take(NAMED_MAX).map(|entry| name(&entry.resource)).collect();
        let left =
            format!("may be left over at the provider, and will be deleted: {}", named.join(", "));
        let see = format!("see `factory resources --image {id}`");
        let both = |first: &str, second: String, between: &str| match first {
            "" => second,
            first => format!("{first}{between}{second}"),
        };
        Failure {
            hint: both(&failure.hint, see, "; "),
            detail: both(&failure.detail, left, "\n"),
            ..failure
        }
    }
}
