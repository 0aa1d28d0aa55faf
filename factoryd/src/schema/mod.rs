//! What plugins say about what they take: parameters, providers and credentials, as JSON Schema 2020-12.
//!
//! The factory reads a schema as the standard does, with three rules of its own, which `plugin.proto` has for authors:
//!
//! * **Names.** Where a schema has `properties`, other names are not known to it, unless `patternProperties`,
//!   `additionalProperties` or `unevaluatedProperties` lets them in. One request can be for several plugins; each gets
//!   only what it knows ([`Schema::view`]).
//! * **Text.** A command line has nothing but text. Text is read as JSON where the schema does not take it as it is, but would
//!   take what it says: `4`, `true`, `["a"]`. What the schema takes is never changed.
//! * **Secrets.** Properties with `"x-factory-sensitive": true` are secrets: no message quotes them.

mod convert;
mod definition;
mod judge;
mod members;
mod path;
mod table;
mod words;

pub use definition::definition;
pub use judge::{Judged, unknown_name};
pub use table::Row;

use jsonschema::{Draft, Validator};
use members::Members;
use serde_json::{Map, Value};
use std::fmt;
use std::sync::Arc;

/// The longest schema that is read, in bytes.
const LEN_MAX: usize = 1024 * 1024;

/// A JSON Schema, read and checked.
pub struct Schema {
    document: Value,
    validator: Validator,
    members: Members,
}

/// The schemas of a plugin; a missing one takes anything.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Schemas {
    /// Of parameters.
    pub parameters: Option<Arc<Schema>>,
    /// Of a provider's definition.
    pub provider: Option<Arc<Schema>>,
    /// Of credentials.
    pub credentials: Option<Arc<Schema>>,
}

impl Schemas {
    /// Tells whether the plugin takes a parameter of this name.
    pub fn know(&self, parameter: &str) -> bool {
        self.parameters.as_ref().is_none_or(|schema| schema.knows(parameter))
    }

    /// Answers the names of the parameters that are secrets.
    pub fn sensitive_parameters(&self) -> Vec<String> {
        let names = self.parameters.iter().flat_map(|schema| schema.sensitive());
        names.map(str::to_owned).collect()
    }
}

/// Why a text is no JSON Schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// It is too long.
    #[error("it is longer than {LEN_MAX} bytes")]
    Long,
    /// It is no JSON.
    #[error("it is not JSON: {0}")]
    Json(String),
    /// It is JSON, but no schema.
    #[error("it is no JSON Schema: {0}")]
    Schema(String),
}

impl Schema {
    /// Reads a schema; none from empty text. What it refers to must be in it.
    ///
    /// # Errors
    /// If the text is no schema.
    pub fn read(text: &str) -> Result<Option<Self>, Invalid> {
        if text.trim().is_empty() {
            return Ok(None);
        }
        if LEN_MAX < text.len() {
            return Err(Invalid::Long);
        }
        let document = serde_json::from_str(text).map_err(|it| Invalid::Json(it.to_string()))?;
        let validator = validator(&document)?;
        let members = Members::of(&document)?;
        Ok(Some(Self { document, validator, members }))
    }

    /// Answers the schema as JSON.
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// Tells whether it takes any name.
    pub fn is_open(&self) -> bool {
        self.members.is_open()
    }

    /// Tells whether it takes a property of this name.
    pub fn knows(&self, name: &str) -> bool {
        self.members.knows(name)
    }

    /// Answers the names of the properties that it describes.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|member| member.name.as_str())
    }

    /// Answers the names of the properties that are secrets.
    pub fn sensitive(&self) -> impl Iterator<Item = &str> {
        self.members.iter().filter(|member| member.is_sensitive()).map(|it| it.name.as_str())
    }

    /// Answers what a plugin with this schema gets of an object: what it knows, and text as what it says where text is not
    /// taken.
    pub fn view(&self, given: &Map<String, Value>) -> Map<String, Value> {
        let known = given.iter().filter(|(name, _)| self.knows(name));
        known.map(|(name, value)| (name.clone(), convert::read(self, name, value))).collect()
    }
}

fn validator(document: &Value) -> Result<Validator, Invalid> {
    let built = jsonschema::options().with_draft(Draft::Draft202012).offline().build(document);
    built.map_err(|error| {
        let place = error.instance_path().to_string();
        let place = if place.is_empty() { String::new() } else { format!("at {place}: ") };
        Invalid::Schema(format!("{place}{error}"))
    })
}

impl PartialEq for Schema {
    fn eq(&self, other: &Self) -> bool {
        self.document == other.document
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Schema").field(&self.document).finish()
    }
}

#[cfg(test)]
mod tests;
