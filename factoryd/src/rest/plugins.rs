//! Plugins as Image Factory shows them: their `.info` files.

use super::problem::Problem;
use super::{Answer, Api, Head, json_answer};
use crate::domain::Failure;
use crate::schema::Row;
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// A plugin: its name and what its `.info` file says.
#[derive(Debug, Clone)]
pub struct Plugin {
    /// Its name.
    pub name: String,
    /// Its `.info` file; unknown keys too.
    pub info: Map<String, Value>,
}

/// Answers the plugins: the facade knows who serves what, not how plugins are.
pub type ListPlugins = Arc<dyn Fn() -> Vec<Plugin> + Send + Sync>;

/// What a plugin takes.
#[derive(Debug, Clone, Default)]
pub struct Takes {
    /// Its parameters.
    pub parameters: Vec<Row>,
    /// The schema of all parameters; `None`: any.
    pub parameters_schema: Option<Value>,
    /// The schema of a provider's definition; `None`: any text.
    pub provider_schema: Option<Value>,
    /// The schema of credentials; `None`: any text.
    pub credentials_schema: Option<Value>,
}

/// Says what the plugin of this name takes; starts it if need be.
pub type DescribePlugin =
    Arc<dyn Fn(String) -> BoxFuture<'static, Result<Takes, Failure>> + Send + Sync>;

impl Api {
    /// Lists all plugins.
    pub(super) fn list_plugins(&self, head: &Head) -> Response {
        let shown = (self.plugins)().into_iter().map(|plugin| shown(plugin, &head.origin));
        json_answer(StatusCode::OK, &json!({ "plugins": shown.collect::<Vec<_>>() }))
    }

    /// Shows one plugin, with what it takes, or why that can't be had.
    pub(super) async fn show_plugin(&self, head: &Head, name: &str) -> Answer {
        let found = (self.plugins)().into_iter().find(|plugin| plugin.name == name);
        let plugin = found.ok_or_else(|| Problem::not_found("plugin", name))?;
        let mut shown = shown(plugin, &head.origin);
        if let Some(describe) = &self.describe {
            let members = match describe(name.to_owned()).await {
                Ok(takes) => described(takes),
                Err(failure) => json!({ "error": failure.to_string() }),
            };
            for (key, value) in members.as_object().into_iter().flatten() {
                shown[key] = value.clone();
            }
        }
        Ok(json_answer(StatusCode::OK, &shown))
    }
}

fn described(takes: Takes) -> Value {
    json!({
        "parameters": takes.parameters.iter().map(parameter).collect::<Vec<_>>(),
        "parameters_schema": takes.parameters_schema,
        "provider_schema": takes.provider_schema,
        "credentials_schema": takes.credentials_schema,
    })
}

fn parameter(row: &Row) -> Value {
    json!({
        "name": row.name,
        "type": row.kind,
        "allowed": row.allowed,
        "default": serde_json::from_str::<Value>(&row.default).unwrap_or_default(),
        "required": row.is_required,
        "sensitive": row.is_sensitive,
        "deprecated": row.is_deprecated,
        "description": row.description,
    })
}

fn shown(plugin: Plugin, origin: &str) -> Value {
    let mut members = plugin.info;
    let href = format!("{origin}/imagefactory/plugins/{}", plugin.name);
    members.insert("_type".to_owned(), Value::from("plugin"));
    members.insert("id".to_owned(), Value::from(plugin.name));
    members.insert("href".to_owned(), Value::from(href));
    Value::Object(members)
}
