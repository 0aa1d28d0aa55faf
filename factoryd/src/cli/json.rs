//! Messages of `factory.v1` as JSON: the names of the `.proto` files, in snake case; empty fields are left out.

use factory_proto::factory_v1::{self as v1, event::Kind};
use prost_types::Timestamp;
use serde_json::{Map, Value, json};

/// An image, with `properties` and `parameters` as objects.
pub(super) fn image(image: &v1::Image) -> Value {
    object([
        ("id", json!(image.id)),
        ("kind", json!(kind(image.kind()))),
        ("status", json!(status(image.status()))),
        ("percent_complete", json!(image.percent_complete)),
        ("activity", text(&image.activity)),
        ("error", image.error.as_ref().map(error).unwrap_or_default()),
        ("name", json!(image.name)),
        ("parent_id", text(&image.parent_id)),
        ("target", text(&image.target)),
        ("provider", text(&image.provider)),
        ("identifier_on_provider", text(&image.identifier_on_provider)),
        ("provider_account_identifier", text(&image.provider_account_identifier)),
        ("artifacts", image.artifacts.iter().map(artifact).collect()),
        ("properties", parsed(&image.properties_json)),
        ("parameters", parsed(&image.parameters_json)),
        ("template_xml", text(&image.template_xml)),
        ("icicle_xml", text(&image.icicle_xml)),
        ("created", time(image.created.as_ref())),
        ("updated", time(image.updated.as_ref())),
        ("last_cursor", json!(image.last_cursor)),
    ])
}

/// An event; what happened is under its own name: `status`, `progress`, `property`, `log`, `warning`, `artifact`,
/// `packages`, `cloud_identifiers` or `resource`.
pub(super) fn event(event: &v1::Event) -> Value {
    let (name, what) = match &event.kind {
        Some(kind) => event_kind(kind),
        None => ("unknown", json!({})),
    };
    object([
        ("cursor", json!(event.cursor)),
        ("image_id", json!(event.image_id)),
        ("time", time(event.time.as_ref())),
        (name, what),
    ])
}

/// A token; never the token itself.
pub(super) fn token(token: &v1::Token) -> Value {
    object([
        ("id", json!(token.id)),
        ("name", json!(token.name)),
        ("role", json!(role(token.role()))),
        ("created", time(token.created.as_ref())),
        ("expires", time(token.expires.as_ref())),
        ("last_used", time(token.last_used.as_ref())),
    ])
}

/// A role's name.
pub(super) fn role(role: v1::Role) -> String {
    role.as_str_name().trim_start_matches("ROLE_").to_lowercase()
}

/// An image that is deleted by a rule.
pub(super) fn pruned(pruned: &v1::Pruned) -> Value {
    json!({
        "image_id": pruned.image_id,
        "name": pruned.name,
        "kind": pruned.kind,
        "size": pruned.size,
        "why": pruned.why,
    })
}

/// A plugin that was accepted.
pub(super) fn acceptance(accepted: &v1::PluginAcceptance) -> Value {
    object([
        ("name", json!(accepted.name)),
        ("old_sha256", text(&accepted.old_sha256)),
        ("new_sha256", json!(accepted.new_sha256)),
        ("old_version", text(&accepted.old_version)),
        ("new_version", text(&accepted.new_version)),
        ("changes", json!(accepted.changes)),
    ])
}

/// What a look at the store found.
pub(super) fn checked(checked: &v1::CheckStoreResponse) -> Value {
    let finding = |finding: &v1::Finding| {
        object([
            ("severity", json!(finding.severity)),
            ("reason", json!(finding.reason)),
            ("image_id", text(&finding.image_id)),
            ("path", text(&finding.path)),
            ("message", json!(finding.message)),
            ("remedy", json!(finding.remedy)),
            ("action", json!(finding.action)),
        ])
    };
    json!({
        "findings": checked.findings.iter().map(finding).collect::<Vec<_>>(),
        "images": checked.images,
        "bodies": checked.bodies,
        "bytes": checked.bytes,
    })
}

/// A plugin, with `targets` and `info` as JSON.
pub(super) fn plugin(plugin: &v1::Plugin) -> Value {
    object([
        ("name", json!(plugin.name)),
        ("kind", text(&plugin.kind)),
        ("targets", parsed(&plugin.targets_json)),
        ("info", parsed(&plugin.info_json)),
        ("executable", text(&plugin.executable)),
        ("state", json!(plugin.state)),
        ("error", text(&plugin.error)),
        ("conflicts", json!(plugin.conflicts)),
        ("trust", text(&plugin.trust)),
        ("version", text(&plugin.version)),
        ("sha256", text(&plugin.sha256)),
        ("accepted", text(&plugin.accepted)),
        ("sandbox", text(&plugin.sandbox)),
        ("asks", json!(plugin.asks)),
        ("gets", json!(plugin.gets)),
        ("not_enforced", json!(plugin.not_enforced)),
        ("pid", if plugin.pid == 0 { Value::Null } else { json!(plugin.pid) }),
    ])
}

/// What a plugin takes.
pub(super) fn takes(described: &v1::PluginDescription) -> Value {
    let rows = |rows: &[v1::Parameter]| rows.iter().map(parameter).collect::<Value>();
    object([
        ("parameters", rows(&described.parameters)),
        ("any_parameters", json!(described.any_parameters)),
        ("provider", rows(&described.provider)),
        ("credentials", rows(&described.credentials)),
        ("description", parsed(&described.description_json)),
    ])
}

fn parameter(parameter: &v1::Parameter) -> Value {
    object([
        ("name", json!(parameter.name)),
        ("type", text(&parameter.r#type)),
        ("allowed", text(&parameter.allowed)),
        ("default", parsed(&parameter.default_json)),
        ("required", json!(parameter.required)),
        ("sensitive", json!(parameter.sensitive)),
        ("deprecated", json!(parameter.deprecated)),
        ("description", text(&parameter.description)),
    ])
}

/// Something outside this machine.
pub(super) fn ledger_entry(entry: &v1::LedgerEntry) -> Value {
    object([
        ("number", json!(entry.number)),
        ("image_id", json!(entry.image_id)),
        ("target", text(&entry.target)),
        ("provider", text(&entry.provider)),
        ("plugin", text(&entry.plugin)),
        ("operation_id", text(&entry.operation_id)),
        ("state", json!(entry.state)),
        ("kind", text(&entry.kind)),
        ("intent_id", json!(entry.intent_id)),
        ("resource_id", text(&entry.resource_id)),
        ("description", text(&entry.description)),
        ("in_use", json!(entry.in_use)),
        ("declared", time(entry.declared.as_ref())),
        ("attempts", json!(entry.attempts)),
        ("problem", text(&entry.problem)),
        ("needs_credentials", json!(entry.needs_credentials)),
        ("next_try", time(entry.next_try.as_ref())),
        ("settling", json!(entry.settling)),
    ])
}

/// Why something failed.
pub(super) fn error(error: &v1::Error) -> Value {
    object([
        ("reason", json!(error.reason)),
        ("message", json!(error.message)),
        ("hint", text(&error.hint)),
        ("path", text(&error.path)),
        ("detail", text(&error.detail)),
        ("fault", text(&error.fault)),
    ])
}

/// `base`, `target` or `provider`.
pub(super) fn kind(kind: v1::ImageKind) -> &'static str {
    match kind {
        v1::ImageKind::Unspecified => "unknown",
        v1::ImageKind::Base => "base",
        v1::ImageKind::Target => "target",
        v1::ImageKind::Provider => "provider",
    }
}

/// `NEW`, `PENDING`, …
pub(super) fn status(status: v1::ImageStatus) -> &'static str {
    status.as_str_name().trim_start_matches("IMAGE_STATUS_")
}

fn event_kind(kind: &Kind) -> (&'static str, Value) {
    match kind {
        Kind::Status(it) => ("status", status_changed(it)),
        Kind::Progress(it) => ("progress", progress(it)),
        Kind::Property(it) => ("property", json!({"key": it.key, "value": parsed(&it.value_json)})),
        Kind::Log(it) => {
            let line = [("level", json!(it.level)), ("message", json!(it.message))];
            ("log", object(line.into_iter().chain([("source", text(&it.source))])))
        }
        Kind::Warning(it) => {
            let notice = [("message", json!(it.message)), ("hint", text(&it.hint))];
            ("warning", object(notice.into_iter().chain([("path", text(&it.path))])))
        }
        Kind::Artifact(it) => ("artifact", artifact(it)),
        Kind::Packages(it) => ("packages", json!({"count": it.count})),
        Kind::CloudIdentifiers(it) => ("cloud_identifiers", identifiers(it)),
        Kind::Resource(it) => ("resource", resource(it)),
    }
}

fn status_changed(it: &v1::StatusChanged) -> Value {
    object([
        ("from", json!(status(it.from()))),
        ("to", json!(status(it.to()))),
        ("error", it.error.as_ref().map(error).unwrap_or_default()),
    ])
}

fn progress(it: &v1::Progress) -> Value {
    let amount = if it.current == 0 && it.total == 0 {
        Value::Null
    } else {
        json!({"current": it.current, "total": it.total, "unit": it.unit})
    };
    object([
        ("percent", json!(it.percent)),
        ("phase", text(&it.phase)),
        ("activity", text(&it.activity)),
        ("amount", amount),
    ])
}

fn artifact(it: &v1::Artifact) -> Value {
    object([
        ("role", json!(it.role)),
        ("path", json!(it.path)),
        ("format", json!(it.format)),
        ("size", json!(it.size)),
        ("virtual_size", if it.virtual_size == 0 { Value::Null } else { json!(it.virtual_size) }),
        ("sha256", text(&it.sha256)),
        ("media_type", text(&it.media_type)),
    ])
}

fn identifiers(it: &v1::CloudIdentifiers) -> Value {
    object([
        ("identifier_on_provider", text(&it.identifier_on_provider)),
        ("provider_account_identifier", text(&it.provider_account_identifier)),
    ])
}

fn resource(it: &v1::Resource) -> Value {
    object([
        ("state", json!(it.state)),
        ("intent_id", json!(it.intent_id)),
        ("kind", text(&it.kind)),
        ("resource_id", text(&it.resource_id)),
        ("description", text(&it.description)),
    ])
}

fn object(fields: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let fields = fields.into_iter().filter(|(_, value)| !value.is_null());
    Value::Object(fields.map(|(name, value)| (name.to_owned(), value)).collect())
}

fn text(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { json!(text) }
}

fn parsed(json: &str) -> Value {
    if json.is_empty() {
        return Value::Object(Map::new());
    }
    serde_json::from_str(json).unwrap_or_else(|_| Value::String(json.to_owned()))
}

fn time(time: Option<&Timestamp>) -> Value {
    time.map(|time| json!(time.to_string())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_cursor(cursor: u64, kind: Kind) -> v1::Event {
        let time = Some(Timestamp { seconds: 1_700_000_000, nanos: 0 });
        v1::Event { cursor, image_id: "id".into(), time, kind: Some(kind) }
    }

    #[test]
    fn an_event_names_what_happened() {
        let progress =
            v1::Progress { percent: 12.5, phase: "install".into(), ..Default::default() };
        assert_eq!(
            event(&at_cursor(7, Kind::Progress(progress))).to_string(),
            r#"{"cursor":7,"image_id":"id","time":"2023-11-14T22:13:20Z","progress":{"percent":12.5,"phase":"install"}}"#
        );
    }

    #[test]
    fn a_failed_image_says_why() {
        let changed = v1::StatusChanged {
            from: v1::ImageStatus::Building.into(),
            to: v1::ImageStatus::Failed.into(),
            error: Some(v1::Error {
                reason: "DISK_TOO_SMALL".into(),
                message: "the disk is too small".into(),
                ..Default::default()
            }),
        };
        assert_eq!(
            event(&at_cursor(8, Kind::Status(changed)))["status"].to_string(),
            r#"{"from":"BUILDING","to":"FAILED","error":{"reason":"DISK_TOO_SMALL","message":"the disk is too small"}}"#
        );
    }

    #[test]
    fn properties_are_an_object_and_not_text() {
        let shown = image(&v1::Image {
            properties_json: r#"{"run_command":"qemu {disk}"}"#.into(),
            ..Default::default()
        });
        assert_eq!(shown["properties"]["run_command"], "qemu {disk}");
        assert_eq!(shown["artifacts"], json!([]));
    }
}
