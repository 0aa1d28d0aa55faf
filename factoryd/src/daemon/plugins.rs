//! The plugins' state as the API shows it.

use crate::domain::Failure;
use crate::plugin::{Acceptance, Host, PluginStatus};
use crate::rest;
use crate::schema::{Row, Schema, Schemas};
use factory_proto::factory_v1 as v1;
use serde_json::{Value, json};
use std::sync::Arc;

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

/// Answers what a plugin is and takes, as the API shows it.
pub(super) async fn describe(host: Host, name: String) -> Result<v1::PluginDescription, Failure> {
    let (plugin, said) = host.said(&name).await?;
    let Schemas { parameters, provider, credentials } = &plugin.schemas;
    Ok(v1::PluginDescription {
        name,
        description_json: said.to_string(),
        any_parameters: parameters.as_ref().is_none_or(|schema| schema.is_open()),
        parameters: rows(parameters).map(parameter).collect(),
        provider: rows(provider).map(parameter).collect(),
        credentials: rows(credentials).map(parameter).collect(),
    })
}

/// Answers what a plugin takes, as the REST API shows it.
pub(super) async fn takes(host: Host, name: String) -> Result<rest::Takes, Failure> {
    let (plugin, _) = host.said(&name).await?;
    let Schemas { parameters, provider, credentials } = &plugin.schemas;
    let document = |schema: &Option<Arc<Schema>>| schema.as_ref().map(|it| it.document().clone());
    Ok(rest::Takes {
        parameters: rows(parameters).collect(),
        parameters_schema: document(parameters),
        provider_schema: document(provider),
        credentials_schema: document(credentials),
    })
}

fn rows(schema: &Option<Arc<Schema>>) -> impl Iterator<Item = Row> {
    schema.iter().flat_map(|schema| schema.table()).collect::<Vec<_>>().into_iter()
}

/// Answers a parameter as the API shows it.
pub fn parameter(row: Row) -> v1::Parameter {
    v1::Parameter {
        name: row.name,
        r#type: row.kind,
        allowed: row.allowed,
        default_json: row.default,
        required: row.is_required,
        sensitive: row.is_sensitive,
        deprecated: row.is_deprecated,
        description: row.description,
    }
}

/// Answers a plugin as the REST API shows it.
pub(super) fn for_rest(plugin: PluginStatus) -> rest::Plugin {
    rest::Plugin { name: plugin.name, info: plugin.info }
}
