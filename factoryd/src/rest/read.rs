//! Reading one image.

use super::problem::Problem;
use super::{Answer, Api, Head, image_view, json_answer, range};
use crate::domain::Kind;
use crate::factory::{ImageFilter, ListRequest};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use sha2::{Digest, Sha256};

impl Api {
    /// Shows an image with its family. Its `ETag` changes when anything in the answer does.
    pub(super) async fn show(&self, head: &Head, kind: Kind, id: &str) -> Answer {
        let image = self.find(kind, id, head.query.flag("deleted", false)?).await?;
        let filter = ImageFilter { parent: Some(image.id.clone()), ..ImageFilter::default() };
        let request = ListRequest { filter, ..ListRequest::default() };
        let children = self.factory.image_ids(&request).await;
        let children = children.map_err(|error| Problem::of(&error))?.items;
        let href = format!("{}{}", head.origin, head.path);
        let value = image_view::shown(&image, &href, &head.origin, &children);
        let tag = tag(&value.to_string());
        let mut response = if range::names_tag(&head.headers, header::IF_NONE_MATCH, &tag) {
            let mut unchanged = Response::default();
            *unchanged.status_mut() = StatusCode::NOT_MODIFIED;
            unchanged
        } else {
            json_answer(StatusCode::OK, &value)
        };
        if let Ok(tag) = HeaderValue::try_from(tag) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        Ok(response)
    }
}

fn tag(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let digits: String = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{digits}\"")
}
