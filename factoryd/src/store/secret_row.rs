//! How it is written down where an image's secrets come from: `"request"`, or `"secret:NAME"`. Never a value.

use crate::domain::{GivenSecret, Secret, SecretSource, SecretSources};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Map;

const REQUEST: &str = "request";

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Row {
    #[serde(skip_serializing_if = "Option::is_none")]
    credentials: Option<String>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    parameters: Map<String, serde_json::Value>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    template: bool,
}

/// Tells whether there is nothing to write down.
pub(super) fn is_empty(sources: &SecretSources) -> bool {
    *sources == SecretSources::default()
}

/// Writes down where secrets come from.
pub(super) fn serialize<S: Serializer>(sources: &SecretSources, to: S) -> Result<S::Ok, S::Error> {
    let parameters = sources.parameters.iter();
    let row = Row {
        credentials: sources.credentials.as_ref().map(word),
        parameters: parameters.map(|(name, source)| (name.clone(), word(source).into())).collect(),
        template: sources.template,
    };
    row.serialize(to)
}

/// Reads where secrets come from.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<SecretSources, D::Error> {
    let Row { credentials, parameters, template } = Row::deserialize(from)?;
    let wrong = || de::Error::custom("unknown source of a secret");
    let read = |word: &str| source(word).ok_or_else(wrong);
    let parameter = |(name, word): (String, serde_json::Value)| {
        Ok((name, read(word.as_str().unwrap_or_default())?))
    };
    Ok(SecretSources {
        credentials: credentials.as_deref().map(read).transpose()?,
        parameters: parameters.into_iter().map(parameter).collect::<Result<_, D::Error>>()?,
        template,
    })
}

fn word(source: &SecretSource) -> String {
    match source {
        SecretSource::Request => REQUEST.to_owned(),
        SecretSource::Named(name) => format!("secret:{name}"),
    }
}

fn source(word: &str) -> Option<SecretSource> {
    if word == REQUEST {
        return Some(SecretSource::Request);
    }
    match GivenSecret::read(Secret::new(word)) {
        Ok(GivenSecret::Named(name)) => Some(SecretSource::Named(name)),
        _ => None,
    }
}
