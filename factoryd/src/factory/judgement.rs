//! What is given to plugins, judged by their schemas before anything is started or recorded: every problem at once.

use super::sensitive::{self, Sensitive};
use super::{Error, Factory};
use crate::delegate::{Account, Description};
use crate::domain::{Notice, Parameters, Secret};
use crate::schema::{Judged, Schema, definition, unknown_name};
use serde_json::{Map, Value};
use zeroize::Zeroize;

/// Parameters that are the factory's own. Image Factory has them beside those of the plugins.
const OF_THE_FACTORY: [&str; 1] = ["snapshot"];

/// A plugin that gets the parameters of a request.
pub(super) struct Party {
    pub(super) plugin: Description,
    pub(super) part: Part,
}

/// What a plugin has to do with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// It makes the image: what it must be given has to be there.
    Makes,
    /// It helps: what it is given must be right.
    Helps,
    /// It gets the same parameters with another request: its names are none of which nobody knows.
    Elsewhere,
}

/// Parameters that were found to be right, the sensitive ones apart.
pub(super) struct Accepted {
    pub(super) parameters: Parameters,
    pub(super) secrets: Sensitive,
    pub(super) warnings: Vec<Notice>,
}

impl Party {
    /// Makes the plugin one that makes the image.
    pub(super) fn makes(plugin: Description) -> Self {
        Self { plugin, part: Part::Makes }
    }

    /// Makes the plugin one that helps.
    pub(super) fn helps(plugin: Description) -> Self {
        Self { plugin, part: Part::Helps }
    }

    /// Makes the plugin one that gets the parameters elsewhere.
    pub(super) fn elsewhere(plugin: Description) -> Self {
        Self { plugin, part: Part::Elsewhere }
    }
}

impl Factory {
    /// Judges the parameters of a request by all plugins that get them. Secrets that are only named are looked up.
    pub(super) fn judge(
        &self,
        mut parameters: Parameters,
        parties: &[Party],
    ) -> Result<Accepted, Error> {
        let names: Vec<String> =
            parties.iter().flat_map(|party| party.plugin.schemas.sensitive_parameters()).collect();
        let secrets = sensitive::take(&mut parameters, &names)?;
        let values = self.secrets.values(&secrets).map_err(Error::Secret)?;
        let mut problems = unknown(&parameters, parties);
        let mut warnings = Vec::new();
        for Party { plugin, part } in parties.iter().filter(|it| it.part != Part::Elsewhere) {
            let Some(schema) = &plugin.schemas.parameters else { continue };
            let is_partial = *part == Part::Helps;
            problems.extend(in_parameters(schema, &parameters, &values, is_partial));
            let is_given = |name: &str| {
                parameters.0.contains_key(name) || secrets.iter().any(|(given, _)| given == name)
            };
            warnings.extend(schema.deprecations(is_given, "parameters"));
        }
        refuse(problems)?;
        Ok(Accepted { parameters, secrets, warnings })
    }
}

/// Judges a provider, and credentials if there are some.
pub(super) fn judge_account(plugin: &Description, account: &Account) -> Result<(), Error> {
    let mut problems = Vec::new();
    if let Some(schema) = &plugin.schemas.provider {
        let judged = Judged { root: "provider", is_secret: false, secrets: &[], is_partial: false };
        problems.extend(schema.problems(&definition(schema, &account.provider), judged));
    }
    let credentials = account.credentials.expose();
    if let (Some(schema), false) = (&plugin.schemas.credentials, credentials.is_empty()) {
        let judged =
            Judged { root: "credentials", is_secret: true, secrets: &[], is_partial: false };
        let mut value = definition(schema, credentials);
        problems.extend(schema.problems(&value, judged));
        wipe(&mut value);
    }
    refuse(problems)
}

/// Answers the names that no plugin knows.
fn unknown(parameters: &Parameters, parties: &[Party]) -> Vec<Notice> {
    let known: Vec<String> = parties
        .iter()
        .filter_map(|party| party.plugin.schemas.parameters.as_ref())
        .flat_map(|schema| schema.names().map(str::to_owned))
        .collect();
    let names = parameters.0.keys().filter(|name| !OF_THE_FACTORY.contains(&name.as_str()));
    let unknown = names.filter(|name| !parties.iter().any(|party| party.plugin.schemas.know(name)));
    unknown.map(|name| unknown_name(name, "parameters", known.iter())).collect()
}

fn in_parameters(
    schema: &Schema,
    parameters: &Parameters,
    secrets: &[(String, Secret)],
    is_partial: bool,
) -> Vec<Notice> {
    let texts: Vec<&str> = secrets.iter().map(|(_, secret)| secret.expose()).collect();
    let mut all = parameters.0.clone();
    all.extend(secrets.iter().map(|(name, it)| (name.clone(), Value::from(it.expose()))));
    let view = schema.view(&all);
    let judged = Judged { root: "parameters", is_secret: false, secrets: &texts, is_partial };
    let mut view = Value::Object(view);
    let problems = schema.problems(&view, judged);
    wipe(&mut view);
    wipe_members(&mut all);
    problems
}

fn refuse(problems: Vec<Notice>) -> Result<(), Error> {
    let mut told: Vec<Notice> = Vec::new();
    for problem in problems {
        if !told.contains(&problem) {
            told.push(problem);
        }
    }
    if told.is_empty() { Ok(()) } else { Err(Error::Invalid(told)) }
}

/// Overwrites the texts of a value, which may have secrets.
fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(members) => wipe_members(members),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn wipe_members(members: &mut Map<String, Value>) {
    members.values_mut().for_each(wipe);
}
