//! What a plugin announces. Nothing is believed: what breaks a rule of the contract comes back as that rule.

use crate::delegate::Announced;
use crate::domain::{
    CloudIdentifiers, LogLevel, LogLine, Notice, PackageList, Progress, Resource, ResourceState,
};
use factory_proto::plugin_v1 as proto;
use factory_proto::plugin_v1::event::Kind;
use serde::de::IgnoredAny;
use std::time::{Duration, SystemTime};

/// Longer lines are cut.
const LOG_LINE_LEN_MAX: usize = 64 * 1024;
/// The end of the year 9999: later times can't be written down by everyone.
const TIME_MAX: Duration = Duration::from_secs(253_402_300_800);

/// Reads an event that ends nothing; `None` is one that only shows that the plugin lives, or one we do not know.
///
/// # Errors
/// Names the rule that it breaks.
pub(in crate::plugin) fn announced(kind: Kind) -> Result<Option<Announced>, String> {
    Ok(Some(match kind {
        Kind::Progress(it) => progress(it),
        Kind::Property(it) => property(it)?,
        Kind::Log(it) => Announced::Log(log_line(it)),
        Kind::Warning(it) => Announced::Warning(notice(it.message, it.hint, it.path)),
        Kind::Artifact(it) => artifact(it)?,
        Kind::Packages(it) => Announced::Packages(packages(it)),
        Kind::CloudIdentifiers(it) => Announced::CloudIdentifiers(CloudIdentifiers {
            identifier_on_provider: it.identifier_on_provider,
            provider_account_identifier: it.provider_account_identifier,
        }),
        Kind::ResourceIntent(it) => Announced::Resource(intent(it)?),
        Kind::ResourceCreated(it) => {
            let created = resource(ResourceState::Created, it.intent_id)?;
            Announced::Resource(Resource { resource_id: it.resource_id, ..created })
        }
        Kind::ResourceDeleted(it) => {
            Announced::Resource(resource(ResourceState::Deleted, it.intent_id)?)
        }
        Kind::ResourceRemains(it) => remains(it),
        Kind::State(_) | Kind::Heartbeat(_) => return Ok(None),
        Kind::Completed(_) | Kind::Failed(_) | Kind::Cancelled(_) => return Ok(None),
    }))
}

/// Answers the time of an event; `received` if it has none that makes sense.
pub(in crate::plugin) fn time(
    sent: Option<prost_types::Timestamp>,
    received: SystemTime,
) -> SystemTime {
    let sent = sent.and_then(|at| {
        let since = Duration::new(at.seconds.try_into().ok()?, at.nanos.try_into().ok()?);
        (since < TIME_MAX).then(|| SystemTime::UNIX_EPOCH + since)
    });
    sent.unwrap_or(received)
}

/// Makes a notice.
pub(in crate::plugin) fn notice(message: String, hint: String, path: String) -> Notice {
    Notice { message, hint, path }
}

fn progress(sent: proto::Progress) -> Announced {
    let amount = sent.amount.unwrap_or_default();
    let progress = Progress {
        percent: 0.0,
        phase: sent.phase,
        activity: sent.activity,
        current: amount.current,
        total: amount.total,
        unit: amount.unit,
    };
    Announced::Progress { percent: sent.percent, progress }
}

fn property(sent: proto::Property) -> Result<Announced, String> {
    if sent.key.is_empty() {
        return Err("a property has no name".to_owned());
    }
    if serde_json::from_str::<IgnoredAny>(&sent.value_json).is_err() {
        return Err(format!("the value of property {} is not JSON", sent.key));
    }
    Ok(Announced::Property { key: sent.key, value_json: sent.value_json })
}

fn log_line(mut sent: proto::LogLine) -> LogLine {
    let level = match sent.level() {
        proto::log_line::Level::Debug => LogLevel::Debug,
        proto::log_line::Level::Info | proto::log_line::Level::Unspecified => LogLevel::Info,
        proto::log_line::Level::Warn => LogLevel::Warn,
        proto::log_line::Level::Error => LogLevel::Error,
    };
    sent.message.truncate(sent.message.floor_char_boundary(LOG_LINE_LEN_MAX));
    LogLine { level, message: sent.message, source: sent.source }
}

fn artifact(sent: proto::Artifact) -> Result<Announced, String> {
    if sent.role.is_empty() {
        return Err(format!("artifact {:?} has no role", sent.path));
    }
    if !is_bare_name(&sent.path) {
        return Err(format!(
            "the path of artifact {} is {:?}, but must be a file name without a directory",
            sent.role, sent.path
        ));
    }
    if !sent.sha256.is_empty() && !is_sha256(&sent.sha256) {
        return Err(format!(
            "the sha256 of artifact {} is not 64 lower-case hexadecimal digits",
            sent.role
        ));
    }
    Ok(Announced::Artifact {
        role: sent.role,
        file: sent.path,
        format: sent.format,
        virtual_size: sent.virtual_size,
        sha256: sent.sha256,
        media_type: sent.media_type,
    })
}

fn is_bare_name(path: &str) -> bool {
    !path.is_empty() && path != "." && path != ".." && !path.contains(['/', '\0'])
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn packages(sent: proto::PackageList) -> PackageList {
    let count = sent.packages.len();
    let icicle_xml =
        if sent.icicle_xml.is_empty() { icicle(&sent.packages) } else { sent.icicle_xml };
    PackageList { count, icicle_xml }
}

/// Writes the packages as ICICLE, for a plugin that lists them and leaves the document to us.
fn icicle(packages: &[proto::InstalledPackage]) -> String {
    use quick_xml::escape::escape;
    let mut xml = String::from("<icicle>\n  <packages>\n");
    for package in packages {
        let (name, extra) = (escape(package.name.as_str()), escape(package.extra.as_str()));
        let line = match extra.is_empty() {
            true => format!("    <package name=\"{name}\"/>\n"),
            false => format!("    <package name=\"{name}\"><extra>{extra}</extra></package>\n"),
        };
        xml.push_str(&line);
    }
    xml.push_str("  </packages>\n</icicle>\n");
    xml
}

fn intent(sent: proto::ResourceIntent) -> Result<Resource, String> {
    let locator = sent.locator_json;
    let is_object = |text: &str| serde_json::from_str::<serde_json::Map<_, _>>(text).is_ok();
    if !locator.is_empty() && !is_object(&locator) {
        return Err(format!("the locator of resource {} is not a JSON object", sent.intent_id));
    }
    Ok(Resource {
        kind: sent.kind,
        description: sent.description,
        locator_json: locator,
        lasting: sent.lasting,
        ..resource(ResourceState::Intent, sent.intent_id)?
    })
}

fn remains(sent: proto::ResourceRemains) -> Announced {
    let why = super::failure(sent.why.unwrap_or_default());
    Announced::ResourceRemains { intent_id: sent.intent_id, why: Box::new(why) }
}

fn resource(state: ResourceState, intent_id: String) -> Result<Resource, String> {
    if intent_id.is_empty() {
        return Err(format!("a resource ({}) has no intent_id", state.as_str()));
    }
    Ok(Resource {
        state,
        intent_id,
        kind: String::new(),
        description: String::new(),
        locator_json: String::new(),
        resource_id: String::new(),
        lasting: false,
        plugin: String::new(),
        operation: String::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(kind: Kind) -> String {
        announced(kind).unwrap_err()
    }

    #[test]
    fn an_artifact_can_only_be_a_file_in_the_work_directory() {
        for path in ["", ".", "..", "/etc/passwd", "../disk", "a/b", "a\0b"] {
            let sent =
                proto::Artifact { role: "disk".into(), path: path.into(), ..Default::default() };
            assert!(rule(Kind::Artifact(sent)).contains("must be a file name"), "{path:?}");
        }
        let sent = proto::Artifact {
            role: "disk".into(),
            path: "disk.raw".into(),
            sha256: "ABC".into(),
            ..Default::default()
        };
        assert!(rule(Kind::Artifact(sent)).contains("sha256"));
    }

    #[test]
    fn a_propertys_value_must_be_json() {
        let property =
            |value: &str| proto::Property { key: "k".into(), value_json: value.to_owned() };
        assert_eq!(rule(Kind::Property(property("{"))), "the value of property k is not JSON");
        assert!(announced(Kind::Property(property("null"))).is_ok());
    }

    #[test]
    fn a_resource_needs_its_name_and_a_locator_that_is_an_object() {
        assert!(
            rule(Kind::ResourceDeleted(proto::ResourceDeleted::default())).contains("intent_id")
        );
        let sent = proto::ResourceIntent {
            intent_id: "i".into(),
            locator_json: "[]".into(),
            ..Default::default()
        };
        assert!(rule(Kind::ResourceIntent(sent)).contains("not a JSON object"));
    }

    #[test]
    fn a_long_line_of_log_is_cut_between_characters() {
        let message = "é".repeat(LOG_LINE_LEN_MAX);
        let line = log_line(proto::LogLine { message, ..Default::default() });
        assert_eq!(line.message.len(), LOG_LINE_LEN_MAX);
        assert_eq!(line.level, LogLevel::Info);
    }

    #[test]
    fn packages_without_a_document_get_one() {
        let package = proto::InstalledPackage { name: "a&b".into(), ..Default::default() };
        let list = packages(proto::PackageList { packages: vec![package], ..Default::default() });
        assert_eq!(list.count, 1);
        assert!(list.icicle_xml.contains("<package name=\"a&amp;b\"/>"), "{}", list.icicle_xml);
    }

    #[test]
    fn a_time_that_makes_no_sense_is_the_time_of_receipt() {
        let now = SystemTime::now();
        for (seconds, nanos) in [(-1, 0), (0, -1), (i64::MAX, 0)] {
            assert_eq!(time(Some(prost_types::Timestamp { seconds, nanos }), now), now);
        }
        let sent = Some(prost_types::Timestamp { seconds: 1, nanos: 0 });
        assert_eq!(time(sent, now), SystemTime::UNIX_EPOCH + Duration::from_secs(1));
    }
}
