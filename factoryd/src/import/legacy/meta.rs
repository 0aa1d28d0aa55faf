//! One `<id>.meta`.

use super::{LegacyImage, body, secrets};
use crate::domain::{CloudIdentifiers, ImageId, Kind, Parameters, Status};
use crate::report;
use serde_json::{Map, Value};
use std::io::Read;
use std::path::Path;
use std::time::SystemTime;

/// Longer objects, in bytes, are no image's.
const LEN_MAX: u64 = 16 << 20;

/// Reads an image, or says in words why it is none.
pub(super) fn read(file: &Path) -> Result<LegacyImage, String> {
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let id = ImageId::parse(stem).map_err(|error| error.to_string())?;
    let (mut object, saved) = object(file)?;
    if let Some(other) =
        text(&object, "identifier").filter(|named| !named.eq_ignore_ascii_case(stem))
    {
        return Err(format!("it says that it is image {}", other.escape_debug()));
    }
    let mut left_out = secrets::remove(&mut object);
    // Unchanged by case: the name of the file is what is there.
    let body = body::look(&file.with_extension("body"))?;
    let kind = kind(&object)?;
    let parent_key = match kind {
        Kind::Base => None,
        Kind::Target => Some("base_image_id"),
        Kind::Provider => Some("target_image_id"),
    };
    let parent = parent_key.and_then(|key| text(&object, key)).map(|id| ImageId::parse(&id));
    let provider = text(&object, "provider");
    let clean = provider.as_deref().map(secrets::clean_provider);
    if provider != clean {
        left_out.push("provider's password".to_owned());
    }
    let detail =
        object.get("status_detail").and_then(Value::as_object).cloned().unwrap_or_default();
    Ok(LegacyImage {
        kind,
        status: status(&object)?,
        percent: object.get("percent_complete").and_then(Value::as_f64).unwrap_or_default(),
        activity: text(&detail, "activity").unwrap_or_default(),
        error: text(&detail, "error").unwrap_or_default(),
        template_xml: text(&object, "template").unwrap_or_default(),
        icicle_xml: text(&object, "icicle"),
        parent: parent.transpose().map_err(|error| format!("its parent: {error}"))?,
        target: text(&object, "target"),
        provider: clean,
        snapshot: kind == Kind::Provider && text(&object, "target_image_id").is_none(),
        identifiers: CloudIdentifiers {
            identifier_on_provider: text(&object, "identifier_on_provider").unwrap_or_default(),
            provider_account_identifier: text(&object, "provider_account_identifier")
                .unwrap_or_default(),
        },
        parameters: Parameters(map(&object, "parameters")),
        properties: Parameters(map(&object, "properties")),
        id,
        body,
        saved,
        left_out,
    })
}

fn object(file: &Path) -> Result<(Map<String, Value>, SystemTime), String> {
    let failed = |error: std::io::Error| format!("it can't be read: {error}");
    let open = body::open(file).map_err(failed)?;
    let metadata = open.metadata().map_err(failed)?;
    if LEN_MAX < metadata.len() {
        return Err(format!("it is longer than {LEN_MAX} bytes"));
    }
    let mut bytes = Vec::new();
    open.take(LEN_MAX).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.is_empty() {
        return Err("it is empty: its factory died while it was written".to_owned());
    }
    let object = serde_json::from_slice(&bytes)
        .map_err(|error| format!("it is no JSON object: {}", report::chain(&error)))?;
    Ok((object, metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH)))
}

fn kind(object: &Map<String, Value>) -> Result<Kind, String> {
    match text(object, "type").as_deref() {
        Some("BaseImage") => Ok(Kind::Base),
        Some("TargetImage") => Ok(Kind::Target),
        Some("ProviderImage") => Ok(Kind::Provider),
        Some(other) => Err(format!("its type {} is not known", other.escape_debug())),
        None => Err("it has no type".to_owned()),
    }
}

fn status(object: &Map<String, Value>) -> Result<Status, String> {
    let word = text(object, "status").ok_or_else(|| "it has no status".to_owned())?;
    Status::parse(&word).ok_or_else(|| format!("its status {} is not known", word.escape_debug()))
}

/// A text that says something. Identifiers are numbers here and there.
fn text(object: &Map<String, Value>, name: &str) -> Option<String> {
    match object.get(name)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn map(object: &Map<String, Value>, name: &str) -> Map<String, Value> {
    object.get(name).and_then(Value::as_object).cloned().unwrap_or_default()
}
