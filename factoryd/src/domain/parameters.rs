//! Parameters of a request.

use super::Secret;
use serde_json::{Map, Value};

/// The parameters of a request: a JSON object. Holds no secrets once the sensitive ones are taken out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Parameters(pub Map<String, Value>);

/// Text that is no JSON object.
#[derive(Debug, thiserror::Error)]
#[error("parameters are not a JSON object")]
pub struct InvalidParameters(#[source] serde_json::Error);

impl Parameters {
    /// Reads a JSON object; empty text is the empty object.
    ///
    /// # Errors
    /// If it is something else.
    pub fn parse(text: &str) -> Result<Self, InvalidParameters> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_str(text).map(Self).map_err(InvalidParameters)
    }

    /// Answers the object as JSON text.
    pub fn to_json(&self) -> String {
        serde_json::to_string(&self.0).unwrap_or_default()
    }

    /// Takes the named parameters out, as secrets.
    pub fn split_off(&mut self, names: &[String]) -> Vec<(String, Secret)> {
        let mut secrets = Vec::new();
        for name in names {
            let text = match self.0.shift_remove(name) {
                None | Some(Value::Null) => continue,
                Some(Value::String(text)) => text,
                Some(other) => other.to_string(),
            };
            secrets.push((name.clone(), Secret::new(text)));
        }
        secrets
    }
}
