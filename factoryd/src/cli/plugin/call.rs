//! `factory plugin call`: one call of a plugin, from JSON to JSON.

use super::solo::with_plugin;
use crate::cli::arguments::{CallArguments, PlaceArguments};
use crate::cli::display::{print, say};
use crate::cli::error::Error;
use crate::cli::exit::Exit;
use crate::cli::input;
use crate::workbench::{Called, Method, call as call_method};
use serde_json::{Map, Value, json};
use std::path::Path;
use uuid::Uuid;

/// Makes the call.
pub(super) fn call(place: PlaceArguments, arguments: &CallArguments) -> Result<Exit, Error> {
    let method = Method::find(&arguments.method)?;
    let mut request = request(arguments.request.as_deref().unwrap_or("{}"))?;
    let directory = match method.is_streaming() {
        true => with_header(&mut request)?,
        false => None,
    };
    let called = with_plugin(place, &arguments.plugin, async |solo| {
        let show = |answer: Value| match method.is_streaming() {
            true => print(&format!("{answer}\n")),
            false => print(&format!("{answer:#}\n")),
        };
        call_method(solo.channel(), &method, &Value::Object(request), show).await?
    })?;
    if let Some(directory) = directory {
        keep_files(directory);
    }
    match called {
        Called::Done => Ok(Exit::Done),
        Called::Failed => Ok(Exit::Failed),
        Called::Refused(status) => {
            say(&format!("error: {}: {status}", method.name()));
            Ok(Exit::Failed)
        }
    }
}

/// Reads a request: JSON, or `@FILE`, of which `@-` is standard input.
fn request(text: &str) -> Result<Map<String, Value>, Error> {
    if let Some(file) = text.strip_prefix('@') {
        return input::object(Path::new(file));
    }
    let wrong = |error| Error::Usage(format!("--request is no JSON object: {error}"));
    serde_json::from_str(text).map_err(wrong)
}

/// Adds what an operation needs and the request does not say: an id, and a directory.
fn with_header(request: &mut Map<String, Value>) -> Result<Option<tempfile::TempDir>, Error> {
    let header = request.entry("header").or_insert_with(|| json!({}));
    let Some(header) = header.as_object_mut() else { return Ok(None) };
    header.entry("operation_id").or_insert_with(|| json!(format!("call-{}", Uuid::new_v4())));
    if header.contains_key("work_dir") {
        return Ok(None);
    }
    let directory = tempfile::tempdir();
    let failed =
        |source| Error::System { what: "can't make a directory for the operation", source };
    let directory = directory.map_err(failed)?;
    header.insert("work_dir".to_owned(), json!(directory.path()));
    Ok(Some(directory))
}

/// Leaves a directory that has files, and says where it is.
fn keep_files(directory: tempfile::TempDir) {
    let has_files = directory.path().read_dir().is_ok_and(|mut files| files.next().is_some());
    if has_files {
        say(&format!("its files are in {}", directory.keep().display()));
    }
}
