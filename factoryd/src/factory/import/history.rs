//! What is recorded to have happened to an image that was made elsewhere.

use crate::domain::{EventKind, Failure, Fault, LogLevel, LogLine, PackageList, Progress, Status};
use crate::import::legacy::LegacyImage;
use crate::import::{Disk, OperatingSystem};
use std::time::SystemTime;

/// The history of a disk that was imported.
pub(super) fn of_disk(
    os: &OperatingSystem,
    disk: &Disk,
    now: SystemTime,
) -> Vec<(SystemTime, EventKind)> {
    let OperatingSystem { name, version, arch } = os;
    let line = LogLine {
        level: LogLevel::Info,
        message: format!("imported a {} disk: {name} {version} for {arch}", disk.format),
        source: String::new(),
    };
    let progress = Progress { percent: 100.0, ..Progress::default() };
    let mut events = steps(Status::New, &[Status::Pending, Status::Building], None);
    events.extend([EventKind::Log(line), EventKind::Progress(progress)]);
    events.extend(steps(Status::Building, &[Status::Complete], None));
    at(now, events)
}

/// The history of an image of Image Factory's, up to where it was; what was under way has failed.
pub(super) fn of_legacy(image: &LegacyImage) -> Vec<(SystemTime, EventKind)> {
    use Status::*;
    let mut events = facts(image);
    let gone = || Some(gone(image.status));
    events.extend(match image.status {
        Complete => steps(New, &[Pending, Building, Complete], None),
        Failed => steps(New, &[Failed], Some(failure(image))),
        New | Pending | Building => steps(New, &[Failed], gone()),
        Deleting => steps(New, &[Failed, Deleting, DeleteFailed], gone()),
        DeleteFailed => {
            steps(New, &[Pending, Building, Complete, Deleting, DeleteFailed], Some(failure(image)))
        }
        Deleted => steps(New, &[Failed, Deleting, Deleted], None),
    });
    at(image.saved, events)
}

fn facts(image: &LegacyImage) -> Vec<EventKind> {
    let mut facts = Vec::new();
    if let Some(icicle_xml) = image.icicle_xml.clone() {
        let count = icicle_xml.matches("<package ").count();
        facts.push(EventKind::Packages(PackageList { count, icicle_xml }));
    }
    for (key, value) in &image.properties.0 {
        let (key, value_json) = (key.clone(), value.to_string());
        facts.push(EventKind::Property { key, value_json });
    }
    if image.identifiers != Default::default() {
        facts.push(EventKind::CloudIdentifiers(image.identifiers.clone()));
    }
    if image.percent > 0.0 {
        let percent = image.percent.min(100.0);
        facts.push(EventKind::Progress(Progress { percent, ..Progress::default() }));
    }
    facts
}

/// Steps from status to status; a failure belongs to each that is one.
fn steps(mut from: Status, path: &[Status], failure: Option<Failure>) -> Vec<EventKind> {
    let step = |to: &Status| {
        let failed = matches!(to, Status::Failed | Status::DeleteFailed);
        let failure = failure.clone().filter(|_| failed);
        let from = std::mem::replace(&mut from, *to);
        EventKind::Status { from, to: *to, failure }
    };
    path.iter().map(step).collect()
}

fn at(time: SystemTime, events: Vec<EventKind>) -> Vec<(SystemTime, EventKind)> {
    events.into_iter().map(|kind| (time, kind)).collect()
}

fn gone(status: Status) -> Failure {
    let message =
        format!("it was {status} when its factory ended, and was imported as it was then");
    Failure::new(Fault::Factory, Failure::INTERRUPTED, message).hint("ask for it again")
}

/// The last line of a Python traceback says what happened.
fn failure(image: &LegacyImage) -> Failure {
    let last = image.error.lines().map(str::trim).rfind(|line| !line.is_empty());
    let message = last.unwrap_or(&image.activity).to_owned();
    let message =
        if message.is_empty() { "it failed, and does not say why".to_owned() } else { message };
    let failure = Failure::new(Fault::Plugin, "FAILED_ELSEWHERE", message);
    if image.error.trim().lines().count() > 1 {
        failure.detail(image.error.clone())
    } else {
        failure
    }
}
