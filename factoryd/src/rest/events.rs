//! Following an image: everything after a cursor, at once (long poll) or as it happens (server-sent events).

use super::event_view::event_json;
use super::problem::Problem;
use super::{Answer, Api, Head, json_answer};
use crate::domain::{Event, Image, Kind};
use crate::factory::{Error, WatchRequest};
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;
use tokio_stream::StreamExt as _;

/// How long a client may wait for the next event, in seconds.
const WAIT_MAX: u64 = 60;
/// How many events an answer has at most, and has if the client does not say.
const LIMIT_MAX: usize = 1000;
/// How often a stream without news shows that it is alive.
const BEAT: Duration = Duration::from_secs(15);

impl Api {
    /// Answers the events of an image after a cursor: a stream for who accepts `text/event-stream`, else a page.
    pub(super) async fn events(&self, head: &Head, kind: Kind, id: &str) -> Answer {
        let image = self.find(kind, id, true).await?;
        let request = WatchRequest {
            images: vec![image.id.clone()],
            after: after(head)?,
            follow: false,
            logs: head.query.flag("logs", true)?,
        };
        let accept = head.headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
        if accept.is_some_and(|accept| accept.contains("text/event-stream")) {
            return Ok(self.follow(head, &image, request));
        }
        let wait = head.query.number("wait", 0..=WAIT_MAX)?.unwrap_or(0);
        let limit = head.query.number("limit", 1..=LIMIT_MAX)?.unwrap_or(LIMIT_MAX);
        let page = self.page(kind, id, request, Duration::from_secs(wait), limit).await?;
        Ok(json_answer(StatusCode::OK, &page))
    }

    async fn page(
        &self,
        kind: Kind,
        id: &str,
        request: WatchRequest,
        wait: Duration,
        limit: usize,
    ) -> Result<Value, Problem> {
        let mut read = self.read_events(kind, id, &request, limit).await?;
        if read.0.is_empty() && !read.1 && !wait.is_zero() {
            self.wait_for_event(&request, wait).await;
            read = self.read_events(kind, id, &request, limit).await?;
        }
        let (events, settled) = read;
        let next = events.last().map_or(request.after, |last| last.cursor);
        let settled = settled && events.len() < limit;
        let events: Vec<Value> = events.into_iter().map(event_json).collect();
        Ok(json!({ "events": events, "next": next, "settled": settled }))
    }

    /// Answers what there is now, and whether the image was settled before: then there is nothing more to come.
    async fn read_events(
        &self,
        kind: Kind,
        id: &str,
        request: &WatchRequest,
        limit: usize,
    ) -> Result<(Vec<Event>, bool), Problem> {
        let settled = self.find(kind, id, true).await?.status.is_settled();
        let events = self.factory.watch(request.clone());
        let events: Result<Vec<Event>, Error> = StreamExt::take(events, limit).try_collect().await;
        Ok((events.map_err(|error| Problem::of(&error))?, settled))
    }

    /// Waits until there is something to read, or the image is settled, or it is enough.
    async fn wait_for_event(&self, request: &WatchRequest, wait: Duration) {
        let mut events = pin!(self.factory.watch(WatchRequest { follow: true, ..request.clone() }));
        tokio::select! {
            _ = StreamExt::next(&mut events) => {}
            () = tokio::time::sleep(wait) => {}
            () = self.stop.cancelled() => {}
        }
    }

    /// Streams events until the image is settled; then one named `end`, after which a client should not come back.
    fn follow(&self, head: &Head, image: &Image, request: WatchRequest) -> Response {
        let returns = head.headers.contains_key("last-event-id");
        if returns && image.status.is_settled() && image.last_cursor <= request.after {
            // What ends the reconnecting of browsers.
            let mut nothing = Response::default();
            *nothing.status_mut() = StatusCode::NO_CONTENT;
            return nothing;
        }
        let events = self.factory.watch(WatchRequest { follow: true, ..request });
        let frames = StreamExt::map(events, |event| match event {
            Ok(event) => frame(event),
            Err(error) => named("error", &Problem::of(&error).document()),
        });
        let end = stream::once(std::future::ready(named("end", &json!({}))));
        let frames = StreamExt::chain(frames, end).take_until(self.stop.clone().cancelled_owned());
        let alive = frames.timeout_repeating(tokio::time::interval(BEAT));
        let text = StreamExt::map(alive, |frame| {
            Ok::<_, Infallible>(frame.unwrap_or_else(|_| ": still here\n\n".to_owned()))
        });
        let mut response = Response::new(Body::from_stream(text));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

/// The cursor to go on from. A browser that comes back says it in a header.
fn after(head: &Head) -> Result<u64, Problem> {
    // Cursors are whole numbers that SQLite can hold.
    let asked = head.query.number("after", 0..=i64::MAX as u64)?;
    let seen = head.headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    Ok(seen.filter(|seen| *seen <= i64::MAX as u64).or(asked).unwrap_or(0))
}

fn frame(event: Event) -> String {
    let cursor = event.cursor;
    let value = event_json(event);
    let name = value["type"].as_str().unwrap_or("message").to_owned();
    format!("id: {cursor}\n{}", named(&name, &value))
}

/// JSON has no line ends outside of its strings, and none inside them.
fn named(name: &str, data: &Value) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}
