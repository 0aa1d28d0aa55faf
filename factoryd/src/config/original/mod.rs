//! Image Factory's own configuration, one JSON object, as our settings.
//!
//! [`read`] takes what has a meaning here and answers a warning for each key that has none any more. The result is a
//! [`Document`] whose values are where the original's keys are, so that origins and problems name lines of that file. Its
//! lines are never shown: they may hold secrets. Those go nowhere but into a file that is asked for, see [`Clients`].

mod clients;
mod gone;
mod keys;
mod toml;

pub(super) use clients::Clients;

use super::document::{Document, Node, NodeValue};
use super::problem::{Problem, Spot};
use keys::Draft;
use serde_json::{Map, Value as Json};
use std::ops::Range;
use std::path::Path;

/// What a configuration becomes.
#[derive(Debug)]
pub(super) struct Original {
    /// What the file is called.
    file: String,
    /// The settings.
    settings: Vec<Translated>,
    /// The OAuth clients.
    pub(super) clients: Clients,
    /// What is lost, and what to do instead; one line each.
    pub(super) warnings: Vec<String>,
}

/// A setting, and the key that it comes from.
#[derive(Debug)]
pub(super) struct Translated {
    key: &'static str,
    value: NodeValue,
    span: Range<usize>,
}

/// Tells whether a file's text is such a configuration. No TOML begins so.
pub(super) fn is_one(text: &str) -> bool {
    text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']).starts_with('{')
}

/// Reads a configuration.
///
/// # Errors
/// All that is wrong with it.
pub(super) fn read(path: &Path, text: &str) -> Result<Original, Vec<Problem>> {
    let file = path.display().to_string();
    let object: Map<String, Json> = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|error| {
            let (line, column) = (error.line(), error.column());
            let spot = Spot::Line { file: file.clone(), line };
            let message = format!("this is no JSON object: error at column {column}");
            vec![Problem::new(spot, message)]
        })?;
    let mut draft = Draft::new(&file, text);
    object.iter().for_each(|(key, value)| draft.take(key, value));
    draft.finish()
}

impl Original {
    /// Answers the settings as a document.
    pub(super) fn document(self, text: String) -> Document {
        let settings = self.settings.into_iter();
        let nodes =
            settings.map(|one| (one.key, Node { span: one.span, value: one.value })).collect();
        Document::translated(self.file, text, nodes, self.warnings)
    }

    /// Names the file of the OAuth clients.
    pub(super) fn set_clients_file(&mut self, path: &Path) {
        self.settings.push(Translated {
            key: "access.oauth_clients",
            value: NodeValue::Text(path.display().to_string()),
            span: 0..0,
        });
    }

    /// Answers the settings file.
    pub(super) fn toml(&self) -> String {
        toml::render(&self.file, &self.settings)
    }
}
