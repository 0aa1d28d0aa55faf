//! The two programs as a person or a script meets them: what they print, and how they exit.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

const TEMPLATE: &str = r#"<template>
  <name>web</name>
  <os>
    <name>NoSuchOS</name>
    <version>1</version>
    <arch>x86_64</arch>
    <install type="url"><url>http://example.org/os</url></install>
  </os>
  <disk><size>4G</size></disk>
  <packages><package name="nginx"/></packages>
  <files><file name="/etc/motd">hello</file></files>
</template>
"#;

/// A directory with a template, a store to be and a directory without plugins.
struct Place(TempDir);

/// How a program ended.
struct Ended {
    code: i32,
    out: String,
    err: String,
}

impl Place {
    fn new() -> Self {
        let root = TempDir::new().unwrap();
        std::fs::create_dir(root.path().join("plugins")).unwrap();
        std::fs::write(root.path().join("web.tdl"), TEMPLATE).unwrap();
        Self(root)
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    /// A program that runs here and takes nothing from the environment of the tests.
    fn program(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.0.path())
            .env_clear()
            .env("HOME", self.0.path())
            .env("XDG_RUNTIME_DIR", self.0.path())
            .env("FACTORY_STORE", self.path("store"))
            .env("FACTORY_PLUGINS", self.path("plugins"));
        command
    }

    fn factory(&self, arguments: &[&str]) -> Ended {
        ended(self.program(env!("CARGO_BIN_EXE_factory")).args(arguments))
    }

    fn factoryd(&self, arguments: &[&str]) -> Ended {
        ended(self.program(env!("CARGO_BIN_EXE_factoryd")).args(arguments))
    }
}

fn ended(command: &mut Command) -> Ended {
    let output = command.stdin(Stdio::null()).output().unwrap();
    Ended {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn a_valid_template_is_said_to_be_so() {
    let ended = Place::new().factory(&["template", "check", "web.tdl"]);
    assert_eq!((ended.code, ended.err.as_str()), (0, ""));
    assert_eq!(ended.out, "web.tdl: valid: web (NoSuchOS 1 x86_64)\n");
}

#[test]
fn every_problem_of_a_template_is_shown_in_its_place() {
    let place = Place::new();
    let bad = TEMPLATE.replace("<arch>x86_64", "<arch>pdp11");
    std::fs::write(place.path("bad.tdl"), bad).unwrap();
    for arguments in [&["template", "check", "bad.tdl"][..], &["build", "bad.tdl"]] {
        let ended = place.factory(arguments);
        assert_eq!((ended.code, ended.out.as_str()), (2, ""));
        assert!(ended.err.contains("--> bad.tdl:6:11\n"), "{}", ended.err);
        assert!(ended.err.ends_with("bad.tdl: 1 problem\n"), "{}", ended.err);
    }
    assert!(!place.path("store").exists(), "nothing is created for a template that is not valid");
}

#[test]
fn the_problems_of_a_template_are_json_for_programs() {
    let place = Place::new();
    std::fs::write(place.path("bad.tdl"), "<template><name>x</nome></template>").unwrap();
    let ended = place.factory(&["template", "check", "--json", "bad.tdl"]);
    let answer: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!((ended.code, answer["valid"].as_bool()), (2, Some(false)));
    assert_eq!(answer["problems"][0]["line"], 1);
}

#[test]
fn a_template_is_shown_one_element_a_line() {
    let ended = Place::new().factory(&["template", "show", "web.tdl"]);
    assert_eq!(ended.code, 0);
    assert_eq!(
        ended.out,
        "\
name           web
system         NoSuchOS 1 x86_64
installed from http://example.org/os
root password  none: the account is locked
disk           4.00 GiB
package        nginx
file           /etc/motd (5 B)
"
    );
}

#[test]
fn an_empty_store_has_no_images() {
    let place = Place::new();
    let ended = place.factory(&["images"]);
    assert_eq!((ended.code, ended.err.as_str()), (0, ""));
    assert_eq!(ended.out, "ID  KIND  FOR  NAME  STATUS  SIZE  CREATED\n");
    assert_eq!(place.factory(&["images", "--json"]).out, "[]\n");
}

#[test]
fn bad_input_ends_in_one_clear_message_and_its_exit_code() {
    let place = Place::new();
    std::fs::write(place.path("list.json"), "[1]").unwrap();
    std::fs::write(place.path("file"), "").unwrap();
    let cases: &[(&[&str], i32, &str)] = &[
        (
            &["build", "missing.tdl"],
            2,
            "error: can't read missing.tdl: No such file or directory (os error 2)\n",
        ),
        (
            &["build", "web.tdl", "--parameters", "list.json"],
            2,
            "error: list.json holds no JSON object: invalid type: sequence, expected a map at line 1 column 0\n",
        ),
        (
            &["build", "web.tdl", "--parameter", "oops"],
            2,
            "error: --parameter oops is not NAME=VALUE or NAME:=JSON\n",
        ),
        (
            &["build", "web.tdl", "--provider", "ec2=eu"],
            2,
            "error: --provider ec2=… pushes the image of a target that is not built; add --target ec2\n",
        ),
        (
            &["build", "web.tdl"],
            3,
            "error: no plugin installs NoSuchOS 1 x86_64 (known: none)\n  \
             hint: see `factory plugins` for what is served, or install the plugin\n",
        ),
        (
            &["build", "web.tdl", "--target", "moon"],
            3,
            "error: no plugin makes images for target moon (known: none)\n  \
             hint: `factory plugins` lists what is served\n",
        ),
        (
            &["show", "abcd"],
            3,
            "error: there is no image abcd\n  hint: `factory images --all` lists them\n",
        ),
        (&["cancel", "x"], 2, "error: `x` is not an image id, nor at least 4 digits of one\n"),
        (
            &["images", "--plugins", "/nonexistent/plugins"],
            2,
            "error: plugin directory /nonexistent/plugins does not exist\n --> --plugins\n",
        ),
        (
            &["images", "--server", "127.0.0.1:1"],
            4,
            "error: can't reach the daemon at 127.0.0.1:1: transport error: tcp connect error: Connection refused \
             (os error 111)\n  hint: start `factoryd`, or leave --server out to work without it\n",
        ),
    ];
    for (arguments, code, message) in cases {
        let ended = place.factory(arguments);
        assert_eq!((ended.code, ended.out.as_str()), (*code, ""), "{arguments:?}: {}", ended.err);
        assert_eq!(ended.err, *message, "{arguments:?}");
    }
    assert_eq!(place.factory(&["images", "--all"]).out.lines().count(), 1, "nothing was begun");
}

#[test]
fn a_store_that_can_not_be_made_is_named() {
    let place = Place::new();
    std::fs::write(place.path("file"), "").unwrap();
    for (program, what) in [
        (place.factory(&["images", "--store", "file/store"]), "error: can't start the factory: "),
        (place.factoryd(&["--store", "file/store", "--listen", "127.0.0.1:0"]), "factoryd: "),
    ] {
        assert_eq!((program.code, program.out.as_str()), (4, ""));
        assert!(program.err.starts_with(what), "{}", program.err);
        assert!(program.err.contains("can't open the store"), "{}", program.err);
        assert!(program.err.contains("file/store"), "{}", program.err);
    }
}

#[test]
fn usage_errors_exit_with_two_and_help_with_zero() {
    let place = Place::new();
    assert_eq!(place.factory(&["frobnicate"]).code, 2);
    assert_eq!(place.factory(&["build"]).code, 2);
    let help = place.factory(&["--help"]);
    assert_eq!(help.code, 0);
    assert!(help.out.contains("  130  cancelled by ^C or SIGTERM\n"), "{}", help.out);
}

#[test]
fn a_daemon_refuses_to_be_reached_from_other_machines() {
    let ended = Place::new().factoryd(&["--listen", "0.0.0.0:0"]);
    assert_eq!((ended.code, ended.out.as_str()), (2, ""));
    assert!(ended.err.contains("is not a loopback address"), "{}", ended.err);
}

#[test]
fn a_token_is_shown_once_and_listed_until_it_is_revoked() {
    let place = Place::new();
    let made = place.factory(&["token", "create", "ci", "--role", "builder", "--expires", "30d"]);
    assert_eq!(
        (made.code, made.err.as_str()),
        (0, "a token for a builder; it is not shown again\n")
    );
    let token = made.out.trim();
    let id = token.split('_').nth(1).unwrap();
    assert_eq!((token.split('_').next(), token.len()), (Some("factory"), 8 + 12 + 1 + 64));

    let listed = place.factory(&["token", "list", "--json"]);
    let listed: serde_json::Value = serde_json::from_str(&listed.out).unwrap();
    assert_eq!(
        (&listed[0]["id"], &listed[0]["role"], &listed[0]["name"]),
        (&id.into(), &"builder".into(), &"ci".into())
    );
    assert!(listed[0]["expires"].is_string() && listed[0]["last_used"].is_null(), "{listed}");

    assert_eq!(place.factory(&["token", "revoke", id]).out, format!("{id} (ci) is revoked\n"));
    assert_eq!(place.factory(&["token", "list", "--json"]).out, "[]\n");
    let again = place.factory(&["token", "revoke", id]);
    assert_eq!((again.code, again.err), (3, format!("error: there is no token {id}\n")));
    let nameless = place.factory(&["token", "create", " ", "--role", "admin"]);
    assert_eq!(nameless.code, 2, "{}", nameless.err);

    let made = place.factory(&["token", "create", "x", "--role", "viewer", "--json"]);
    let made: serde_json::Value = serde_json::from_str(&made.out).unwrap();
    assert!(made["token"].as_str().unwrap().starts_with("factory_"), "{made}");
}

#[test]
fn a_log_filter_that_makes_no_sense_is_refused() {
    let ended = Place::new().factory(&["images", "--log", "factoryd=loud"]);
    assert_eq!(ended.code, 2);
    let said = "error: `factoryd=loud` is neither a level nor a filter\n --> --log\n";
    assert!(ended.err.starts_with(said), "{}", ended.err);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let place = Place::new();
    let mut child = place
        .program(env!("CARGO_BIN_EXE_factory"))
        .args(["template", "show", "web.tdl"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn the_store_appears_where_the_environment_says() {
    let place = Place::new();
    assert_eq!(place.factory(&["images"]).code, 0);
    assert!(Path::new(&place.path("store")).is_dir());
}
