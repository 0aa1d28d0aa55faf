//! Providers and credentials, which are text for whoever passes them on.

use super::Schema;
use super::judge::is_type_at;
use serde_json::Value;

/// Answers what a text is to a schema: a JSON object or list, if it is one and the schema takes such, and else the text itself
/// (a name, XML, …).
pub fn definition(schema: &Schema, text: &str) -> Value {
    let json = serde_json::from_str::<Value>(text).ok();
    let taken = |value: &Value| {
        let errors = schema.validator.iter_errors(value).collect::<Vec<_>>();
        (value.is_object() || value.is_array()) && !errors.iter().any(|it| is_type_at(it, ""))
    };
    json.filter(taken).unwrap_or_else(|| Value::from(text))
}
