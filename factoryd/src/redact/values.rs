//! The values in secrets that are documents: who gets `{"password": "x"}` prints `x`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::Value;
use std::collections::BTreeSet;

/// Shorter values in a document, in bytes, are no secrets.
const LEN_MIN: usize = 6;

/// How deep documents may lie in each other: JSON in base64 in JSON.
const DEPTH_MAX: usize = 4;

/// What values are called that are no secrets, and without which no message of a provider makes sense.
const PUBLIC: &[&str] = &[
    "user",
    "username",
    "user_name",
    "login",
    "email",
    "region",
    "zone",
    "location",
    "endpoint",
    "host",
    "hostname",
    "server",
    "serveraddress",
    "registry",
    "port",
    "type",
    "name",
    "provider",
    "project",
    "bucket",
];

/// Answers the secrets and the values in them.
pub(super) fn of_all<'s>(secrets: impl IntoIterator<Item = &'s str>) -> BTreeSet<String> {
    let mut values = BTreeSet::new();
    for secret in secrets {
        values.insert(secret.trim().to_owned());
        within(secret.trim(), DEPTH_MAX, &mut values);
    }
    values
}

/// Adds the values in a document; in what is none, there are none.
fn within(text: &str, depth: usize, values: &mut BTreeSet<String>) {
    let Some(depth) = depth.checked_sub(1) else { return };
    match serde_json::from_str(text) {
        Ok(document @ (Value::Object(_) | Value::Array(_))) => json(&document, depth, values),
        _ if text.starts_with('<') => xml(text, depth, values),
        _ => {
            values.extend(password(text));
            if let Some(decoded) = decoded(text) {
                leaf(&decoded, depth, values);
            }
        }
    }
}

fn json(document: &Value, depth: usize, values: &mut BTreeSet<String>) {
    match document {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) if is_public(name) => values.extend(password(text)),
                    Value::Number(_) if is_public(name) => {}
                    other => json(other, depth, values),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| json(item, depth, values)),
        Value::String(text) => leaf(text, depth, values),
        Value::Number(number) => leaf(&number.to_string(), depth, values),
        Value::Null | Value::Bool(_) => {}
    }
}

fn xml(text: &str, depth: usize, values: &mut BTreeSet<String>) {
    let mut reader = Reader::from_str(text);
    let (mut name, mut inner) = (String::new(), String::new());
    loop {
        let event = reader.read_event();
        if !matches!(event, Ok(Event::Text(_) | Event::CData(_) | Event::GeneralRef(_))) {
            let inner = std::mem::take(&mut inner);
            if !is_public(&name) {
                leaf(&inner, depth, values);
            }
            name.clear();
        }
        match event {
            Ok(Event::Start(tag) | Event::Empty(tag)) => {
                name.push_str(tag.local_name().as_ref());
                let attributes = tag.attributes().flatten();
                let secret = attributes.filter(|it| !is_public(it.key.local_name().as_ref()));
                secret.for_each(|it| leaf(&plain(&it.value), depth, values));
            }
            Ok(Event::Text(text)) => inner.push_str(&text),
            Ok(Event::CData(text)) => inner.push_str(&text),
            Ok(Event::GeneralRef(entity)) => inner.push_str(&plain(&format!("&{};", &*entity))),
            Ok(Event::Eof) | Err(_) => return,
            Ok(_) => {}
        }
    }
}

fn plain(text: &str) -> String {
    quick_xml::escape::unescape(text).map_or_else(|_| text.to_owned(), |text| text.into_owned())
}

fn leaf(text: &str, depth: usize, values: &mut BTreeSet<String>) {
    let text = text.trim();
    if text.len() < LEN_MIN {
        return;
    }
    values.insert(text.to_owned());
    within(text, depth, values);
}

fn is_public(name: &str) -> bool {
    PUBLIC.iter().any(|public| name.eq_ignore_ascii_case(public))
}

/// Answers the password in `user:password` and in `scheme://user:password@host`.
fn password(text: &str) -> Option<String> {
    if text.contains(char::is_whitespace) {
        return None;
    }
    let account = match text.split_once("://") {
        Some((_, rest)) => rest.split(['/', '?', '#']).next()?.rsplit_once('@')?.0,
        None => text,
    };
    let (_, password) = account.split_once(':')?;
    (LEN_MIN <= password.len()).then(|| password.to_owned())
}

/// Answers what base64 of text says, such as the `auth` of a registry's account.
fn decoded(text: &str) -> Option<String> {
    let decoded = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
    (!decoded.contains(|c: char| c.is_control() && !c.is_whitespace())).then_some(decoded)
}
