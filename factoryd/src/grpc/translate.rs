//! The factory's words as messages of `factory.v1`.

use crate::domain::{
    Artifact, Event, EventKind, Failure, Image, Kind, LogLine, Notice, Progress, Resource, Status,
};
use crate::factory::LedgerEntry;
use factory_proto::factory_v1::{self as v1, event};
use std::time::SystemTime;

/// An image as the API shows it.
pub(super) fn image(image: Image) -> v1::Image {
    v1::Image {
        id: image.id.to_string(),
        kind: kind(image.kind).into(),
        status: status(image.status).into(),
        percent_complete: image.percent,
        activity: image.activity,
        error: image.failure.map(failure),
        name: image.name,
        template_xml: image.template_xml,
        parent_id: image.parent.map(|id| id.to_string()).unwrap_or_default(),
        target: image.target.unwrap_or_default(),
        provider: image.provider.unwrap_or_default(),
        identifier_on_provider: image.identifiers.identifier_on_provider,
        provider_account_identifier: image.identifiers.provider_account_identifier,
        artifacts: image.artifacts.into_iter().map(artifact).collect(),
        properties_json: image.properties.to_json(),
        parameters_json: image.parameters.to_json(),
        icicle_xml: image.icicle_xml.unwrap_or_default(),
        created: timestamp(image.created),
        updated: timestamp(image.updated),
        last_cursor: image.last_cursor,
    }
}

/// An event as the API shows it.
pub(super) fn event(event: Event) -> v1::Event {
    v1::Event {
        cursor: event.cursor,
        image_id: event.image.to_string(),
        time: timestamp(event.time),
        kind: Some(event_kind(event.kind)),
    }
}

/// A failure as the API shows it; the step that failed goes in front of what failed.
pub(super) fn failure(failure: Failure) -> v1::Error {
    let message = match failure.step.as_str() {
        "" => failure.message,
        step => format!("{step}: {}", failure.message),
    };
    v1::Error {
        reason: failure.reason,
        message,
        hint: failure.hint,
        path: failure.path,
        detail: failure.detail,
        fault: failure.fault.as_str().to_owned(),
    }
}

/// An entry of the ledger as the API shows it.
pub(super) fn ledger_entry(entry: LedgerEntry) -> v1::LedgerEntry {
    let state = match (entry.resource.state, entry.kept) {
        (_, true) => "kept",
        (state, false) => state.as_str(),
    };
    v1::LedgerEntry {
        number: entry.number,
        image_id: entry.image.to_string(),
        target: entry.target.unwrap_or_default(),
        provider: entry.provider.unwrap_or_default(),
        plugin: entry.resource.plugin,
        operation_id: entry.resource.operation,
        state: state.to_owned(),
        kind: entry.resource.kind,
        intent_id: entry.resource.intent_id,
        resource_id: entry.resource.resource_id,
        description: entry.resource.description,
        in_use: entry.busy,
        declared: timestamp(entry.declared),
        attempts: entry.attempts,
        problem: entry.problem,
        needs_credentials: entry.needs_credentials,
        next_try: (SystemTime::UNIX_EPOCH < entry.next).then(|| timestamp(entry.next)).flatten(),
        settling: entry.claimed,
    }
}

/// A kind as the API names it.
pub(super) fn kind(kind: Kind) -> v1::ImageKind {
    match kind {
        Kind::Base => v1::ImageKind::Base,
        Kind::Target => v1::ImageKind::Target,
        Kind::Provider => v1::ImageKind::Provider,
    }
}

/// A status as the API names it.
pub(super) fn status(status: Status) -> v1::ImageStatus {
    match status {
        Status::New => v1::ImageStatus::New,
        Status::Pending => v1::ImageStatus::Pending,
        Status::Building => v1::ImageStatus::Building,
        Status::Complete => v1::ImageStatus::Complete,
        Status::Failed => v1::ImageStatus::Failed,
        Status::Deleting => v1::ImageStatus::Deleting,
        Status::Deleted => v1::ImageStatus::Deleted,
        Status::DeleteFailed => v1::ImageStatus::Deletefailed,
    }
}

fn event_kind(kind: EventKind) -> event::Kind {
    match kind {
        EventKind::Status { from, to, failure } => event::Kind::Status(v1::StatusChanged {
            from: status(from).into(),
            to: status(to).into(),
            error: failure.map(self::failure),
        }),
        EventKind::Progress(it) => event::Kind::Progress(progress(it)),
        EventKind::Property { key, value_json } => {
            event::Kind::Property(v1::Property { key, value_json })
        }
        EventKind::Log(it) => event::Kind::Log(log_line(it)),
        EventKind::Warning(it) => event::Kind::Warning(warning(it)),
        EventKind::Artifact(it) => event::Kind::Artifact(artifact(it)),
        EventKind::Packages(it) => event::Kind::Packages(v1::Packages {
            count: u32::try_from(it.count).unwrap_or(u32::MAX),
        }),
        EventKind::CloudIdentifiers(it) => event::Kind::CloudIdentifiers(v1::CloudIdentifiers {
            identifier_on_provider: it.identifier_on_provider,
            provider_account_identifier: it.provider_account_identifier,
        }),
        EventKind::Resource(it) => event::Kind::Resource(resource(it)),
    }
}

fn progress(progress: Progress) -> v1::Progress {
    v1::Progress {
        percent: progress.percent,
        phase: progress.phase,
        activity: progress.activity,
        current: progress.current,
        total: progress.total,
        unit: progress.unit,
    }
}

fn log_line(line: LogLine) -> v1::LogLine {
    v1::LogLine {
        level: line.level.as_str().to_owned(),
        message: line.message,
        source: line.source,
    }
}

fn warning(notice: Notice) -> v1::Warning {
    v1::Warning { message: notice.message, hint: notice.hint, path: notice.path }
}

fn artifact(artifact: Artifact) -> v1::Artifact {
    v1::Artifact {
        role: artifact.role,
        path: artifact.path.to_string_lossy().into_owned(),
        format: artifact.format,
        size: artifact.size,
        virtual_size: artifact.virtual_size,
        sha256: artifact.sha256,
        media_type: artifact.media_type,
    }
}

/// The locator stays inside: it is between the factory and the plugin.
fn resource(resource: Resource) -> v1::Resource {
    v1::Resource {
        state: resource.state.as_str().to_owned(),
        intent_id: resource.intent_id,
        kind: resource.kind,
        resource_id: resource.resource_id,
        description: resource.description,
    }
}

pub(super) fn timestamp(time: SystemTime) -> Option<prost_types::Timestamp> {
    Some(time.into())
}

/// Translates a step of the journal.
pub(super) fn step(step: &crate::domain::StepRecord) -> v1::Step {
    v1::Step {
        name: step.name.to_string(),
        state: step.state.as_str().to_owned(),
        tries: step.tries,
        crashes: step.crashes,
        interruptions: step.interruptions,
        begun: timestamp(step.begun),
        ended: step.ended.and_then(timestamp),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Fault;

    #[test]
    fn every_status_keeps_its_name() {
        for status in Status::ALL {
            let name = super::status(status).as_str_name();
            assert_eq!(name, format!("IMAGE_STATUS_{status}"));
        }
    }

    #[test]
    fn a_failure_names_its_step_and_whose_move_is_next() {
        let mut failure = Failure::new(Fault::Host, "TOOL_MISSING", "mmdebstrap is not installed");
        failure.step = "install".into();
        let error = super::failure(failure);
        assert_eq!(error.message, "install: mmdebstrap is not installed");
        assert_eq!((error.reason.as_str(), error.fault.as_str()), ("TOOL_MISSING", "host"));
    }
}
