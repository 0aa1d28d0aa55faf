//! Which names a schema knows.

use super::path::{is_marked, parts};
use super::{Invalid, validator};
use jsonschema::Validator;
use serde_json::{Value, json};

/// The properties of a schema, in its order.
pub(super) struct Members {
    members: Vec<Member>,
    patterns: Vec<Validator>,
    open: bool,
}

/// A property.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: String,
    /// What its value must be: all that the schema says of it, one beside the other.
    pub(super) schemas: Vec<Value>,
    pub(super) is_required: bool,
}

impl Members {
    /// Reads them from a schema and all that it is made of.
    ///
    /// # Errors
    /// If a pattern is none.
    pub(super) fn of(document: &Value) -> Result<Self, Invalid> {
        let parts = parts(document, document);
        let objects = |key: &str| {
            parts.iter().filter_map(|part| part.get(key)?.as_object()).flatten().collect::<Vec<_>>()
        };
        let lists = |part: &&Value| part.get("required")?.as_array().cloned();
        // Only what is always needed: a part may be one of several.
        let required: Vec<Value> = [document].iter().filter_map(lists).flatten().collect();
        let mut members: Vec<Member> = Vec::new();
        for (name, schema) in objects("properties") {
            let schemas = super::path::parts(document, schema).into_iter().cloned();
            match members.iter_mut().find(|member| member.name == *name) {
                Some(member) => member.schemas.extend(schemas),
                None => members.push(Member {
                    name: name.clone(),
                    schemas: schemas.collect(),
                    is_required: required.iter().any(|it| it == name.as_str()),
                }),
            }
        }
        let patterns = objects("patternProperties").into_iter();
        let patterns = patterns.map(|(pattern, _)| validator(&json!({ "pattern": pattern })));
        let lets_in = |part: &&Value| {
            ["additionalProperties", "unevaluatedProperties"]
                .into_iter()
                .any(|key| part.get(key).is_some_and(|rest| *rest != Value::Bool(false)))
        };
        let named = |part: &&Value| {
            part.get("properties").is_some() || part.get("patternProperties").is_some()
        };
        let names_any = parts.iter().any(named);
        let open = !names_any || parts.iter().any(lets_in);
        Ok(Self { members, patterns: patterns.collect::<Result<_, _>>()?, open })
    }

    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Member> {
        self.members.iter()
    }

    pub(super) fn knows(&self, name: &str) -> bool {
        let text = Value::from(name);
        self.open
            || self.members.iter().any(|member| member.name == name)
            || self.patterns.iter().any(|pattern| pattern.is_valid(&text))
    }
}

impl Member {
    /// Tells whether it is a secret.
    pub(super) fn is_sensitive(&self) -> bool {
        self.schemas.iter().any(is_marked)
    }

    /// Tells whether it should not be given any more.
    pub(super) fn is_deprecated(&self) -> bool {
        self.schemas.iter().any(|schema| schema.get("deprecated") == Some(&Value::Bool(true)))
    }

    /// Answers what a person is told of it.
    pub(super) fn description(&self) -> &str {
        let say = |key: &str| self.schemas.iter().find_map(|schema| schema.get(key)?.as_str());
        say("description").or_else(|| say("title")).unwrap_or_default()
    }
}
