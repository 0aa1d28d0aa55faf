//! What a command reads: templates, parameters, credentials.

use super::arguments::{CredentialsArguments, ParametersArguments};
use super::error::Error;
use serde_json::{Map, Value};
use std::io::Read;
use std::path::Path;

/// Reads a text file; `-` is standard input.
pub(super) fn text(path: &Path) -> Result<String, Error> {
    let read = || {
        if path == Path::new("-") {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map(|_| text)
        } else {
            std::fs::read_to_string(path)
        }
    };
    read().map_err(|source| Error::Read { path: path.to_owned(), source })
}

/// Answers the credentials; empty if none are given.
pub(super) fn credentials(arguments: &CredentialsArguments) -> Result<String, Error> {
    arguments.credentials.as_deref().map_or_else(|| Ok(String::new()), secret)
}

/// Answers what a file has, or `secret:NAME` as it is: the factory looks that up. (`./secret:x` is a file.)
pub(super) fn secret(file: &Path) -> Result<String, Error> {
    match file.to_str() {
        Some(named) if named.starts_with("secret:") => Ok(named.to_owned()),
        _ => text(file),
    }
}

/// Answers the parameters as one JSON object: the file's, then those typed.
pub(super) fn parameters(arguments: &ParametersArguments) -> Result<String, Error> {
    let mut all = arguments.file.as_deref().map_or_else(|| Ok(Map::new()), object)?;
    for text in &arguments.pairs {
        let (name, value) = parameter(text)?;
        all.insert(name, value);
    }
    Ok(Value::Object(all).to_string())
}

/// Reads a file that holds one JSON object.
pub(super) fn object(path: &Path) -> Result<Map<String, Value>, Error> {
    serde_json::from_str(&text(path)?)
        .map_err(|source| Error::ParametersFile { path: path.to_owned(), source })
}

/// Reads `name=text` or `name:=json`.
fn parameter(text: &str) -> Result<(String, Value), Error> {
    let wrong = |expected| Error::Parameter { text: text.to_owned(), expected };
    let (name, value) = text.split_once('=').ok_or_else(|| wrong("NAME=VALUE or NAME:=JSON"))?;
    let (name, value) = match name.strip_suffix(':') {
        Some(name) => {
            let value = serde_json::from_str(value);
            (name, value.map_err(|_| wrong("NAME:=JSON: what follows is not JSON"))?)
        }
        None => (name, Value::from(value)),
    };
    if name.is_empty() {
        return Err(wrong("NAME=VALUE or NAME:=JSON"));
    }
    Ok((name.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[&str]) -> Result<String, String> {
        let pairs = pairs.iter().map(|pair| (*pair).to_owned()).collect();
        parameters(&ParametersArguments { pairs, file: None }).map_err(|error| error.to_string())
    }

    #[test]
    fn parameters_are_text_unless_they_say_json() {
        assert_eq!(
            read(&["tag=1.0", "a=b=c", "retries:=3", "list:=[1]"]).unwrap(),
            r#"{"tag":"1.0","a":"b=c","retries":3,"list":[1]}"#
        );
    }

    #[test]
    fn a_parameter_that_is_none_is_shown_with_the_right_form() {
        assert_eq!(read(&["tag"]).unwrap_err(), "--parameter tag is not NAME=VALUE or NAME:=JSON");
        assert_eq!(
            read(&["n:=x"]).unwrap_err(),
            "--parameter n:=x is not NAME:=JSON: what follows is not JSON"
        );
    }

    #[test]
    fn a_typed_parameter_wins_over_the_files() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), r#"{"a": 1, "b": 2}"#).unwrap();
        let arguments =
            ParametersArguments { pairs: vec!["a=x".into()], file: Some(file.path().to_owned()) };
        assert_eq!(parameters(&arguments).unwrap(), r#"{"a":"x","b":2}"#);
    }
}
