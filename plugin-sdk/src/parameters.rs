//! The parameters of a request, read by name and type.

use crate::{Failure, Fault, Secret};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// The parameters of a request. From a command line every value is text, so numbers and booleans are read from text too.
#[derive(Debug, Clone, Default)]
pub struct Parameters {
    values: Map<String, Value>,
    secrets: HashMap<String, Secret>,
}

impl Parameters {
    /// Reads them from a JSON object (an empty text is an empty object) and the sensitive ones beside it.
    ///
    /// # Errors
    /// If the text is something else.
    pub fn new(json: &str, secrets: HashMap<String, Secret>) -> Result<Self, Failure> {
        if json.is_empty() {
            return Ok(Self { values: Map::new(), secrets });
        }
        let values = serde_json::from_str(json).map_err(|error| {
            let message = format!("the parameters are not a JSON object: {error}");
            Failure::new(Fault::User, "INVALID_PARAMETERS", message).path("parameters")
        })?;
        Ok(Self { values, secrets })
    }

    /// Answers the names of all parameters, sensitive ones included.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().chain(self.secrets.keys()).map(String::as_str)
    }

    /// Answers a value as it is.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name).filter(|value| !value.is_null())
    }

    /// Answers a sensitive parameter.
    pub fn secret(&self, name: &str) -> Option<&str> {
        self.secrets.get(name).map(|secret| secret.value.as_str())
    }

    /// Answers a text.
    ///
    /// # Errors
    /// If it is there and is a list or an object.
    pub fn text(&self, name: &str) -> Result<Option<String>, Failure> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(value @ (Value::Bool(_) | Value::Number(_))) => Ok(Some(value.to_string())),
            Some(value) => Err(wrong(name, value, "a text")),
        }
    }

    /// Answers a boolean; as text `true yes 1 false no 0` in any case.
    ///
    /// # Errors
    /// If it is there and is none.
    pub fn boolean(&self, name: &str) -> Result<Option<bool>, Failure> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let text = match value {
            Value::String(text) => text.to_ascii_lowercase(),
            other => other.to_string(),
        };
        match text.as_str() {
            "true" | "yes" | "1" => Ok(Some(true)),
            "false" | "no" | "0" => Ok(Some(false)),
            _ => Err(wrong(name, value, "true or false")),
        }
    }

    /// Answers a number that is not negative.
    ///
    /// # Errors
    /// If it is there and is none.
    pub fn number(&self, name: &str) -> Result<Option<u64>, Failure> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let number = match value {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        number.map(Some).ok_or_else(|| wrong(name, value, "a whole number"))
    }
}

fn wrong(name: &str, value: &Value, expected: &str) -> Failure {
    let message = format!("parameter {name} is {value}, but must be {expected}");
    Failure::new(Fault::User, "INVALID_PARAMETER", message).path(format!("parameters.{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(json: &str) -> Parameters {
        Parameters::new(json, HashMap::new()).unwrap()
    }

    #[test]
    fn numbers_and_booleans_are_read_from_text_too() {
        let parameters = parameters(r#"{"a":"Yes","b":false,"c":"12","d":12,"e":null,"f":0}"#);
        assert_eq!(parameters.boolean("a").unwrap(), Some(true));
        assert_eq!(parameters.boolean("b").unwrap(), Some(false));
        assert_eq!(parameters.boolean("f").unwrap(), Some(false));
        assert_eq!(parameters.number("c").unwrap(), Some(12));
        assert_eq!(parameters.number("d").unwrap(), Some(12));
        assert_eq!(parameters.text("d").unwrap().as_deref(), Some("12"));
        assert_eq!(parameters.text("e").unwrap(), None);
        assert_eq!(parameters.text("missing").unwrap(), None);
    }

    #[test]
    fn a_value_of_the_wrong_type_is_an_error_that_names_the_parameter() {
        let parameters = parameters(r#"{"a":"perhaps","b":-1,"c":[1]}"#);
        for failure in [
            parameters.boolean("a").unwrap_err(),
            parameters.number("b").unwrap_err(),
            parameters.text("c").unwrap_err(),
        ] {
            let failure = failure.as_proto().cloned().unwrap();
            assert_eq!(failure.reason, "INVALID_PARAMETER");
            assert!(failure.path.starts_with("parameters."), "{failure:?}");
        }
    }

    #[test]
    fn what_is_no_object_is_refused() {
        assert!(Parameters::new("[]", HashMap::new()).is_err());
        assert!(Parameters::new("", HashMap::new()).is_ok());
    }

    #[test]
    fn secrets_do_not_show_when_debugged() {
        let secret = Secret { value: "hunter2".into() };
        let parameters = Parameters::new("{}", HashMap::from([("key".into(), secret)])).unwrap();
        assert_eq!(parameters.secret("key"), Some("hunter2"));
        assert!(!format!("{parameters:?}").contains("hunter2"));
    }
}
