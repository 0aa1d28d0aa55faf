//! Reading images: lists and one.

use super::problem::Problem;
use super::{Answer, Api, Head, image_view, json_answer, range};
use crate::domain::{Image, ImageId, Kind, Status};
use crate::factory::ListRequest;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use sha2::{Digest, Sha256};

/// How many images a page has at most.
const LIMIT_MAX: usize = 1000;
/// How many images may be left out.
const OFFSET_MAX: usize = 1_000_000_000;
/// How many images there are on all pages together.
const TOTAL: HeaderName = HeaderName::from_static("x-total-count");

impl Api {
    /// Lists a collection, or what of it was made from one image. Without `limit`, all of it, as Image Factory does.
    pub(super) async fn list(&self, head: &Head, kind: Kind, parent: Option<&String>) -> Answer {
        let limit = head.query.number("limit", 1..=LIMIT_MAX)?;
        let offset = head.query.number("offset", 0..=OFFSET_MAX)?.unwrap_or(0);
        let images = self.matching(head, kind, parent).await?;
        let total = images.len();
        let page: Vec<Image> =
            images.into_iter().skip(offset).take(limit.unwrap_or(usize::MAX)).collect();
        let address = format!("{}{}", head.origin, head.path);
        let mut response = json_answer(StatusCode::OK, &image_view::listed(kind, &page, &address));
        response.headers_mut().insert(TOTAL, HeaderValue::from(total));
        let next = offset.saturating_add(page.len());
        if limit.is_some() && next < total {
            let query = head.query.with("offset", &next.to_string());
            let link = format!("<{address}?{query}>; rel=\"next\"");
            if let Ok(link) = HeaderValue::try_from(link) {
                response.headers_mut().insert(header::LINK, link);
            }
        }
        Ok(response)
    }

    async fn matching(
        &self,
        head: &Head,
        kind: Kind,
        parent: Option<&String>,
    ) -> Result<Vec<Image>, Problem> {
        let (status, include_deleted) = (status(head)?, head.query.flag("deleted", false)?);
        // A parent that is no id has no children, like one that does not exist.
        let parent = match parent.map(|id| ImageId::parse(id)) {
            Some(Err(_)) => return Ok(Vec::new()),
            Some(Ok(id)) => Some(id),
            None => None,
        };
        let request = ListRequest { kind: Some(kind), status, parent, include_deleted };
        let listed = self.factory.images(request).await;
        let mut images = listed.map_err(|error| Problem::of(&error))?;
        let wanted = |name: &str, value: Option<&str>| {
            head.query.text(name).is_none_or(|wanted| value == Some(wanted))
        };
        images.retain(|image| {
            wanted("target", image.target.as_deref())
                && wanted("provider", image.provider.as_deref())
                && wanted("name", Some(&image.name))
        });
        Ok(images)
    }

    /// Shows an image with its family. Its `ETag` changes when anything in the answer does.
    pub(super) async fn show(&self, head: &Head, kind: Kind, id: &str) -> Answer {
        let image = self.find(kind, id, head.query.flag("deleted", false)?).await?;
        let request = ListRequest { parent: Some(image.id.clone()), ..ListRequest::default() };
        let children = self.factory.images(request).await;
        let children = children.map_err(|error| Problem::of(&error))?;
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

fn status(head: &Head) -> Result<Option<Status>, Problem> {
    let Some(text) = head.query.text("status") else { return Ok(None) };
    let known = || Status::ALL.map(Status::as_str).join(", ");
    let wrong = || Problem::malformed(format!("status must be one of {}", known()));
    Status::parse(&text.to_ascii_uppercase()).map(Some).ok_or_else(wrong)
}

fn tag(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let digits: String = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{digits}\"")
}
