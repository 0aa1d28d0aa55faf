//! A schema as a person reads it: a table of its properties.

use super::Schema;
use super::members::Member;
use serde_json::Value;

/// A property.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Its type as JSON Schema names it, such as `integer`; several with `|` between them; empty for any.
    pub kind: String,
    /// Which values it may have, such as `qcow2 | raw` or `1..64`; empty for any.
    pub allowed: String,
    /// What it is if it is not given, as JSON; empty if the schema does not say.
    pub default: String,
    /// Whether it must be given.
    pub is_required: bool,
    /// Whether it is a secret.
    pub is_sensitive: bool,
    /// Whether it should not be given any more.
    pub is_deprecated: bool,
    /// What it is for.
    pub description: String,
}

impl Schema {
    /// Answers the properties, in the schema's order.
    pub fn table(&self) -> Vec<Row> {
        self.members.iter().map(row).collect()
    }
}

fn row(member: &Member) -> Row {
    let find = |key: &str| member.schemas.iter().find_map(|schema| schema.get(key));
    let is_sensitive = member.is_sensitive();
    let default = find("default").filter(|_| !is_sensitive);
    Row {
        name: member.name.clone(),
        kind: kinds(member),
        allowed: allowed(member),
        default: default.map(Value::to_string).unwrap_or_default(),
        is_required: member.is_required,
        is_sensitive,
        is_deprecated: member.is_deprecated(),
        description: member.description().to_owned(),
    }
}

/// Answers the types: those that are named, or those of the values that are.
fn kinds(member: &Member) -> String {
    let mut kinds: Vec<String> = Vec::new();
    let mut add = |kind: &str| {
        if !kinds.iter().any(|known| known == kind) {
            kinds.push(kind.to_owned());
        }
    };
    for schema in &member.schemas {
        match schema.get("type") {
            Some(Value::String(kind)) => add(kind),
            Some(Value::Array(several)) => {
                several.iter().filter_map(Value::as_str).for_each(&mut add);
            }
            _ => values(schema).into_iter().for_each(|value| add(kind_of(value))),
        }
    }
    kinds.join(" | ")
}

fn allowed(member: &Member) -> String {
    let mut words: Vec<String> = member.schemas.iter().flat_map(values).map(plain).collect();
    words.dedup();
    if !words.is_empty() {
        return words.join(" | ");
    }
    let bound = |key: &str| member.schemas.iter().find_map(|schema| schema.get(key));
    let text = |key: &str| bound(key).map(Value::to_string).unwrap_or_default();
    match (bound("minimum"), bound("maximum"), bound("pattern")) {
        (None, None, Some(pattern)) => plain(pattern),
        (None, None, None) => String::new(),
        _ => format!("{}..{}", text("minimum"), text("maximum")),
    }
}

fn values(schema: &Value) -> Vec<&Value> {
    match (schema.get("const"), schema.get("enum").and_then(Value::as_array)) {
        (Some(only), _) => vec![only],
        (None, Some(several)) => several.iter().collect(),
        (None, None) => Vec::new(),
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
