//! What goes wrong, as an answer: a status and a message, or a problem document (RFC 9457) for who asks for one.

use super::address::Address;
use crate::domain::{Failure, Fault};
use crate::factory::Error;
use crate::report::chain;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use serde_json::{Map, Value};

const PROBLEM: &str = "application/problem+json";
/// When to ask again for an image if too many wait.
const BUSY_RETRY_SECONDS: u32 = 60;

/// A request that is not answered as its client hoped.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    /// What happened: its reason is a stable name for programs.
    failure: Box<Failure>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// How a client wants to be told of a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Text,
    Document,
}

impl Wanted {
    /// Answers what a request's `Accept` wants.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let document = accepts(headers).any(|accept| accept.contains(PROBLEM));
        if document { Self::Document } else { Self::Text }
    }
}

impl Problem {
    /// Makes a problem of a status, a stable name and a message.
    pub(super) fn new(status: StatusCode, reason: &str, message: impl Into<String>) -> Self {
        let failure = Box::new(Failure::new(Fault::User, reason, message));
        Self { status, failure, headers: Vec::new() }
    }

    /// The request can't be read.
    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST", message)
    }

    /// There is no image of this type.
    pub(super) fn not_found(type_name: &str, id: &str) -> Self {
        let id: String = id.chars().take(100).collect();
        let message = format!("No {type_name} found with id: {id}");
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", message)
    }

    /// There is no such collection.
    pub(super) fn unknown_collection(name: &str) -> Self {
        let name: String = name.chars().take(100).collect();
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", format!("{name} not found"))
    }

    /// There is nothing at all at this path.
    pub(super) fn no_such_address(path: &str) -> Self {
        let path: String = path.chars().take(200).collect();
        let message = format!("Not found: '{path}'");
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", message)
    }

    /// There is something, but not this.
    pub(super) fn method(method: &Method, allowed: &[Method]) -> Self {
        let allowed = allowed.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
        let message = format!("Method {method} not allowed: use one of {allowed}");
        let allow = HeaderValue::try_from(allowed).ok().map(|allowed| (header::ALLOW, allowed));
        let problem = Self::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", message);
        Self { headers: allow.into_iter().collect(), ..problem }
    }

    /// It can't be served now, but perhaps in some seconds.
    pub(super) fn busy(message: &str, retry_after_seconds: u32) -> Self {
        let retry = (header::RETRY_AFTER, HeaderValue::from(retry_after_seconds));
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "BUSY", message);
        Self { headers: vec![retry], ..problem }
    }

    /// It was never made.
    pub(super) fn not_implemented(path: &str) -> Self {
        let message = format!("{path} is not implemented");
        Self::new(StatusCode::NOT_IMPLEMENTED, "NOT_IMPLEMENTED", message)
    }

    /// Answers what a client is told of an error of the factory.
    pub(super) fn of(error: &Error) -> Self {
        let told = |status, reason| Self::new(status, reason, chain(error).to_string());
        match error {
            Error::NotFound(_) | Error::NoResource(_) | Error::Kind { .. } => {
                told(StatusCode::NOT_FOUND, "NOT_FOUND")
            }
            Error::NotLeftOver { .. } => told(StatusCode::CONFLICT, "NOT_LEFT_OVER"),
            Error::Status { .. } => told(StatusCode::CONFLICT, "WRONG_STATUS"),
            Error::HasChildren { .. } => told(StatusCode::CONFLICT, "HAS_CHILDREN"),
            Error::Template(_) => told(StatusCode::BAD_REQUEST, "TEMPLATE_INVALID"),
            Error::NoDelegate(_) => told(StatusCode::BAD_REQUEST, "NO_PLUGIN"),
            Error::Refused(_) => told(StatusCode::BAD_REQUEST, "REFUSED_BY_PLUGIN"),
            Error::Invalid(_) => told(StatusCode::BAD_REQUEST, Failure::INVALID_PARAMETERS),
            Error::Callback(failure) | Error::Secret(failure) | Error::Retry(failure) => {
                let (status, failure) = (StatusCode::BAD_REQUEST, failure.clone());
                Self { status, failure, headers: Vec::new() }
            }
            Error::Plugin(failure) => {
                let failure = failure.clone();
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                Self { status, failure, headers: Vec::new() }
            }
            Error::Busy(_) => {
                let retry = (header::RETRY_AFTER, HeaderValue::from(BUSY_RETRY_SECONDS));
                let problem = told(StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_WAIT");
                Self { headers: vec![retry], ..problem }
            }
            Error::ShuttingDown => told(StatusCode::SERVICE_UNAVAILABLE, "SHUTTING_DOWN"),
            Error::Store(store) if store.is_full() => {
                let message = chain(store).to_string();
                Self::new(StatusCode::INSUFFICIENT_STORAGE, "NO_SPACE", message)
            }
            Error::Store(_) => {
                tracing::error!(error = %chain(error), "the store failed a request");
                let message = "the store failed; the log of the daemon says more";
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "STORE", message)
            }
        }
    }

    /// Adds what to do about it.
    pub(super) fn hint(mut self, hint: &str) -> Self {
        hint.clone_into(&mut self.failure.hint);
        self
    }

    /// Adds a way in.
    pub(super) fn challenge(mut self, challenge: HeaderValue) -> Self {
        self.headers.push((header::WWW_AUTHENTICATE, challenge));
        self
    }

    /// Answers the response.
    pub(super) fn into_response(self, wanted: Wanted) -> Response {
        let (media_type, body) = match wanted {
            Wanted::Text => ("text/plain; charset=UTF-8", self.text()),
            Wanted::Document => (PROBLEM, self.document().to_string()),
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.extend(self.headers);
        response
    }

    /// Answers the message and what to do about it.
    pub(super) fn text(&self) -> String {
        let message = self.failure.to_string();
        if self.failure.hint.is_empty() {
            message
        } else {
            format!("{message} ({})", self.failure.hint)
        }
    }

    /// Answers the problem document.
    pub(super) fn document(&self) -> Value {
        let mut members = Map::new();
        let title = self.status.canonical_reason().unwrap_or_default();
        members.insert("type".to_owned(), Value::from("about:blank"));
        members.insert("title".to_owned(), Value::from(title));
        members.insert("status".to_owned(), Value::from(self.status.as_u16()));
        members.insert("detail".to_owned(), Value::from(self.failure.to_string()));
        members.insert("reason".to_owned(), Value::from(self.failure.reason.as_str()));
        if !self.failure.hint.is_empty() {
            members.insert("hint".to_owned(), Value::from(self.failure.hint.as_str()));
        }
        Value::Object(members)
    }
}

/// Refuses a client that can't read what it would get. A file is of any type, a page is for browsers.
pub(super) fn require_accept(headers: &HeaderMap, address: &Address) -> Result<(), Problem> {
    let readable = |accept: &str| {
        let known = ["*/*", "application/*", "application/json", PROBLEM];
        let events = matches!(address, Address::Events { .. });
        known.iter().any(|known| accept.contains(known))
            || events && (accept.contains("text/event-stream") || accept.contains("text/*"))
    };
    let mut accepts = accepts(headers).peekable();
    let any =
        matches!(address, Address::RawImage { .. } | Address::Docs) || accepts.peek().is_none();
    let first: String =
        accepts.peek().map(|text| text.chars().take(100).collect()).unwrap_or_default();
    if any || accepts.any(|accept| readable(&accept)) {
        return Ok(());
    }
    let message = format!("Responses in {first} are currently unsupported.");
    Err(Problem::new(StatusCode::NOT_ACCEPTABLE, "NOT_ACCEPTABLE", message))
}

fn accepts(headers: &HeaderMap) -> impl Iterator<Item = String> {
    let values = headers.get_all(header::ACCEPT).iter();
    values.map(|value| String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase())
}
