//! Callbacks in the parameters of a request: `"callbacks": ["https://…"]`, as Image Factory has it.

use super::Error;
use crate::domain::{Failure, Fault, Parameters, Secret};
use serde_json::Value;

/// The name of the parameter.
const CALLBACKS: &str = "callbacks";

/// Takes the URLs out of the parameters, for they may hold credentials. Forms and command lines have no lists: there it may
/// also be text, one URL or a list as JSON.
///
/// # Errors
/// If it is something else.
pub(super) fn take(parameters: &mut Parameters) -> Result<Vec<Secret>, Error> {
    let value = parameters.0.shift_remove(CALLBACKS).unwrap_or_default();
    let list = match value {
        Value::Null => return Ok(Vec::new()),
        Value::String(text) if text.trim_start().starts_with('[') => {
            serde_json::from_str(&text).map_err(|_| no_list())?
        }
        Value::String(text) if text.trim().is_empty() => return Ok(Vec::new()),
        Value::String(url) => vec![Value::String(url)],
        Value::Array(list) => list,
        _ => return Err(no_list()),
    };
    let url = |value: &Value| value.as_str().map(|url| Secret::new(url.trim())).ok_or_else(no_list);
    list.iter().map(url).collect()
}

/// Answers the URLs without taking them out; none if they can't be read, which the request itself is refused for.
pub fn callbacks_of(parameters: &Parameters) -> Vec<Secret> {
    take(&mut parameters.clone()).unwrap_or_default()
}

fn no_list() -> Error {
    let message = "callbacks must be a list of URLs";
    let failure = Failure::new(Fault::User, "CALLBACK_REFUSED", message);
    Error::Callback(Box::new(failure.path("parameters.callbacks")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn callbacks_are_a_list_or_text_and_leave_the_parameters() {
        for (value, expected) in [
            (json!(["http://a/", " debug "]), Some(vec!["http://a/", "debug"])),
            (json!("[\"http://a/\"]"), Some(vec!["http://a/"])),
            (json!("http://a/"), Some(vec!["http://a/"])),
            (json!(" "), Some(vec![])),
            (json!([]), Some(vec![])),
            (Value::Null, Some(vec![])),
            (json!("[1]"), None),
            (json!("[\"http://a/\""), None),
            (json!([["http://a/"]]), None),
            (json!({"a": 1}), None),
            (json!(7), None),
        ] {
            let mut parameters = Parameters::default();
            parameters.0.insert("callbacks".into(), value.clone());
            parameters.0.insert("other".into(), json!(1));
            let taken = take(&mut parameters).ok();
            let urls =
                taken.as_ref().map(|urls| urls.iter().map(Secret::expose).collect::<Vec<_>>());
            assert_eq!(urls, expected, "{value}");
            assert_eq!(parameters.to_json(), r#"{"other":1}"#);
        }
    }
}
