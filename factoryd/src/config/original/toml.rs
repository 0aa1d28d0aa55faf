//! Settings as a TOML file.

use super::Translated;
use crate::config::document::NodeValue;
use serde_json::Value as Json;
use std::fmt::Write;

/// Answers a file with these settings: first those of no table, then one table after the other.
pub(super) fn render(from: &str, settings: &[Translated]) -> String {
    let mut split: Vec<(&str, &str, &NodeValue)> = settings
        .iter()
        .map(|setting| {
            let (table, name) = setting.key.split_once('.').unwrap_or(("", setting.key));
            (table, name, &setting.value)
        })
        .collect();
    split.sort_by_key(|(table, ..)| *table);
    let mut text = format!("# Translated from {}.\n", from.escape_debug());
    let mut current = "";
    for (table, name, value) in split {
        if table != current {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "\n[{table}]");
            current = table;
        }
        let _ = writeln!(text, "{name} = {}", literal(value));
    }
    text
}

/// A string of JSON is one of TOML, but for a character that only TOML escapes.
pub(super) fn quoted(text: &str) -> String {
    Json::from(text).to_string().replace('\u{7f}', "\\u007f")
}

fn literal(value: &NodeValue) -> String {
    match value {
        NodeValue::Text(text) => quoted(text),
        NodeValue::Number(digits) => digits.clone(),
        NodeValue::Boolean(boolean) => boolean.to_string(),
        NodeValue::List(nodes) => {
            let items: Vec<String> = nodes.iter().map(|node| literal(&node.value)).collect();
            format!("[{}]", items.join(", "))
        }
        NodeValue::Table(_) | NodeValue::Other(_) => "{}".to_owned(),
    }
}
