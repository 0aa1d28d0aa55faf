//! Events as lines of text: statuses, phases, files, warnings and log lines; not every percent.

use super::display::{Display, print, say};
use super::error::Error;
use super::json;
use super::words::{label, one_line, printable, short};
use factory_proto::factory_v1::{self as v1, event::Kind};
use indicatif::HumanBytes;
use std::collections::HashMap;

/// Writes a line for each event that a person wants to know of.
pub(super) struct Lines {
    to_stdout: bool,
    labels: HashMap<String, String>,
    phases: HashMap<String, String>,
}

impl Lines {
    /// Writes to standard error: progress beside a result.
    pub(super) fn to_stderr() -> Self {
        Self { to_stdout: false, labels: HashMap::new(), phases: HashMap::new() }
    }

    /// Writes to standard output: the events are the result.
    pub(super) fn to_stdout() -> Self {
        Self { to_stdout: true, ..Self::to_stderr() }
    }

    /// Gives an image its name in the lines to come.
    pub(super) fn know(&mut self, image: &v1::Image) {
        self.labels.insert(image.id.clone(), label(image));
    }

    /// Answers an event as a line, if it is worth one.
    pub(super) fn line(&mut self, event: &v1::Event) -> Option<String> {
        let text = match event.kind.as_ref()? {
            Kind::Progress(progress) => self.phase(&event.image_id, progress)?,
            other => says(other)?,
        };
        let time = event.time.as_ref().map(to_the_second).unwrap_or_default();
        let label = self.labels.get(&event.image_id).map(|label| format!("{label} "));
        let id = short(&event.image_id);
        Some(format!("{time} {}{id}: {}", label.unwrap_or_default(), printable(&text)))
    }

    /// A phase is worth a line when it begins.
    fn phase(&mut self, image: &str, progress: &v1::Progress) -> Option<String> {
        if progress.phase.is_empty() || self.phases.get(image) == Some(&progress.phase) {
            return None;
        }
        self.phases.insert(image.to_owned(), progress.phase.clone());
        Some(format!("{:.0} % {}", progress.percent, progress.phase))
    }
}

impl Display for Lines {
    fn begin(&mut self, image: &v1::Image) -> Result<(), Error> {
        self.know(image);
        Ok(())
    }

    fn event(&mut self, event: &v1::Event) -> Result<(), Error> {
        match self.line(event) {
            Some(line) if self.to_stdout => print(&format!("{line}\n")),
            Some(line) => {
                say(&line);
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn note(&mut self, text: &str) {
        say(text);
    }
}

/// What an event says in one line; `None` for what is seen better elsewhere.
fn says(kind: &Kind) -> Option<String> {
    match kind {
        Kind::Status(it) => Some(match &it.error {
            Some(error) => format!("{}: {}", json::status(it.to()), error.message),
            None => json::status(it.to()).to_owned(),
        }),
        Kind::Log(it) if it.source.is_empty() => Some(format!("{}: {}", it.level, it.message)),
        Kind::Log(it) => Some(format!("{} {}: {}", it.level, it.source, it.message)),
        Kind::Warning(it) => Some(warning(it)),
        Kind::Artifact(it) => {
            Some(format!("{} is ready: {}, {}", it.role, it.format, HumanBytes(it.size)))
        }
        Kind::Packages(it) => Some(format!("{} packages", it.count)),
        Kind::CloudIdentifiers(it) => Some(format!(
            "known to the provider as {} {}",
            it.identifier_on_provider, it.provider_account_identifier
        )),
        Kind::Resource(it) => Some(match it.state.as_str() {
            "intent" => format!("about to create a {}: {}", it.kind, it.description),
            state => format!("resource {} {} {state}", it.intent_id, it.resource_id),
        }),
        Kind::Progress(_) | Kind::Property(_) => None,
    }
}

/// A warning with its place and its hint.
pub(super) fn warning(it: &v1::Warning) -> String {
    let place = if it.path.is_empty() { String::new() } else { format!(" (at {})", it.path) };
    let hint = if it.hint.is_empty() { String::new() } else { format!("; {}", it.hint) };
    format!("warning: {}{place}{hint}", one_line(&it.message, 500))
}

/// `2025-11-23T12:03:04Z`: to the second.
pub(super) fn to_the_second(time: &prost_types::Timestamp) -> String {
    prost_types::Timestamp { nanos: 0, ..*time }.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: Kind) -> v1::Event {
        let time = Some(prost_types::Timestamp { seconds: 1_700_000_000, nanos: 5 });
        let image_id = "0192f3a4-0000-7000-8000-00000000aaaa".into();
        v1::Event { cursor: 1, image_id, time, kind: Some(kind) }
    }

    fn progress(percent: f64, phase: &str) -> v1::Event {
        event(Kind::Progress(v1::Progress { percent, phase: phase.into(), ..Default::default() }))
    }

    #[test]
    fn a_phase_is_said_once_and_a_percent_never() {
        let mut lines = Lines::to_stderr();
        let base = v1::Image {
            id: event(Kind::Packages(v1::Packages::default())).image_id,
            kind: v1::ImageKind::Base.into(),
            ..Default::default()
        };
        lines.know(&base);
        let said: Vec<_> = [(1.0, "fetch"), (2.0, "fetch"), (50.4, "install"), (51.0, "install")]
            .iter()
            .filter_map(|(percent, phase)| lines.line(&progress(*percent, phase)))
            .collect();
        assert_eq!(
            said,
            [
                "2023-11-14T22:13:20Z base 0192f3a4: 1 % fetch",
                "2023-11-14T22:13:20Z base 0192f3a4: 50 % install",
            ]
        );
    }

    #[test]
    fn a_failure_and_a_warning_say_why_and_what_to_do() {
        let mut lines = Lines::to_stdout();
        let failed = v1::StatusChanged {
            to: v1::ImageStatus::Failed.into(),
            error: Some(v1::Error { message: "no space left".into(), ..Default::default() }),
            ..Default::default()
        };
        assert_eq!(
            lines.line(&event(Kind::Status(failed))).unwrap(),
            "2023-11-14T22:13:20Z 0192f3a4: FAILED: no space left"
        );
        let warned = v1::Warning {
            message: "repository is not signed".into(),
            hint: "sign it".into(),
            path: "repositories[0]".into(),
        };
        assert_eq!(
            lines.line(&event(Kind::Warning(warned))).unwrap(),
            "2023-11-14T22:13:20Z 0192f3a4: warning: repository is not signed (at repositories[0]); sign it"
        );
    }
}
