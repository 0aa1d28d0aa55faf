//! Plugins as Image Factory shows them: their `.info` files.

use super::problem::Problem;
use super::{Answer, Api, Head, json_answer};
use axum::http::StatusCode;
use axum::response::Response;
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

impl Api {
    /// Lists all plugins.
    pub(super) fn list_plugins(&self, head: &Head) -> Response {
        let shown = (self.plugins)().into_iter().map(|plugin| shown(plugin, &head.origin));
        json_answer(StatusCode::OK, &json!({ "plugins": shown.collect::<Vec<_>>() }))
    }

    /// Shows one plugin.
    pub(super) fn show_plugin(&self, head: &Head, name: &str) -> Answer {
        let found = (self.plugins)().into_iter().find(|plugin| plugin.name == name);
        let plugin = found.ok_or_else(|| Problem::not_found("plugin", name))?;
        Ok(json_answer(StatusCode::OK, &shown(plugin, &head.origin)))
    }
}

fn shown(plugin: Plugin, origin: &str) -> Value {
    let mut members = plugin.info;
    let href = format!("{origin}/imagefactory/plugins/{}", plugin.name);
    members.insert("_type".to_owned(), Value::from("plugin"));
    members.insert("id".to_owned(), Value::from(plugin.name));
    members.insert("href".to_owned(), Value::from(href));
    Value::Object(members)
}
