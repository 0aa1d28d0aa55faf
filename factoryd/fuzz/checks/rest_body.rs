//! The reader of request bodies. The first byte says what the rest claims to be.

use factoryd::rest;
use serde_json::{Map, Value, json};

const KEY: &str = "base_image";
/// A message repeats a part of what it refuses, never all.
const MESSAGE_LEN_MAX: usize = 1000;

pub(crate) fn check(bytes: &[u8]) {
    let Some((&first, body)) = bytes.split_first() else { return };
    let content_type = match first % 4 {
        0 => "application/json",
        1 => "application/x-www-form-urlencoded",
        2 => "multipart/form-data; boundary=XX",
        _ => "multipart/form-data; boundary=\"a b\"; charset=x",
    };
    match read(content_type, body) {
        Ok(fields) => {
            let len = text_len(&Value::Object(fields.clone()));
            assert!(len <= body.len(), "{len} bytes of text were made of {}", body.len());
            survives_as_json(&fields);
        }
        Err(message) => {
            assert!(!message.is_empty() && message.len() < MESSAGE_LEN_MAX, "{}", message.len());
        }
    }
}

/// What was understood is understood again when it is said in JSON, unless that is nested too deeply with its wrapper.
fn survives_as_json(fields: &Map<String, Value>) {
    let whole = json!({ KEY: fields }).to_string();
    match read("application/json", whole.as_bytes()) {
        Ok(again) => assert_eq!(&again, fields),
        Err(message) => assert!(message.contains("recursion limit"), "{message}: {whole}"),
    }
}

fn read(content_type: &str, body: &[u8]) -> Result<Map<String, Value>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.expect("a runtime without drivers needs nothing");
    runtime.block_on(rest::fields(content_type, body.to_vec(), KEY))
}

fn text_len(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(text_len).sum(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| name.len() + text_len(value)).sum()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}
