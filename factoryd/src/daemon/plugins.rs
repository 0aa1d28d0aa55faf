//! The plugins' state as the API shows it.

use crate::plugin::PluginStatus;
use crate::rest;
use factory_proto::factory_v1 as v1;
use serde_json::{Value, json};

/// Answers a plugin as the API shows it.
pub(super) fn translate(plugin: PluginStatus) -> v1::Plugin {
    let executable = plugin.executable.map(|path| path.to_string_lossy().into_owned());
    v1::Plugin {
        name: plugin.name,
        kind: plugin.kind,
        targets_json: json!(plugin.targets).to_string(),
        info_json: Value::Object(plugin.info).to_string(),
        executable: executable.unwrap_or_default(),
        state: plugin.state.to_string(),
        error: plugin.error,
        conflicts: plugin.conflicts,
        pid: plugin.pid.unwrap_or_default(),
    }
}

/// Answers a plugin as the REST API shows it.
pub(super) fn for_rest(plugin: PluginStatus) -> rest::Plugin {
    rest::Plugin { name: plugin.name, info: plugin.info }
}
