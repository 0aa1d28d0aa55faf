//! Every setting, from every source.

mod samples;

use super::given::Given;
use super::settings;
use super::sources::{Setting, Sources};
use super::{DaemonCommand, document::Document};
use clap::Parser;
use samples::{company, sample};
use std::path::Path;

/// Reads all settings of a daemon from a file's text and from what is typed, and answers one of them.
fn setting(key: &str, file: &str, typed: &[String]) -> Setting {
    let command = std::iter::once("factoryd".to_owned()).chain(typed.iter().cloned());
    let given = DaemonCommand::try_parse_from(command).unwrap().flags.given;
    let document = Document::parse(Path::new("/f.toml"), file.to_owned()).unwrap();
    let mut from = Sources::new(given, Some(document), Vec::new());
    settings::log(&mut from, "info");
    settings::daemon(&mut from);
    let all = from.finish(&settings::keys()).unwrap();
    all.into_iter().find(|setting| setting.key == key).unwrap()
}

fn shown(setting: &Setting) -> String {
    match &setting.value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Array(list) => list[0].as_str().unwrap().to_owned(),
        other => other.to_string(),
    }
}

#[test]
fn of_every_setting_a_flag_is_stronger_than_the_file_and_the_file_than_the_default() {
    for key in settings::keys() {
        let (written, typed) = sample(key);
        let file = match key.split_once('.') {
            Some((table, name)) => format!("# a file\n[{table}]\n{name} = {written}\n"),
            None => format!("# a file\n\n{key} = {written}\n"),
        };
        let company = company(key).iter().map(|(name, value)| format!("{name} = {value}\n"));
        let file = file + &company.collect::<String>();
        let default = setting(key, "", &[]);
        assert_eq!(default.origin.to_string(), "default", "{key}");
        let from_file = setting(key, &file, &[]);
        assert_eq!(from_file.origin.to_string(), "/f.toml:3", "{key}");
        assert_ne!(from_file.value, default.value, "{key}");
        let flag = default.flag;
        assert!(flag.len() > 2, "{key} has no flag");
        let from_flag = setting(key, &file, &[format!("{flag}={typed}")]);
        assert_eq!(from_flag.origin.to_string(), format!("flag {flag}"), "{key}");
        assert_ne!(from_flag.value, from_file.value, "{key}");
        assert_eq!(shown(&from_flag), typed, "{key}");
    }
}

#[test]
fn every_setting_has_a_variable_of_its_own() {
    let mut variables = Vec::new();
    for key in settings::keys() {
        let variable = setting(key, "", &[]).variable;
        assert!(variable.starts_with("FACTORY_"), "{key}: {variable}");
        assert!(!variables.contains(&variable), "{variable}");
        variables.push(variable);
    }
}

#[test]
fn every_flag_is_read_by_a_setting() {
    let known: Vec<String> =
        settings::keys().iter().map(|key| setting(key, "", &[]).flag).collect();
    for flag in Given::nothing::<super::DaemonArguments>().flags() {
        assert!(flag == "--config" || known.contains(&flag), "no setting reads {flag}");
    }
}
