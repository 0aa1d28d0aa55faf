//! Cancelling: 202 and the image, which ends FAILED once its plugin has cleaned up.

use super::problem::Problem;
use super::{Answer, Api, Head, image_view, json_answer};
use crate::domain::Kind;
use axum::http::StatusCode;

impl Api {
    /// Asks for the work on an image to stop.
    pub(super) async fn cancel(&self, head: &Head, kind: Kind, id: &str) -> Answer {
        let image = self.find(kind, id, false).await?;
        let image = self.factory.cancel(&image.id).await.map_err(|error| Problem::of(&error))?;
        let path = head.path.trim_end_matches("/cancel");
        let href = format!("{}{path}", head.origin);
        Ok(json_answer(StatusCode::ACCEPTED, &image_view::created(&image, &href)))
    }
}
