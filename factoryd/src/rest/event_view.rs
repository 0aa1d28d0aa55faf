//! Events as JSON.

use crate::domain::{Artifact, Event, EventKind, Failure, Progress, Resource};
use prost_types::Timestamp;
use serde_json::{Map, Value, json};

/// Answers an event: `cursor`, `image_id`, `time`, `type`, and what the type has.
pub(super) fn event_json(event: Event) -> Value {
    let (name, content) = content(event.kind);
    let mut members = Map::new();
    members.insert("cursor".to_owned(), event.cursor.into());
    members.insert("image_id".to_owned(), event.image.as_str().into());
    // Displays as RFC 3339.
    members.insert("time".to_owned(), Timestamp::from(event.time).to_string().into());
    members.insert("type".to_owned(), name.into());
    if let Value::Object(content) = content {
        members.extend(content);
    }
    Value::Object(members)
}

fn content(kind: EventKind) -> (&'static str, Value) {
    match kind {
        EventKind::Status { from, to, failure } => {
            let error = failure.as_ref().map(failure_json);
            ("status", json!({ "from": from.as_str(), "to": to.as_str(), "error": error }))
        }
        EventKind::Progress(progress) => ("progress", progress_json(&progress)),
        EventKind::Property { key, value_json } => {
            let value = serde_json::from_str(&value_json).unwrap_or(Value::String(value_json));
            ("property", json!({ "key": key, "value": value }))
        }
        EventKind::Log(line) => (
            "log",
            json!({ "level": line.level.as_str(), "message": line.message, "source": line.source }),
        ),
        EventKind::Warning(notice) => (
            "warning",
            json!({ "message": notice.message, "hint": notice.hint, "path": notice.path }),
        ),
        EventKind::Artifact(artifact) => ("artifact", artifact_json(&artifact)),
        EventKind::Packages(packages) => ("packages", json!({ "count": packages.count })),
        EventKind::CloudIdentifiers(identifiers) => (
            "cloud_identifiers",
            json!({
                "identifier_on_provider": identifiers.identifier_on_provider,
                "provider_account_identifier": identifiers.provider_account_identifier,
            }),
        ),
        EventKind::Resource(resource) => ("resource", resource_json(&resource)),
    }
}

fn failure_json(failure: &Failure) -> Value {
    json!({
        "reason": failure.reason,
        "message": failure.message,
        "fault": failure.fault.as_str(),
        "hint": failure.hint,
        "path": failure.path,
        "step": failure.step,
        "detail": failure.detail,
        "retryable": failure.retryable,
    })
}

fn progress_json(progress: &Progress) -> Value {
    json!({
        "percent": progress.percent,
        "phase": progress.phase,
        "activity": progress.activity,
        "current": progress.current,
        "total": progress.total,
        "unit": progress.unit,
    })
}

/// Where the file lies is nobody's business; `raw_image` sends it.
fn artifact_json(artifact: &Artifact) -> Value {
    json!({
        "role": artifact.role,
        "format": artifact.format,
        "size": artifact.size,
        "virtual_size": artifact.virtual_size,
        "sha256": artifact.sha256,
        "media_type": artifact.media_type,
    })
}

/// The locator stays inside: it is between the factory and the plugin.
fn resource_json(resource: &Resource) -> Value {
    json!({
        "state": resource.state.as_str(),
        "intent_id": resource.intent_id,
        "kind": resource.kind,
        "description": resource.description,
        "resource_id": resource.resource_id,
    })
}
