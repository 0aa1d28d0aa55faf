//! What a step left, as JSON.

use super::rows::{Damage, absolute, artifacts, relative};
use crate::domain::{Artifact, CloudContent, StepResult, StepValue};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The row's form of [`StepResult`]. Paths are relative to the store; contents are base64.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct StepRow {
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<ContentRow>,
    #[serde(with = "artifacts", skip_serializing_if = "Vec::is_empty")]
    files: Vec<Artifact>,
    #[serde(skip_serializing_if = "Option::is_none")]
    boot: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct ContentRow {
    files: Vec<(String, String)>,
    commands: Vec<(String, String)>,
}

impl StepRow {
    pub(super) fn new(result: &StepResult, root: &Path) -> Self {
        let (answer, content) = match &result.value {
            StepValue::Nothing => (None, None),
            StepValue::Answer(answer) => (Some(*answer), None),
            StepValue::Content(content) => (None, Some(ContentRow::new(content))),
        };
        let files = result.files.iter().map(|artifact| relative(artifact, root)).collect();
        Self { answer, content, files, boot: result.boot.clone() }
    }

    pub(super) fn into_result(self, root: &Path) -> Result<StepResult, Damage> {
        let value = match (self.answer, self.content) {
            (Some(answer), _) => StepValue::Answer(answer),
            (None, Some(content)) => StepValue::Content(content.into_content()?),
            (None, None) => StepValue::Nothing,
        };
        let files = self.files.into_iter().map(|artifact| absolute(artifact, root)).collect();
        Ok(StepResult { value, files, boot: self.boot })
    }
}

impl ContentRow {
    fn new(content: &CloudContent) -> Self {
        let encode = |list: &[(String, Vec<u8>)]| {
            list.iter().map(|(name, bytes)| (name.clone(), STANDARD.encode(bytes))).collect()
        };
        Self { files: encode(&content.files), commands: encode(&content.commands) }
    }

    fn into_content(self) -> Result<CloudContent, Damage> {
        let decode = |list: Vec<(String, String)>| {
            let decoded = list.into_iter().map(|(name, text)| match STANDARD.decode(text) {
                Ok(bytes) => Ok((name, bytes)),
                Err(source) => Err(Damage::malformed("content", &source)),
            });
            decoded.collect::<Result<Vec<_>, _>>()
        };
        Ok(CloudContent { files: decode(self.files)?, commands: decode(self.commands)? })
    }
}
