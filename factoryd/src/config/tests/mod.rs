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
fn a_plugin_has_limits_of_its_own_in_a_table_of_its_name() {
    let file = "[limits]\nprocesses = 50\n[limits.debian]\nmemory = \"1GiB\"\n";
    assert_eq!(setting("limits.debian.memory", file, &[]).value, "1GiB");
    let document = Document::parse(Path::new("/f.toml"), file.to_owned()).unwrap();
    let given = Given::nothing::<super::DaemonArguments>();
    let mut from = Sources::new(given, Some(document), Vec::new());
    let limits = super::limits::read(&mut from).of("debian");
    assert_eq!(limits.memory_max.unwrap().get(), 1 << 30);
    assert_eq!(limits.processes_max.unwrap().get(), 50, "as usual");
}

#[test]
fn a_limit_of_a_plugin_that_there_is_not_or_that_is_none_is_refused() {
    for (file, problem) in [
        ("[limits.debian]\nmemroy = \"1GiB\"\n", "did you mean `memory`?"),
        ("[limits.debian]\nprocesses = 0\n", "a whole number from 1, or `none`"),
        ("[limits.debian]\nio_weight = 10001\n", "a weight is at most 10000"),
        ("[limits]\ndebian = 5\n", "`limits.debian` is no setting"),
    ] {
        let document = Document::parse(Path::new("/f.toml"), file.to_owned()).unwrap();
        let given = Given::nothing::<super::DaemonArguments>();
        let mut from = Sources::new(given, Some(document), Vec::new());
        settings::log(&mut from, "info");
        settings::daemon(&mut from);
        let error = from.finish(&settings::keys()).unwrap_err().to_string();
        assert!(error.contains(problem), "{file}: {error}");
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
