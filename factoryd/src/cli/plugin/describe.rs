//! `factory plugin describe`: what a plugin says of itself.

use super::{as_path, executable};
use crate::cli::arguments::{DescribeArguments, PlaceArguments};
use crate::cli::display::print;
use crate::cli::error::Error;
use crate::cli::exit::Exit;
use crate::cli::parameters::parameter_table;
use crate::cli::with_session;
use crate::cli::words::printable;
use crate::daemon::parameter;
use crate::schema::Schema;
use factory_proto::factory_v1 as v1;
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

/// Members of it that are schemas, and what they are called.
const SCHEMAS: [(&str, &str); 3] = [
    ("parameters_schema_json", "PARAMETER"),
    ("provider_schema_json", "PROVIDER"),
    ("credentials_schema_json", "CREDENTIALS"),
];

/// Prints it.
pub(super) fn describe(
    place: PlaceArguments,
    arguments: &DescribeArguments,
) -> Result<Exit, Error> {
    match as_path(&arguments.plugin) {
        Some(path) => show(&executable::describe(path)?, arguments),
        None => with_session(place, async |session| {
            let request = v1::DescribePluginRequest { name: arguments.plugin.clone() };
            let described = session.client().describe_plugin(request).await?.into_inner();
            show(&serde_json::from_str(&described.description_json).unwrap_or_default(), arguments)
        }),
    }
}

fn show(described: &Value, arguments: &DescribeArguments) -> Result<Exit, Error> {
    let text = match arguments.json {
        true => format!("{described:#}\n"),
        false => words(described) + &tables(described, &arguments.plugin)?,
    };
    print(&text)?;
    Ok(Exit::Done)
}

/// What it takes. A schema that is none is a fault of the plugin.
fn tables(described: &Value, plugin: &str) -> Result<String, Error> {
    let mut text = String::new();
    for (member, header) in SCHEMAS {
        let schema = match &described[member] {
            Value::Null => continue,
            Value::String(schema) => schema.clone(),
            schema => schema.to_string(),
        };
        let schema = Schema::read(&schema).map_err(|invalid| Error::Plugin {
            path: plugin.into(),
            why: format!("its {member} can't be used: {invalid}"),
        })?;
        let rows = schema.iter().flat_map(Schema::table).map(parameter);
        text.push_str(&parameter_table(header, &rows.collect::<Vec<_>>()));
    }
    Ok(text)
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
