//! Settings as people and programs read them. Secrets are not among them: settings name the files that hold them.

use super::Setting;
use serde_json::{Value as Json, json};

/// Answers a table of settings: key, value, origin.
pub fn settings_table(settings: &[Setting]) -> String {
    let rows: Vec<[String; 3]> = settings
        .iter()
        .map(|setting| [setting.key.to_string(), text(&setting.value), setting.origin.to_string()])
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let (key, value) = (width(0).unwrap_or_default(), width(1).unwrap_or_default());
    let line = |row: &[String; 3]| format!("{:key$}  {:value$}  {}\n", row[0], row[1], row[2]);
    rows.iter().map(line).collect()
}

/// Answers settings as JSON: an array of objects with `key`, `value`, `origin`, `flag` and `variable`.
pub fn settings_json(settings: &[Setting]) -> Json {
    let one = |setting: &Setting| {
        json!({
            "key": setting.key,
            "value": setting.value,
            "origin": setting.origin.to_string(),
            "flag": setting.flag,
            "variable": setting.variable,
        })
    };
    settings.iter().map(one).collect()
}

/// A value on one line; `-` for none.
fn text(value: &Json) -> String {
    match value {
        Json::Null => "-".to_owned(),
        Json::String(text) => text.clone(),
        Json::Array(list) if list.is_empty() => "-".to_owned(),
        Json::Array(list) => list.iter().map(text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
