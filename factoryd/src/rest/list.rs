//! Lists of images. Without a limit all of a list is answered, as Image Factory does: piece by piece if it is long.

use super::address::word;
use super::problem::Problem;
use super::{Answer, Api, Head, image_view, json_answer};
use crate::domain::{ImageId, Kind, Status};
use crate::factory::{Error, Factory, ImageFilter, ListRequest, Listed, Page};
use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use futures_util::stream::{self, Stream};

/// How many images a page has at most, and a piece of an answer that is longer.
const LIMIT_MAX: usize = 1000;
/// How many images may be left out.
const OFFSET_MAX: usize = 1_000_000_000;
/// How many images there are on all pages together.
const TOTAL: HeaderName = HeaderName::from_static("x-total-count");

impl Api {
    /// Lists a collection, or what of it was made from one image.
    pub(super) async fn list(&self, head: &Head, kind: Kind, parent: Option<&String>) -> Answer {
        let limit = head.query.number("limit", 1..=LIMIT_MAX)?;
        let offset = head.query.number("offset", 0..=OFFSET_MAX)?.unwrap_or(0);
        let page = Page { after: None, offset, limit: Some(limit.unwrap_or(LIMIT_MAX)) };
        let address = format!("{}{}", head.origin, head.path);
        let Some(filter) = filter(head, kind, parent)? else {
            let mut response = whole(kind, &[], &address);
            response.headers_mut().insert(TOTAL, HeaderValue::from(0));
            return Ok(response);
        };
        let total = self.factory.count(&filter).await.map_err(|error| Problem::of(&error))?;
        let request = ListRequest { filter, page };
        let listed = self.factory.image_ids(&request).await;
        let listed = listed.map_err(|error| Problem::of(&error))?;
        let next = match limit {
            Some(_) if listed.more => next_page(head, &address, offset + listed.items.len()),
            _ => None,
        };
        let mut response = if limit.is_none() && listed.more {
            let pieces = Pieces { factory: self.factory.clone(), request, kind, address };
            pieces.into_response(listed)
        } else {
            whole(kind, &listed.items, &address)
        };
        response.headers_mut().insert(TOTAL, HeaderValue::from(total));
        response.headers_mut().extend(next.map(|link| (header::LINK, link)));
        Ok(response)
    }
}

/// Answers what is asked for; `None` if that can't exist.
fn filter(
    head: &Head,
    kind: Kind,
    parent: Option<&String>,
) -> Result<Option<ImageFilter>, Problem> {
    let text = |name| head.query.text(name).map(str::to_owned);
    let filter = ImageFilter {
        kind: Some(kind),
        status: status(head)?,
        parent: None,
        target: text("target"),
        provider: text("provider"),
        name: text("name"),
        id_prefix: None,
        include_deleted: head.query.flag("deleted", false)?,
    };
    // A parent that is no id has no children, like one that does not exist.
    Ok(match parent.map(|id| ImageId::parse(id)) {
        None => Some(filter),
        Some(Ok(id)) => Some(ImageFilter { parent: Some(id), ..filter }),
        Some(Err(_)) => None,
    })
}

fn status(head: &Head) -> Result<Option<Status>, Problem> {
    let Some(text) = head.query.text("status") else { return Ok(None) };
    let known = || Status::ALL.map(Status::as_str).join(", ");
    let wrong = || Problem::malformed(format!("status must be one of {}", known()));
    Status::parse(&text.to_ascii_uppercase()).map(Some).ok_or_else(wrong)
}

fn whole(kind: Kind, images: &[ImageId], address: &str) -> Response {
    json_answer(StatusCode::OK, &image_view::listed(kind, images, address))
}

fn next_page(head: &Head, address: &str, offset: usize) -> Option<HeaderValue> {
    let query = head.query.with("offset", &offset.to_string());
    HeaderValue::try_from(format!("<{address}?{query}>; rel=\"next\"")).ok()
}

/// An answer that is longer than what one wants in memory.
struct Pieces {
    factory: Factory,
    request: ListRequest,
    kind: Kind,
    address: String,
}

impl Pieces {
    fn into_response(self, first: Listed<ImageId>) -> Response {
        let body = Body::from_stream(self.pieces(first));
        let mut response = Response::new(body);
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response
    }

    fn pieces(mut self, first: Listed<ImageId>) -> impl Stream<Item = Result<Bytes, Error>> {
        let opening = format!("{{\"{}\":[", word(self.kind).collection);
        self.request.page.offset = 0;
        let state = Some((self, opening, Some(first)));
        stream::try_unfold(state, async |state| {
            let Some((mut pieces, opening, listed)) = state else { return Ok(None) };
            let listed = match listed {
                Some(first) => first,
                None => pieces.factory.image_ids(&pieces.request).await?,
            };
            let piece = opening + &pieces.entries(&listed);
            pieces.request.page.after = listed.items.last().cloned();
            let rest = listed.more.then(|| (pieces, ",".to_owned(), None));
            Ok(Some((Bytes::from(piece), rest)))
        })
    }

    fn entries(&self, listed: &Listed<ImageId>) -> String {
        let entry = |id| image_view::entry(self.kind, id, &self.address).to_string();
        let entries: Vec<String> = listed.items.iter().map(entry).collect();
        entries.join(",") + if listed.more { "" } else { "]}" }
    }
}
