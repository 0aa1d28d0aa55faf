//! What is not taken along: secrets that Image Factory kept in the clear.

use serde_json::{Map, Value};

/// Parts of names that say what must not be kept.
const MARKS: [&str; 8] =
    ["credential", "password", "passwd", "secret", "token", "private_key", "access_key", "api_key"];
/// The receivers of an old build's callbacks, whose addresses may hold passwords.
const CALLBACKS: &str = "callbacks";

/// Takes out of a JSON object, at any depth, what is named like a secret; answers the names.
pub(super) fn remove(object: &mut Map<String, Value>) -> Vec<String> {
    let secret = |name: &String| {
        let name = name.to_ascii_lowercase().replace('-', "_");
        name == CALLBACKS || MARKS.iter().any(|mark| name.contains(mark))
    };
    let mut removed: Vec<String> = object.keys().filter(|name| secret(name)).cloned().collect();
    object.retain(|name, _| !secret(name));
    for value in object.values_mut() {
        removed.extend(remove_below(value));
    }
    removed
}

fn remove_below(value: &mut Value) -> Vec<String> {
    match value {
        Value::Object(object) => remove(object),
        Value::Array(values) => values.iter_mut().flat_map(remove_below).collect(),
        _ => Vec::new(),
    }
}

/// Takes passwords out of the definition of a provider: a name, a JSON object, or XML attributes.
pub(super) fn clean_provider(provider: &str) -> String {
    if let Ok(mut object) = serde_json::from_str::<Map<String, Value>>(provider) {
        let removed = remove(&mut object);
        return if removed.is_empty() {
            provider.to_owned()
        } else {
            Value::Object(object).to_string()
        };
    }
    MARKS.iter().fold(provider.to_owned(), |text, mark| blank_attribute(&text, mark))
}

/// Empties the attributes whose name has `mark` in it.
fn blank_attribute(text: &str, mark: &str) -> String {
    let mut clean = String::new();
    let mut rest = text;
    // The names are ASCII, so that both texts have the same positions.
    while let Some(at) = rest.to_ascii_lowercase().find(mark) {
        let (before, from) = rest.split_at(at + mark.len());
        clean.push_str(before);
        rest = from;
        let name_len = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"_-".contains(c));
        let (name, after) = rest.split_at(name_len.unwrap_or(rest.len()));
        let Some((value_at, quote)) = quoted(after) else { continue };
        let Some(value_len) = after[value_at..].find(quote) else { continue };
        clean.push_str(name);
        clean.push_str(&after[..value_at]);
        rest = &after[value_at + value_len..];
    }
    clean.push_str(rest);
    clean
}

/// Where the value of `= "value"` begins, and what ends it.
fn quoted(text: &str) -> Option<(usize, char)> {
    let value = text.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    Some((text.len() - value.len() + 1, quote))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_are_taken_out_by_their_names_wherever_they_are() {
        let mut object = json!({
            "credentials": "<x/>", "compress": "true", "callbacks": ["http://u:p@h/"],
            "oz": {"Root-Password": "x", "memory": 2048}, "list": [{"api_key": "k", "n": 1}],
        });
        let removed = remove(object.as_object_mut().unwrap());
        assert_eq!(removed, ["credentials", "callbacks", "Root-Password", "api_key"]);
        assert_eq!(object, json!({"compress": "true", "oz": {"memory": 2048}, "list": [{"n": 1}]}));
    }

    #[test]
    fn a_providers_definition_loses_its_password_and_nothing_else() {
        for (given, kept) in [
            ("ec2-us-east-1", "ec2-us-east-1"),
            (r#"{"api-url":"u","password":"p"}"#, r#"{"api-url":"u"}"#),
            (r#"{"name": "x"}"#, r#"{"name": "x"}"#),
            (r#"<p user="u" password = "s3" url='v'/>"#, r#"<p user="u" password = "" url='v'/>"#),
            ("<p Password2='s' é='1'/>", "<p Password2='' é='1'/>"),
            ("password", "password"),
        ] {
            assert_eq!(clean_provider(given), kept);
        }
    }
}
