//! How the domain's words are written down: JSON of our own, apart from the domain's types, which know no format.
//!
//! **Invariant:** what [`FORMAT`] 1 wrote can be read for ever; `fixtures/` has a store to prove it. A new field has a default;
//! anything more gets a new format.

use super::secret_row;
use super::step_row::StepRow;
use crate::domain::{
    Artifact, CloudIdentifiers, Deletion, EventKind, Failure, Fault, Kind, LogLevel, LogLine,
    Notice, PackageList, Parameters, Progress, Resource, ResourceState, SecretSources, Status,
    StepName, StepResult, StepState,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// The present format of JSON in rows.
pub(super) const FORMAT: i64 = 1;

/// What is wrong with a row.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Damage(String);

impl Damage {
    /// Says that `what` is none of the known words.
    pub(super) fn unknown(what: &str, word: &str) -> Self {
        Self(format!("unknown {what} `{word}`"))
    }

    /// Says that `what` is not as it should be.
    pub(super) fn malformed(what: &str, source: &dyn std::fmt::Display) -> Self {
        Self(format!("malformed {what}: {source}"))
    }

    /// Refuses formats that are not known.
    pub(super) fn check_format(format: i64) -> Result<(), Self> {
        if format == FORMAT { Ok(()) } else { Err(Self(format!("unknown row format {format}"))) }
    }
}

/// Writes down what happened. Paths below `root` become relative to it.
pub(super) fn event_to_json(kind: &EventKind, root: &Path) -> Result<String, Damage> {
    let kind = match kind {
        EventKind::Artifact(artifact) => &EventKind::Artifact(relative(artifact, root)),
        EventKind::Progress(progress) if !progress.percent.is_finite() => {
            &EventKind::Progress(Progress { percent: 0.0, ..progress.clone() })
        }
        other => other,
    };
    to_json("event", &EventOut(kind))
}

/// Reads what happened.
pub(super) fn event_from_json(text: &str, root: &Path) -> Result<EventKind, Damage> {
    Ok(match from_json::<EventIn>("event", text)?.0 {
        EventKind::Artifact(artifact) => EventKind::Artifact(absolute(artifact, root)),
        other => other,
    })
}

/// Writes down what a step left.
pub(super) fn step_to_json(result: &StepResult, root: &Path) -> Result<String, Damage> {
    to_json("step", &StepRow::new(result, root))
}

/// Reads what a step left.
pub(super) fn step_from_json(text: &str, root: &Path) -> Result<StepResult, Damage> {
    from_json::<StepRow>("step", text)?.into_result(root)
}

/// Writes down what a deletion was asked for with.
pub(super) fn deletion_to_json(deletion: &Deletion) -> Result<String, Damage> {
    let Deletion { provider, parameters, secrets } = deletion.clone();
    to_json("deletion", &DeletionRow { provider, parameters: parameters.0, secrets })
}

/// Reads what a deletion was asked for with.
pub(super) fn deletion_from_json(text: &str) -> Result<Deletion, Damage> {
    let DeletionRow { provider, parameters, secrets } = from_json("deletion", text)?;
    Ok(Deletion { provider, parameters: Parameters(parameters), secrets })
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct DeletionRow {
    provider: Option<String>,
    parameters: Map<String, Value>,
    #[serde(with = "secret_row", skip_serializing_if = "secret_row::is_empty")]
    secrets: SecretSources,
}

/// What of an image has no column of its own.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Detail {
    #[serde(with = "optional_failure", skip_serializing_if = "Option::is_none")]
    pub(super) failure: Option<Failure>,
    #[serde(with = "CloudIdentifiersRow")]
    pub(super) identifiers: CloudIdentifiers,
    #[serde(with = "artifacts")]
    pub(super) artifacts: Vec<Artifact>,
    pub(super) properties: Map<String, Value>,
    pub(super) parameters: Map<String, Value>,
    #[serde(with = "secret_row", skip_serializing_if = "secret_row::is_empty")]
    pub(super) secrets: SecretSources,
}

impl Detail {
    /// Writes the detail down. Paths below `root` become relative to it.
    pub(super) fn into_json(mut self, root: &Path) -> Result<String, Damage> {
        self.artifacts = self.artifacts.iter().map(|artifact| relative(artifact, root)).collect();
        to_json("image", &self)
    }

    /// Reads a detail.
    pub(super) fn from_json(text: &str, root: &Path) -> Result<Self, Damage> {
        let mut detail: Self = from_json("image", text)?;
        detail.artifacts =
            detail.artifacts.into_iter().map(|artifact| absolute(artifact, root)).collect();
        Ok(detail)
    }
}

fn to_json(what: &str, value: &impl Serialize) -> Result<String, Damage> {
    serde_json::to_string(value).map_err(|source| Damage::malformed(what, &source))
}

fn from_json<'a, T: Deserialize<'a>>(what: &str, text: &'a str) -> Result<T, Damage> {
    serde_json::from_str(text).map_err(|source| Damage::malformed(what, &source))
}

pub(super) fn relative(artifact: &Artifact, root: &Path) -> Artifact {
    let path = artifact.path.strip_prefix(root).unwrap_or(&artifact.path).to_owned();
    Artifact { path, ..artifact.clone() }
}

pub(super) fn absolute(artifact: Artifact, root: &Path) -> Artifact {
    // Joining an absolute path replaces the root: files outside the store keep their place.
    Artifact { path: root.join(&artifact.path), ..artifact }
}

#[derive(Serialize)]
struct EventOut<'a>(#[serde(with = "EventRow")] &'a EventKind);

#[derive(Deserialize)]
struct EventIn(#[serde(with = "EventRow")] EventKind);

#[derive(Serialize, Deserialize)]
#[serde(remote = "EventKind", tag = "kind", rename_all = "snake_case")]
enum EventRow {
    Status {
        #[serde(with = "word")]
        from: Status,
        #[serde(with = "word")]
        to: Status,
        #[serde(default, with = "optional_failure", skip_serializing_if = "Option::is_none")]
        failure: Option<Failure>,
    },
    Progress(#[serde(with = "ProgressRow")] Progress),
    Property {
        key: String,
        value_json: String,
    },
    Log(#[serde(with = "LogLineRow")] LogLine),
    Warning(#[serde(with = "NoticeRow")] Notice),
    Artifact(#[serde(with = "ArtifactRow")] Artifact),
    Packages(#[serde(with = "PackageListRow")] PackageList),
    CloudIdentifiers(#[serde(with = "CloudIdentifiersRow")] CloudIdentifiers),
    Resource(#[serde(with = "ResourceRow")] Resource),
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Failure")]
struct FailureRow {
    reason: String,
    message: String,
    #[serde(with = "word")]
    fault: Fault,
    #[serde(default)]
    hint: String,
    #[serde(default)]
    path: String,
    #[serde(default)]
    step: String,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    retryable: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Progress")]
struct ProgressRow {
    percent: f64,
    phase: String,
    activity: String,
    current: u64,
    total: u64,
    unit: String,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "LogLine")]
struct LogLineRow {
    #[serde(with = "word")]
    level: LogLevel,
    message: String,
    source: String,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Notice")]
struct NoticeRow {
    message: String,
    hint: String,
    path: String,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Artifact")]
struct ArtifactRow {
    role: String,
    path: PathBuf,
    format: String,
    size: u64,
    virtual_size: u64,
    sha256: String,
    media_type: String,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "PackageList")]
struct PackageListRow {
    count: usize,
    icicle_xml: String,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "CloudIdentifiers")]
struct CloudIdentifiersRow {
    identifier_on_provider: String,
    provider_account_identifier: String,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Resource")]
struct ResourceRow {
    #[serde(with = "word")]
    state: ResourceState,
    intent_id: String,
    #[serde(rename = "resource_kind")]
    kind: String,
    description: String,
    locator_json: String,
    resource_id: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    lasting: bool,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    plugin: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    operation: String,
}

/// A closed set of words.
pub(super) trait Word: Sized {
    /// What the set is of.
    const WHAT: &'static str;
    /// Answers the word.
    fn word(&self) -> &'static str;
    /// Reads the word.
    fn from_word(word: &str) -> Option<Self>;
    /// Reads the word, or says that there is no such.
    fn read(word: &str) -> Result<Self, Damage> {
        Self::from_word(word).ok_or_else(|| Damage::unknown(Self::WHAT, word))
    }
}

macro_rules! words {
    ($($type:ty: $what:literal),+) => {$(
        impl Word for $type {
            const WHAT: &'static str = $what;
            fn word(&self) -> &'static str {
                self.as_str()
            }
            fn from_word(word: &str) -> Option<Self> {
                Self::parse(word)
            }
        }
    )+};
}

words!(
    Status: "status", Kind: "kind", Fault: "fault", LogLevel: "level", ResourceState: "state",
    StepName: "step", StepState: "state"
);

mod word {
    use super::{Deserialize, Deserializer, Serializer, Word};
    use std::borrow::Cow;

    pub(super) fn serialize<T: Word, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(value.word())
    }

    pub(super) fn deserialize<'de, T: Word, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
        T::read(&Cow::<str>::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

mod optional_failure {
    use super::{Deserialize, Deserializer, Failure, FailureRow, Serialize, Serializer};

    #[derive(Serialize)]
    struct Out<'a>(#[serde(with = "FailureRow")] &'a Failure);
    #[derive(Deserialize)]
    struct In(#[serde(with = "FailureRow")] Failure);

    pub(super) fn serialize<S: Serializer>(
        value: &Option<Failure>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_ref().map(Out).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Failure>, D::Error> {
        Ok(Option::<In>::deserialize(from)?.map(|row| row.0))
    }
}

pub(super) mod artifacts {
    use super::{Artifact, ArtifactRow, Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize)]
    struct Out<'a>(#[serde(with = "ArtifactRow")] &'a Artifact);
    #[derive(Deserialize)]
    struct In(#[serde(with = "ArtifactRow")] Artifact);

    pub(in crate::store) fn serialize<S: Serializer>(
        value: &[Artifact],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_seq(value.iter().map(Out))
    }

    pub(in crate::store) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<Artifact>, D::Error> {
        Ok(Vec::<In>::deserialize(from)?.into_iter().map(|row| row.0).collect())
    }
}
