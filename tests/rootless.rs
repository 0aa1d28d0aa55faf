//! An ordinary user gets the same as root: same files, same packages, nothing left behind.

use crate::debian::{BUILD_DEADLINE, without_password};
use crate::support::factory::Sandbox;
use crate::support::program::Ended;
use crate::support::story::{Story, file};
use crate::support::tdl::Tdl;
use crate::support::user::{User, is_root};
use serde_json::Value;
use std::process::Command;

/// What a build made: its packages, and each file with its mode and owner.
#[derive(Debug, PartialEq, Eq)]
struct Made {
    packages: Value,
    files: Vec<String>,
}

impl Made {
    fn of(sandbox: &Sandbox, mut factory: Command) -> Self {
        factory.arg("build").arg(sandbox.template(&without_password())).arg("--json");
        let ended = Ended::of(&factory, BUILD_DEADLINE).succeeded();
        assert_eq!(sandbox.left_behind(&ended), Vec::<String>::new());
        let story = Story::of(&ended);
        let base = story.image("");
        let rootfs = file(base, "rootfs");
        let root = root_account(&rootfs);
        assert!(root.starts_with("root:*:") || root.starts_with("root:!"), "not locked: {root}");
        Self { packages: base["icicle_xml"].clone(), files: listing(&rootfs) }
    }
}

/// Reads root's line of the password file in an archive.
fn root_account(archive: &std::path::Path) -> String {
    let output = Command::new("tar").arg("-xOf").arg(archive).arg("./etc/shadow").output().unwrap();
    let shadow = String::from_utf8(output.stdout).unwrap();
    shadow.lines().find(|line| line.starts_with("root:")).unwrap().to_owned()
}

/// Lists the members of an archive: mode, owner by number, size and name.
fn listing(archive: &std::path::Path) -> Vec<String> {
    let output =
        Command::new("tar").args(["--numeric-owner", "-tvf"]).arg(archive).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines: Vec<String> = text.lines().map(without_time).collect();
    lines.sort();
    lines
}

fn without_time(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [mode, owner, _size, _day, _time, name @ ..] = &words[..] else { panic!("{line}") };
    format!("{mode} {owner} {}", name.join(" "))
}

#[test]
fn an_ordinary_user_makes_the_same_image_as_root() {
    let user = User::ordinary();
    let mut sandbox = Sandbox::new();
    let factory = sandbox.factory_as(&user, &["debian"]);
    let made = Made::of(&sandbox, factory);
    assert!(made.files.iter().any(|line| line.ends_with("0/0 ./etc/marker")), "{:?}", made.files);
    if is_root() {
        let sandbox = Sandbox::new();
        assert_eq!(made, Made::of(&sandbox, sandbox.factory()));
    }
}

#[test]
fn a_failed_build_of_an_ordinary_user_leaves_nothing_behind() {
    let user = User::ordinary();
    let mut sandbox = Sandbox::new();
    let mut factory = sandbox.factory_as(&user, &["debian"]);
    let template = Tdl::debian("doomed").packages(&["no-such-package-anywhere"]);
    factory.arg("build").arg(sandbox.template(&template));
    let ended = Ended::of(&factory, BUILD_DEADLINE);
    assert!(ended.stderr.contains("no-such-package-anywhere"), "{}", ended.stderr);
    assert_eq!(sandbox.left_behind(&ended), Vec::<String>::new());
}
