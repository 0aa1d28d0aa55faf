//! Bodies of requests: JSON, a form, or a form in parts. What can't be read creates nothing.

use super::problem::Problem;
use super::query::pairs;
use crate::domain::Parameters;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, StatusCode, header};
use futures_util::stream;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::{Map, Value};
use std::time::Duration;

/// The largest body, in bytes.
const BODY_LEN_MAX: usize = 16 * 1024 * 1024;
/// How long a client may take to send it.
const BODY_DEADLINE: Duration = Duration::from_secs(60);
/// So many fields a form may have.
const FIELDS_MAX: usize = 100;

/// What a request says: the fields of one image.
#[derive(Debug, Default)]
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    /// Reads a body whose JSON form is wrapped in `key`. Empty fields are the caller's to refuse.
    pub(super) async fn read(headers: &HeaderMap, body: Body, key: &str) -> Result<Self, Problem> {
        let bytes = collect(headers, body).await?;
        match media_type(headers).as_deref() {
            Some("application/json") => Ok(Self(unwrapped(json(&bytes)?, key))),
            Some("application/x-www-form-urlencoded") => {
                let text = std::str::from_utf8(&bytes).ok();
                let pairs = text.and_then(pairs);
                Self::of(pairs.ok_or_else(|| Problem::malformed("the form is not UTF-8"))?)
            }
            Some("multipart/form-data") => Self::of(parts(headers, bytes).await?),
            Some(other) => Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "UNSUPPORTED_MEDIA_TYPE",
                format!("Requests in {} are unsupported", printable(other)),
            )
            .hint(
                "use application/json, application/x-www-form-urlencoded or multipart/form-data",
            )),
            None if bytes.is_empty() => Ok(Self::default()),
            None => Err(Problem::malformed("the request has no Content-Type")),
        }
    }

    /// Reads a body that may be missing, and whose wrapper may be too.
    pub(super) async fn read_optional(
        headers: &HeaderMap,
        body: Body,
        key: &str,
    ) -> Result<Self, Problem> {
        if media_type(headers).as_deref() != Some("application/json") {
            return Self::read(headers, body, key).await;
        }
        let bytes = collect(headers, body).await?;
        if bytes.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        match json(&bytes)? {
            Value::Object(bare) if !bare.contains_key(key) => Ok(Self(bare)),
            value => Ok(Self(unwrapped(value, key))),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Answers a text; nothing if it is missing, null or empty.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, Problem> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Problem::malformed(format!("{name} must be a string"))),
        }
    }

    /// Answers a name: a short text without control characters.
    pub(super) fn name(&self, name: &str) -> Result<Option<&str>, Problem> {
        match self.text(name)? {
            Some(text) if text.contains('\0') => {
                Err(Problem::malformed(format!("{name} contains a NUL")))
            }
            text => Ok(text),
        }
    }

    /// Answers the parameters.
    pub(super) fn parameters(&self) -> Result<Parameters, Problem> {
        match self.0.get("parameters") {
            None | Some(Value::Null) => Ok(Parameters::default()),
            Some(Value::Object(parameters)) => Ok(Parameters(parameters.clone())),
            Some(_) => Err(Problem::malformed("parameters must be an object")),
        }
    }

    /// Takes the fields of a form; parameters are JSON in one of them.
    fn of(pairs: Vec<(String, String)>) -> Result<Self, Problem> {
        if FIELDS_MAX < pairs.len() {
            return Err(Problem::malformed(format!("a form has at most {FIELDS_MAX} fields")));
        }
        let mut fields = Map::new();
        for (name, text) in pairs {
            let value = match name.as_str() {
                "parameters" if text.trim().is_empty() => Value::Null,
                "parameters" => json(text.as_bytes())?,
                _ => Value::String(text),
            };
            fields.insert(name, value);
        }
        Ok(Self(fields))
    }
}

async fn collect(headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    if headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        let message = "compressed requests are unsupported";
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Err(Problem::new(status, "UNSUPPORTED_MEDIA_TYPE", message));
    }
    // What is too large by its own account is not waited for.
    if body.size_hint().lower() > BODY_LEN_MAX as u64 {
        return Err(too_large());
    }
    let body = Limited::new(body, BODY_LEN_MAX).collect();
    match tokio::time::timeout(BODY_DEADLINE, body).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(error)) => Err(Problem::malformed(format!("the body can't be read: {error}"))),
        Err(_) => {
            let message = format!("the body did not arrive within {} s", BODY_DEADLINE.as_secs());
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "TOO_SLOW", message))
        }
    }
}

fn too_large() -> Problem {
    let message = format!("the body is larger than {BODY_LEN_MAX} bytes");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "TOO_LARGE", message)
}

/// Answers the media type without its parameters, in lower case.
fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?;
    let text = String::from_utf8_lossy(value.as_bytes());
    Some(text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

/// Reads JSON. The parser refuses text nested deeper than 128 levels.
fn json(bytes: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice(bytes)
        .map_err(|error| Problem::malformed(format!("the body is not valid JSON: {error}")))
}

fn unwrapped(value: Value, key: &str) -> Map<String, Value> {
    match value {
        Value::Object(mut wrapper) => match wrapper.remove(key) {
            Some(Value::Object(fields)) => fields,
            _ => Map::new(),
        },
        _ => Map::new(),
    }
}

async fn parts(headers: &HeaderMap, bytes: Bytes) -> Result<Vec<(String, String)>, Problem> {
    let unreadable = |error| Problem::malformed(format!("the form can't be read: {error}"));
    let value = headers.get(header::CONTENT_TYPE).map(|value| value.as_bytes());
    let value = String::from_utf8_lossy(value.unwrap_or_default()).into_owned();
    let boundary = multer::parse_boundary(value).map_err(unreadable)?;
    let whole = stream::iter([Ok::<_, std::convert::Infallible>(bytes)]);
    let mut form = multer::Multipart::new(whole, boundary);
    let mut pairs = Vec::new();
    while let Some(field) = form.next_field().await.map_err(unreadable)? {
        let name = field.name().unwrap_or_default().to_owned();
        let bytes = field.bytes().await.map_err(unreadable)?;
        let text = std::str::from_utf8(&bytes);
        let text = text.map_err(|_| Problem::malformed("a field of the form is not UTF-8"))?;
        pairs.push((name, text.to_owned()));
        if FIELDS_MAX < pairs.len() {
            break;
        }
    }
    Ok(pairs)
}

fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_arrive_is_not_waited_for_for_ever() {
        let never = Body::from_stream(stream::pending::<Result<Bytes, std::convert::Infallible>>());
        let problem = Fields::read(&HeaderMap::new(), never, "base_image").await.unwrap_err();
        let response = problem.into_response(crate::rest::problem::Wanted::Text);
        assert_eq!(response.status(), StatusCode::REQUEST_TIMEOUT);
    }

    #[tokio::test]
    async fn a_body_without_a_known_length_has_a_limit_too() {
        let chunk = Ok::<_, std::convert::Infallible>(Bytes::from(vec![b'x'; 1024 * 1024]));
        let endless = Body::from_stream(stream::repeat(chunk));
        let problem = Fields::read(&HeaderMap::new(), endless, "base_image").await.unwrap_err();
        let response = problem.into_response(crate::rest::problem::Wanted::Text);
        assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    }
}
