//! Waiting for the image that another is made from, whoever builds it.

use super::{Jobs, LOOK_AGAIN};
use crate::domain::{Failure, Fault, Image, ImageId, Status};
use crate::pipeline;

/// What to do about a parent.
#[derive(Debug, PartialEq, Eq)]
enum Decision {
    Go,
    Wait,
    GiveUp,
}

/// Decides by the parent's status.
fn decide(parent: Status) -> Decision {
    match parent {
        Status::New | Status::Pending | Status::Building => Decision::Wait,
        Status::Complete => Decision::Go,
        Status::Failed | Status::Deleting | Status::Deleted | Status::DeleteFailed => {
            Decision::GiveUp
        }
    }
}

impl Jobs {
    /// Answers the complete parent of an image, when it is complete; `None` for an image without one.
    ///
    /// # Errors
    /// If the parent failed or is gone.
    pub(super) async fn parent(&self, image: &Image) -> pipeline::Result<Option<Image>> {
        let Some(id) = &image.parent else { return Ok(None) };
        let mut cursor = self.0.store.cursor();
        loop {
            cursor.mark_unchanged();
            let found = self.0.store.image(id).await;
            let parent = found.map_err(|error| pipeline::store_failed(&error))?;
            let Some(parent) = parent else { return Err(gone(image, id)) };
            match decide(parent.status) {
                Decision::Go => return Ok(Some(parent)),
                Decision::GiveUp => return Err(failed(image, &parent)),
                Decision::Wait => {
                    _ = tokio::time::timeout(LOOK_AGAIN, cursor.changed()).await;
                }
            }
        }
    }
}

fn gone(image: &Image, parent: &ImageId) -> Box<Failure> {
    let message = format!("image {parent}, from which this {} image is made, is gone", image.kind);
    Box::new(Failure::new(Fault::User, "PARENT_GONE", message))
}

fn failed(image: &Image, parent: &Image) -> Box<Failure> {
    let message = format!(
        "{} image {}, from which this {} image is made, is {}",
        parent.kind, parent.id, image.kind, parent.status
    );
    let failure = Failure::new(Fault::User, "PARENT_FAILED", message);
    let why = parent.failure.as_ref().map(ToString::to_string).unwrap_or_default();
    Box::new(failure.hint(format!("see `factory show {}`", parent.id)).detail(why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_waits_for_a_parent_that_is_still_being_built() {
        for status in [Status::New, Status::Pending, Status::Building] {
            assert_eq!(decide(status), Decision::Wait, "{status}");
        }
    }

    #[test]
    fn a_child_gives_up_on_a_parent_that_will_never_be_complete() {
        for status in [Status::Failed, Status::Deleting, Status::Deleted, Status::DeleteFailed] {
            assert_eq!(decide(status), Decision::GiveUp, "{status}");
        }
        assert_eq!(decide(Status::Complete), Decision::Go);
    }
}
