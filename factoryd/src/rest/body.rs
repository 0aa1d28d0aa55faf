//! Bodies of requests: JSON, a form, or a form in parts. What can't be read creates nothing.

use super::problem::Problem;
use super::query::pairs;
use super::receive::{Received, Receiver, Room};
use crate::domain::Parameters;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use futures_util::stream;
use serde_json::{Map, Value};

/// The media type of a form that is not in parts.
const FORM: &str = "application/x-www-form-urlencoded";
/// So many fields a form may have.
const FIELDS_MAX: usize = 100;
/// So many values JSON may have: in memory, each is much larger than its text.
const VALUES_MAX: usize = 10_000;

/// What a request says: the fields of one image.
#[derive(Debug, Default)]
pub(super) struct Fields {
    fields: Map<String, Value>,
    /// What the fields take of the memory for bodies.
    _room: Option<Room>,
}

/// Reads a body as the API does once it is there; `key` is what its JSON form is wrapped in. A server has no need of it:
/// it is for those who throw bytes at the reader to see what happens.
///
/// # Errors
/// What a client would be told.
pub async fn fields(
    content_type: &str,
    body: Vec<u8>,
    key: &str,
) -> Result<Map<String, Value>, String> {
    let content_type = HeaderValue::try_from(content_type).map_err(|error| error.to_string())?;
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, content_type)]);
    let read = read(&headers, body.into(), key).await;
    read.map_err(|problem| problem.text())
}

impl Fields {
    /// Receives a body whose JSON form is wrapped in `key`. Empty fields are the caller's to refuse.
    pub(super) async fn receive(
        receiver: &Receiver,
        headers: &HeaderMap,
        body: Body,
        key: &str,
    ) -> Result<Self, Problem> {
        let Received { bytes, room } = receiver.receive(headers, body).await?;
        Ok(Self { fields: read(headers, bytes, key).await?, _room: room })
    }

    /// Receives a body that may be missing, and whose wrapper may be too.
    pub(super) async fn receive_optional(
        receiver: &Receiver,
        headers: &HeaderMap,
        body: Body,
        key: &str,
    ) -> Result<Self, Problem> {
        let Received { bytes, room } = receiver.receive(headers, body).await?;
        let is_json = media_type(headers).as_deref() == Some("application/json");
        let fields = match is_json {
            true if bytes.trim_ascii().is_empty() => Map::new(),
            true => match json(&bytes)? {
                Value::Object(bare) if !bare.contains_key(key) => bare,
                value => unwrapped(value, key),
            },
            false => read(headers, bytes, key).await?,
        };
        Ok(Self { fields, _room: room })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Answers a text; nothing if it is missing, null or empty.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, Problem> {
        match self.fields.get(name) {
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
        match self.fields.get("parameters") {
            None | Some(Value::Null) => Ok(Parameters::default()),
            Some(Value::Object(parameters)) => Ok(Parameters(parameters.clone())),
            Some(_) => Err(Problem::malformed("parameters must be an object")),
        }
    }
}

async fn read(headers: &HeaderMap, bytes: Bytes, key: &str) -> Result<Map<String, Value>, Problem> {
    match media_type(headers).as_deref() {
        Some("application/json") => Ok(unwrapped(json(&bytes)?, key)),
        Some(FORM) => {
            let text = std::str::from_utf8(&bytes).ok();
            let pairs = text.and_then(|text| pairs(text, FIELDS_MAX));
            form(pairs.ok_or_else(|| Problem::malformed("the form is not UTF-8"))?)
        }
        Some("multipart/form-data") => form(parts(headers, bytes).await?),
        Some(other) => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "UNSUPPORTED_MEDIA_TYPE",
            format!("Requests in {} are unsupported", printable(other)),
        )
        .hint("use application/json, application/x-www-form-urlencoded or multipart/form-data")),
        None if bytes.is_empty() => Ok(Map::new()),
        None => Err(Problem::malformed("the request has no Content-Type")),
    }
}

/// Answers the fields of a form; parameters are JSON in one of them.
fn form(pairs: Vec<(String, String)>) -> Result<Map<String, Value>, Problem> {
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
    Ok(fields)
}

/// Tells whether the body is a form as browsers send it, not in parts.
pub(super) fn is_form(headers: &HeaderMap) -> bool {
    media_type(headers).as_deref() == Some(FORM)
}

/// Answers the media type without its parameters, in lower case.
fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?;
    let text = String::from_utf8_lossy(value.as_bytes());
    Some(text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

/// Reads JSON. The parser refuses text nested deeper than 128 levels.
fn json(bytes: &[u8]) -> Result<Value, Problem> {
    if VALUES_MAX < values_at_most(bytes) {
        return Err(Problem::malformed(format!("the JSON has more than {VALUES_MAX} values")));
    }
    serde_json::from_slice(bytes)
        .map_err(|error| Problem::malformed(format!("the body is not valid JSON: {error}")))
}

/// Answers a number that JSON has no more values than: each but the first follows a bracket, a comma or a colon.
fn values_at_most(bytes: &[u8]) -> usize {
    let (mut values, mut in_text, mut escaped) = (1, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' | b',' | b':' if !in_text => values += 1,
            _ => {}
        }
    }
    values
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

    #[test]
    fn values_are_counted_outside_of_texts() {
        assert_eq!(values_at_most(br#"{"a":[1,{}],"b":"x,[\",:"}"#), 8);
        assert!(json(format!("[{}1]", "1,".repeat(VALUES_MAX - 2)).as_bytes()).is_ok());
        assert!(json(format!("[{}1]", "1,".repeat(VALUES_MAX)).as_bytes()).is_err());
        let text = format!("\"{}\"", ",".repeat(VALUES_MAX * 2));
        assert!(json(text.as_bytes()).is_ok());
    }
}
