//! What is wrong with a value: every problem, with its place and what was expected, and without secrets.

use super::path::{is_sensitive, shown};
use super::{Schema, words};
use crate::domain::Notice;
use crate::report::closest;
use jsonschema::error::{ValidationError, ValidationErrorKind as Kind};
use serde_json::Value;

/// How many problems of one value are told.
const PROBLEMS_MAX: usize = 50;

/// What is judged, and how it is talked about.
#[derive(Debug, Clone, Copy)]
pub struct Judged<'a> {
    /// What it is called: `parameters`, `provider`, `credentials`.
    pub root: &'static str,
    /// Whether all of it is secret.
    pub is_secret: bool,
    /// Secrets in it: a text with one of them is not quoted.
    pub secrets: &'a [&'a str],
    /// Whether what must be there may be missing.
    pub is_partial: bool,
}

impl Schema {
    /// Answers every problem of a value.
    pub fn problems(&self, value: &Value, judged: Judged<'_>) -> Vec<Notice> {
        let mut problems = Vec::new();
        for error in self.validator.iter_errors(value) {
            problems.extend(self.told(&error, judged));
            if PROBLEMS_MAX <= problems.len() {
                break;
            }
        }
        problems.truncate(PROBLEMS_MAX);
        problems
    }

    /// Answers a warning for each property that is given and should not be any more.
    pub fn deprecations(&self, is_given: impl Fn(&str) -> bool, root: &str) -> Vec<Notice> {
        let given = self.members.iter().filter(|it| is_given(&it.name));
        let deprecated = given.filter(|member| member.is_deprecated());
        let warning = |member: &super::members::Member| Notice {
            message: format!("{} is deprecated", member.name),
            hint: member.description().to_owned(),
            path: format!("{root}.{}", member.name),
        };
        deprecated.map(warning).collect()
    }

    fn told(&self, error: &ValidationError<'_>, judged: Judged<'_>) -> Vec<Notice> {
        let pointer = error.instance_path().as_str();
        let place = shown(judged.root, pointer);
        match error.kind() {
            Kind::Required { .. } if judged.is_partial && pointer.is_empty() => Vec::new(),
            Kind::Required { property } => {
                let name = property.as_str().unwrap_or_default();
                vec![self.missing(name, &place, pointer.is_empty())]
            }
            Kind::AdditionalProperties { unexpected }
            | Kind::UnevaluatedProperties { unexpected } => {
                let known = self.known_at(error);
                let unknown = unexpected.iter();
                unknown.map(|name| unknown_name(name, &place, known.iter())).collect()
            }
            Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
                // Of several forms, the one that was meant is that of the right type.
                let mut meant =
                    context.iter().filter(|way| !way.iter().any(|it| is_type_at(it, pointer)));
                match (meant.next(), meant.next()) {
                    (Some(way), None) => {
                        way.iter().flat_map(|error| self.told(error, judged)).collect()
                    }
                    _ => vec![self.wrong(error, &place, judged)],
                }
            }
            _ => vec![self.wrong(error, &place, judged)],
        }
    }

    fn missing(&self, name: &str, place: &str, at_root: bool) -> Notice {
        let member = self.members.iter().find(|member| at_root && member.name == name);
        let hint = member.map(|member| member.description().to_owned()).unwrap_or_default();
        Notice { message: format!("{name} is missing"), hint, path: format!("{place}.{name}") }
    }

    /// Answers the names that are known where an unknown one is.
    fn known_at(&self, error: &ValidationError<'_>) -> Vec<String> {
        let schema = error.schema_path().as_str().rsplit_once('/').map_or("", |(around, _)| around);
        let properties = self.document.pointer(schema).and_then(|it| it.get("properties"));
        let names = properties.and_then(Value::as_object).into_iter().flat_map(|it| it.keys());
        names.cloned().collect()
    }

    fn wrong(&self, error: &ValidationError<'_>, place: &str, judged: Judged<'_>) -> Notice {
        let pointer = error.instance_path().as_str();
        let name = place.rsplit_once('.').map_or(place, |(_, name)| name);
        let value = error.instance().as_ref();
        let hidden = judged.is_secret
            || pointer.is_empty() && self.sensitive().next().is_some()
            || is_sensitive(&self.document, pointer)
            || has_secret(value, judged.secrets);
        let given = if hidden { String::new() } else { format!(", not {}", words::value(value)) };
        let expected = words::expected(error);
        let takes_value = expected.starts_with("must be ") || expected.starts_with("must match ");
        let message = match takes_value {
            true => format!("{name} {expected}{given}"),
            false => format!("{name} {expected}"),
        };
        let hint = if hidden { String::new() } else { meant(error.kind(), value) };
        Notice { message, hint, path: place.to_owned() }
    }
}

/// Says that a name is not known.
pub fn unknown_name<'k>(
    name: &str,
    place: &str,
    known: impl Iterator<Item = &'k String>,
) -> Notice {
    let mut known: Vec<&str> = known.map(String::as_str).collect();
    known.sort_unstable();
    known.dedup();
    let hint = match closest(name, known.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None if known.is_empty() => String::new(),
        None => format!("known are {}", known.join(", ")),
    };
    let short: String = name.chars().take(64).flat_map(char::escape_debug).collect();
    Notice { message: format!("{short} is not known"), hint, path: format!("{place}.{short}") }
}

/// Tells whether an error says that the value at a place has a type that is not taken.
pub(super) fn is_type_at(error: &ValidationError<'_>, pointer: &str) -> bool {
    matches!(error.kind(), Kind::Type { .. }) && error.instance_path().as_str() == pointer
}

fn has_secret(value: &Value, secrets: &[&str]) -> bool {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    secrets.iter().any(|secret| !secret.is_empty() && text.contains(secret))
}

fn meant(kind: &Kind, value: &Value) -> String {
    let (Kind::Enum { options }, Some(text)) = (kind, value.as_str()) else {
        return String::new();
    };
    let words = options.as_array().into_iter().flatten().filter_map(Value::as_str);
    closest(text, words).map(|near| format!("did you mean {near}?")).unwrap_or_default()
}
