//! What a schema expects, in words.

use crate::report::quote;
use jsonschema::error::{TypeKind, ValidationError, ValidationErrorKind as Kind};
use serde_json::Value;

/// How many alternatives are told.
const ALTERNATIVES_MAX: usize = 4;

/// Says what a value must be, as it goes on after its name.
pub(super) fn expected(error: &ValidationError<'_>) -> String {
    of_kind(error.kind())
}

fn of_kind(kind: &Kind) -> String {
    match kind {
        Kind::Type { kind } => format!("must be {}", types(kind)),
        Kind::Enum { options } => {
            format!("must be {}", options.as_array().map_or_else(String::new, |it| any_of(it)))
        }
        Kind::Constant { expected_value } => format!("must be {}", value(expected_value)),
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => alternatives(context),
        Kind::OneOfMultipleValid { .. } => {
            "fits more than one of the forms that exclude each other".to_owned()
        }
        Kind::Not { .. } => "has a value or a form that is excluded".to_owned(),
        Kind::FalseSchema => "must not be given".to_owned(),
        Kind::Format { format } => format!("must be a {format}"),
        Kind::Pattern { pattern } => format!("must match the pattern {pattern}"),
        Kind::ContentEncoding { content_encoding } => format!("must be {content_encoding}"),
        Kind::ContentMediaType { content_media_type } => format!("must be {content_media_type}"),
        Kind::Referencing(_)
        | Kind::BacktrackLimitExceeded { .. }
        | Kind::RegexEngineFailure { .. } => {
            "can't be judged: the plugin's schema is too complicated".to_owned()
        }
        Kind::Custom { message, .. } => message.clone(),
        bound => bounded(bound),
    }
}

fn bounded(kind: &Kind) -> String {
    match kind {
        Kind::Minimum { limit } => format!("must be at least {limit}"),
        Kind::Maximum { limit } => format!("must be at most {limit}"),
        Kind::ExclusiveMinimum { limit } => format!("must be more than {limit}"),
        Kind::ExclusiveMaximum { limit } => format!("must be less than {limit}"),
        Kind::MultipleOf { multiple_of } => format!("must be a multiple of {multiple_of}"),
        Kind::MinLength { limit } => format!("must have at least {limit} characters"),
        Kind::MaxLength { limit } => format!("must have at most {limit} characters"),
        Kind::MinItems { limit } => format!("must have at least {limit} items"),
        Kind::MaxItems { limit } => format!("must have at most {limit} items"),
        Kind::AdditionalItems { limit } => format!("must have at most {limit} items"),
        Kind::MinProperties { limit } => format!("must have at least {limit} members"),
        Kind::MaxProperties { limit } => format!("must have at most {limit} members"),
        Kind::UniqueItems => "must not have an item twice".to_owned(),
        Kind::Contains => "lacks an item that must be there".to_owned(),
        Kind::PropertyNames { .. } => "has a member whose name is not allowed".to_owned(),
        Kind::Required { property } => {
            format!("must have a member {}", property.as_str().unwrap_or_default())
        }
        _ => "is not as it must be".to_owned(),
    }
}

fn alternatives(context: &[Vec<ValidationError<'_>>]) -> String {
    let mut ways: Vec<String> = Vec::new();
    for branch in context.iter().filter_map(|branch| branch.first()) {
        let way = expected(branch);
        if !ways.contains(&way) {
            ways.push(way);
        }
    }
    ways.truncate(ALTERNATIVES_MAX);
    if ways.is_empty() { "fits none of the allowed forms".to_owned() } else { ways.join(", or ") }
}

fn types(kind: &TypeKind) -> String {
    let name = |name: &str| {
        match name {
            "integer" => "a whole number",
            "number" => "a number",
            "string" => "text",
            "boolean" => "true or false",
            "array" => "a list",
            "object" => "an object",
            other => other,
        }
        .to_owned()
    };
    let names: Vec<String> = match kind {
        TypeKind::Single(one) => vec![name(&one.to_string())],
        TypeKind::Multiple(several) => several.iter().map(|one| name(&one.to_string())).collect(),
    };
    names.join(" or ")
}

/// Writes "`a`, `b` or 3".
fn any_of(options: &[Value]) -> String {
    let words: Vec<String> = options.iter().map(value).collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        Some((last, _)) => last.clone(),
        None => "nothing".to_owned(),
    }
}

/// Writes a value: text in quotes, anything else as JSON, shortened.
pub(super) fn value(value: &Value) -> String {
    match value {
        Value::String(text) => quote(text),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        other => other.to_string(),
    }
}
