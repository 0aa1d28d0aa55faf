//! The plugins' state as the API shows it.

use crate::domain::Failure;
use crate::plugin::{Acceptance, Host, PluginStatus};
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
        trust: plugin.standing.trust.to_owned(),
        version: plugin.standing.version,
        sha256: plugin.standing.sha256,
        accepted: plugin.standing.accepted,
        sandbox: plugin.standing.sandbox.to_owned(),
        asks: plugin.standing.asks,
        gets: plugin.standing.gets,
        not_enforced: plugin.standing.not_enforced,
    }
}

/// Accepts plugins, and answers that as the API shows it.
pub(super) async fn accept(
    host: Host,
    names: Vec<String>,
) -> Result<Vec<v1::PluginAcceptance>, Failure> {
    let shown = |it: Acceptance| v1::PluginAcceptance {
        name: it.plugin,
        old_sha256: it.old_sha256,
        new_sha256: it.new_sha256,
        old_version: it.old_version,
        new_version: it.new_version,
        changes: it.changes,
    };
    Ok(host.accept(&names).await?.into_iter().map(shown).collect())
}

/// Answers a plugin as the REST API shows it.
pub(super) fn for_rest(plugin: PluginStatus) -> rest::Plugin {
    rest::Plugin { name: plugin.name, info: plugin.info }
}
