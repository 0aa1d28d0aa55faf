//! Text that stands for something else.

use super::Schema;
use jsonschema::error::ValidationErrorKind;
use serde_json::{Map, Value};

/// How well a value fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// It has a type that is not taken.
    OtherType,
    /// Its type is taken, and the value is not.
    OtherValue,
    Good,
}

/// Answers the value of a property: text as what it says, if the schema takes that rather than text.
pub(super) fn read(schema: &Schema, name: &str, value: &Value) -> Value {
    let Value::String(text) = value else { return value.clone() };
    let mut best = (fit(schema, name, value), value.clone());
    for reading in readings(text) {
        let fit = fit(schema, name, &reading);
        if best.0 < fit {
            best = (fit, reading);
        }
    }
    best.1
}

/// Answers what a text may stand for.
fn readings(text: &str) -> Vec<Value> {
    let json = serde_json::from_str::<Value>(text).ok().filter(|value| !value.is_string());
    let word = match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" => Some(Value::Bool(true)),
        "false" | "no" | "0" => Some(Value::Bool(false)),
        _ => None,
    };
    json.into_iter().chain(word).collect()
}

/// Looks at a property alone, as if no other were there.
fn fit(schema: &Schema, name: &str, value: &Value) -> Fit {
    let alone = Value::Object(Map::from_iter([(name.to_owned(), value.clone())]));
    let place = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
    let mut fit = Fit::Good;
    for error in schema.validator.iter_errors(&alone) {
        let pointer = error.instance_path().as_str();
        let within = pointer.strip_prefix(&place);
        match within {
            Some("") if matches!(error.kind(), ValidationErrorKind::Type { .. }) => {
                return Fit::OtherType;
            }
            Some(rest) if rest.is_empty() || rest.starts_with('/') => fit = Fit::OtherValue,
            _ => {}
        }
    }
    fit
}
