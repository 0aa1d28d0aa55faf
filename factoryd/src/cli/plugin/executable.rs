//! A plugin's executable, run as its author runs it: as the user, without a sandbox.

use crate::cli::error::Error;
use factory_proto::handshake::COOKIE_KEY;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs `PLUGIN describe` and answers the JSON that it prints. What it says on standard error is shown.
///
/// # Errors
/// If it can't be run, fails, or prints something else.
pub(super) fn describe(plugin: &Path) -> Result<Value, Error> {
    let failed = |why: String| Error::Plugin { path: plugin.to_owned(), why };
    let output = Command::new(plugin)
        .arg("describe")
        .env_remove(COOKIE_KEY)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| failed(format!("it can't be run: {error}")))?;
    if !output.status.success() {
        return Err(failed(format!("`describe` ended with {}", output.status)));
    }
    let described: Value = serde_json::from_slice(&output.stdout)
        .map_err(|error| failed(format!("`describe` did not print JSON: {error}")))?;
    match described.is_object() {
        true => Ok(described),
        false => Err(failed("`describe` did not print a JSON object".to_owned())),
    }
}
