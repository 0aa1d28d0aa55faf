//! Who is stronger, and who is named: for every setting that `factoryd config show` knows.

use super::samples::{company, sample};
use super::{Ended, Place};
use serde_json::Value;

fn settings(ended: &Ended) -> Vec<Value> {
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{ended:?}");
    serde_json::from_str(&ended.out).unwrap()
}

fn origin(place: &Place, key: &str, arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let arguments = [&["config", "show", "--json"], arguments].concat();
    let ended = place.run(env!("CARGO_BIN_EXE_factoryd"), &arguments, variables);
    let setting = settings(&ended).into_iter().find(|setting| setting["key"] == key).unwrap();
    setting["origin"].as_str().unwrap().to_owned()
}

#[test]
fn a_flag_is_stronger_than_a_variable_and_a_variable_than_a_file() {
    for setting in settings(&Place::new().daemon(&["config", "show", "--json"])) {
        let text = |name: &str| setting[name].as_str().unwrap().to_owned();
        let (key, flag, variable) = (text("key"), text("flag"), text("variable"));
        let (written, typed) = sample(&key);
        let table = key.split('.').next().unwrap_or_default();
        let company =
            company(&key).iter().map(|(name, value)| format!("{table}.{name} = {value}\n"));
        let company: String = company.collect();
        let place = Place::with(format!("{key} = {written}\n{company}"));
        let named = ["--config", "f.toml"];
        let by_flag = format!("{flag}={typed}");
        let variables = [(variable.as_str(), typed)];
        assert_eq!(origin(&place, &key, &[], &[]), "default");
        assert_eq!(origin(&place, &key, &named, &[]), "f.toml:1");
        assert_eq!(origin(&place, &key, &named, &variables), variable);
        let all = [&named[..], &[by_flag.as_str()]].concat();
        assert_eq!(origin(&place, &key, &all, &variables), format!("flag {flag}"));
    }
}

#[test]
fn the_file_can_be_named_by_a_variable_and_an_empty_variable_says_nothing() {
    let place = Place::with("[grpc]\nlisten = '127.0.0.1:1'\n");
    let key = "grpc.listen";
    assert_eq!(origin(&place, key, &[], &[("FACTORY_CONFIG", "f.toml")]), "f.toml:2");
    assert_eq!(origin(&place, key, &[], &[("FACTORY_CONFIG", "")]), "default");
    assert_eq!(origin(&place, key, &[], &[("FACTORY_LISTEN", "")]), "default");
}

#[test]
fn a_relative_path_in_a_file_is_relative_to_the_file() {
    let place = Place::with("store = 'images'\n");
    let file = place.path().join("f.toml").display().to_string();
    let ended = place.daemon(&["config", "show", "--config", &file]);
    let images = place.path().join("images").display().to_string();
    let shown = ended.out.lines().find(|line| line.starts_with("store ")).unwrap();
    // The columns are as wide as the widest value, which may be where this tree is.
    let words: Vec<&str> = shown.split_whitespace().collect();
    assert_eq!(words, ["store", &images, &format!("{file}:1")], "{}", ended.out);
}

#[test]
fn the_command_line_reads_the_same_file_and_leaves_the_daemons_part_alone() {
    let place = Place::with("store = 'images'\n[grpc]\nlisten = 'nowhere'\n");
    let factory = env!("CARGO_BIN_EXE_factory");
    let ended = place.run(factory, &["--config", "f.toml", "--plugins", ".", "images"], &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(place.path().join("images/factory.db").is_file());
}

#[test]
fn a_template_is_judged_by_the_settings() {
    let place = Place::with("require_root_password = true\n");
    let template = "<template><name>t</name><os><name>Debian</name><version>12</version><arch>x86_64</arch>\
                    <install type='url'><url>http://u</url></install></os></template>";
    std::fs::write(place.path().join("t.tdl"), template).unwrap();
    let factory = env!("CARGO_BIN_EXE_factory");
    let strict = place.run(factory, &["--config", "f.toml", "template", "check", "t.tdl"], &[]);
    assert_eq!(strict.code, Some(2));
    assert!(strict.err.starts_with("error[missing-rootpw]: "), "{strict:?}");
    let usual = place.run(factory, &["template", "check", "t.tdl"], &[]);
    assert_eq!(usual.code, Some(0), "{usual:?}");
}
