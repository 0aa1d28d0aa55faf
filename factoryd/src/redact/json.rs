//! Takes secrets out of JSON so that it stays JSON.

use super::{HIDDEN, Redactor};
use serde_json::{Map, Value};

/// Cleans a JSON text; one that holds no secret stays as it is, to the byte.
pub(super) fn clean(redactor: &Redactor, text: &mut String) {
    let Ok(mut value) = serde_json::from_str(text) else { return redactor.clean(text) };
    if value_is_cleaned(redactor, &mut value) {
        *text = value.to_string();
    }
    if !redactor.found(text).is_empty() {
        // A secret that is a document itself, or lies across values.
        *text = Value::from(HIDDEN).to_string();
    }
}

/// Cleans a value, and tells whether there was anything to clean.
fn value_is_cleaned(redactor: &Redactor, value: &mut Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) => false,
        Value::Number(number) => {
            let secret = !redactor.found(&number.to_string()).is_empty();
            if secret {
                *value = Value::from(HIDDEN);
            }
            secret
        }
        Value::String(text) => {
            let secret = !redactor.found(text).is_empty();
            redactor.clean(text);
            secret
        }
        Value::Array(items) => {
            items.iter_mut().fold(false, |any, item| value_is_cleaned(redactor, item) | any)
        }
        Value::Object(members) => members_are_cleaned(redactor, members),
    }
}

fn members_are_cleaned(redactor: &Redactor, members: &mut Map<String, Value>) -> bool {
    let mut any = false;
    let taken = std::mem::take(members);
    for (mut name, mut value) in taken {
        any |= value_is_cleaned(redactor, &mut value);
        any |= !redactor.found(&name).is_empty();
        redactor.clean(&mut name);
        members.insert(name, value);
    }
    any
}
