//! Waiting, before an image is deleted, for the deletion of what was made from it.

use super::{Jobs, LOOK_AGAIN};
use crate::domain::{Failure, Fault, Image, Status};
use crate::pipeline;
use crate::store::{ImageFilter, Page};

/// How many children are looked at together.
const CHILDREN_MAX: usize = 100;

impl Jobs {
    /// Waits until no image is left that was made from this one.
    ///
    /// # Errors
    /// If one of them stays.
    pub(super) async fn without_children(&self, image: &Image) -> pipeline::Result<()> {
        let filter = ImageFilter { parent: Some(image.id.clone()), ..ImageFilter::default() };
        // Those that are gone make room for those behind them.
        let page = Page { limit: Some(CHILDREN_MAX), ..Page::default() };
        let mut cursor = self.0.store.cursor();
        loop {
            cursor.mark_unchanged();
            let found = self.0.store.images(&filter, &page).await;
            let children = found.map_err(|error| pipeline::store_failed(&error))?.items;
            if children.is_empty() {
                return Ok(());
            }
            if let Some(child) = children.iter().find(|child| child.status != Status::Deleting) {
                return Err(kept(image, child));
            }
            _ = tokio::time::timeout(LOOK_AGAIN, cursor.changed()).await;
        }
    }
}

fn kept(image: &Image, child: &Image) -> Box<Failure> {
    let message = format!(
        "{} image {}, which was made from this {} image, is {}",
        child.kind, child.id, image.kind, child.status
    );
    let failure = Failure::new(Fault::User, "CHILD_NOT_DELETED", message);
    let why = child.failure.as_ref().map(ToString::to_string).unwrap_or_default();
    Box::new(failure.hint(format!("see `factory show {}`", child.id)).detail(why))
}
