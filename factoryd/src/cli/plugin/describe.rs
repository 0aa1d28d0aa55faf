//! `factory plugin describe`: what a plugin says of itself.

use super::executable;
use crate::cli::arguments::DescribeArguments;
use crate::cli::display::print;
use crate::cli::error::Error;
use crate::cli::exit::Exit;
use crate::cli::words::printable;
use serde_json::Value;
use std::fmt::Write;

/// What is shown to a person: the fields of `factory.plugin.v1.DescribeResponse` that are one word or a list of words.
const FIELDS: [&str; 11] = [
    "name",
    "version",
    "kind",
    "description",
    "capabilities",
    "input_formats",
    "output_formats",
    "maintainer",
    "license",
    "sdk",
    "warnings",
];

/// Prints it.
pub(super) fn describe(arguments: &DescribeArguments) -> Result<Exit, Error> {
    let described = executable::describe(&arguments.plugin)?;
    match arguments.json {
        true => print(&format!("{described:#}\n"))?,
        false => print(&words(&described))?,
    }
    Ok(Exit::Done)
}

fn words(described: &Value) -> String {
    let mut text = String::new();
    for name in FIELDS {
        let value = match &described[name] {
            Value::String(value) => value.clone(),
            Value::Array(values) => {
                values.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
            }
            _ => continue,
        };
        if !value.is_empty() {
            let _ = writeln!(text, "{name:<15} {}", printable(&value));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_not_said_is_not_shown() {
        let described = json!({"name": "x", "version": "", "capabilities": ["push", "delete"],
            "warnings": [], "description": "makes\u{1b}[1m x"});
        let shown = words(&described);
        assert!(shown.starts_with("name            x\n"), "{shown}");
        assert!(shown.ends_with("capabilities    push, delete\n"), "{shown}");
        assert!(!shown.contains('\u{1b}') && !shown.contains("warnings"), "{shown}");
    }
}
