//! Places: JSON pointers, as messages show them, and what a schema says of the value at one.

use serde_json::Value;

/// How deep references and parts of schemas are followed.
pub(super) const DEPTH_MAX: usize = 16;

/// Shows the place in a document of this name that a JSON pointer names: `parameters.labels.a`, `parameters.hosts[0]`.
pub(super) fn shown(root: &str, pointer: &str) -> String {
    let mut text = root.to_owned();
    for segment in segments(pointer) {
        match segment.parse::<usize>() {
            Ok(index) => text.push_str(&format!("[{index}]")),
            Err(_) => {
                text.push('.');
                text.push_str(&segment);
            }
        }
    }
    text
}

/// Answers the segments of a JSON pointer.
pub(super) fn segments(pointer: &str) -> impl Iterator<Item = String> {
    pointer.split('/').skip(1).map(|segment| segment.replace("~1", "/").replace("~0", "~"))
}

/// Follows a reference within a document.
pub(super) fn resolve<'s>(document: &'s Value, schema: &'s Value) -> Option<&'s Value> {
    let reference = schema.get("$ref")?.as_str()?.strip_prefix('#')?;
    document.pointer(reference)
}

/// Answers a schema, and all schemas that it is made of.
pub(super) fn parts<'s>(document: &'s Value, schema: &'s Value) -> Vec<&'s Value> {
    let mut found = vec![schema];
    collect(document, schema, 0, &mut found);
    found
}

fn collect<'s>(document: &'s Value, schema: &'s Value, depth: usize, found: &mut Vec<&'s Value>) {
    if depth == DEPTH_MAX {
        return;
    }
    let lists =
        ["allOf", "anyOf", "oneOf"].into_iter().filter_map(|key| schema.get(key)?.as_array());
    let single = ["if", "then", "else"].into_iter().filter_map(|key| schema.get(key));
    let dependent = schema.get("dependentSchemas").and_then(Value::as_object);
    let dependent = dependent.into_iter().flat_map(|it| it.values());
    let below = lists.flatten().chain(single).chain(dependent).chain(resolve(document, schema));
    for part in below.collect::<Vec<_>>() {
        if !found.iter().any(|known| std::ptr::eq(*known, part)) {
            found.push(part);
            collect(document, part, depth + 1, found);
        }
    }
}

/// Tells whether the value at a place, or one around it, is marked as a secret.
pub(super) fn is_sensitive(document: &Value, pointer: &str) -> bool {
    let mut schemas = parts(document, document);
    for segment in segments(pointer) {
        schemas = schemas
            .iter()
            .flat_map(|schema| below(schema, &segment))
            .flat_map(|schema| parts(document, schema))
            .collect();
        if schemas.iter().any(|schema| is_marked(schema)) {
            return true;
        }
    }
    false
}

/// Tells whether a schema marks its value as a secret.
pub(super) fn is_marked(schema: &Value) -> bool {
    schema.get("x-factory-sensitive") == Some(&Value::Bool(true))
}

fn below<'s>(schema: &'s Value, segment: &str) -> Vec<&'s Value> {
    let named = schema.get("properties").and_then(|properties| properties.get(segment));
    let patterns = schema.get("patternProperties").and_then(Value::as_object);
    let patterns = patterns.into_iter().flat_map(|it| it.values());
    let prefix = schema.get("prefixItems").and_then(Value::as_array).into_iter().flatten();
    let any = ["additionalProperties", "items"].into_iter().filter_map(|key| schema.get(key));
    named.into_iter().chain(patterns).chain(prefix).chain(any).collect()
}
