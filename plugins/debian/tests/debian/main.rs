//! The plugin through the real protocol: what it says, what it refuses, and real builds.

#![expect(clippy::unwrap_used, reason = "a test that can not go on ends by panicking")]

mod build;
mod conformance;
mod repository;

use factory_plugin_debian::Debian;
use factory_plugin_sdk::harness::Harness;
use std::path::Path;
use std::process::Command;

/// The plugin in this process. What runs inside the namespace is the real executable.
async fn debian() -> Harness {
    let executable = env!("CARGO_BIN_EXE_factory-plugin-debian").into();
    Harness::os(Debian { executable }).await
}

/// Runs a program and returns what it prints.
#[track_caller]
fn printed(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().expect("the program is installed");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {complaint}");
    String::from_utf8(output.stdout).expect("programs print text")
}

/// Returns a member of an archive.
#[track_caller]
fn member(archive: &Path, name: &str) -> String {
    let archive = archive.to_str().expect("temporary paths are text");
    printed("tar", &["-xOf", archive, &format!("./{name}")])
}

/// Lists an archive: mode, owner and name of each member.
fn members(archive: &Path) -> Vec<String> {
    let archive = archive.to_str().expect("temporary paths are text");
    let listing = printed("tar", &["--numeric-owner", "-tvf", archive]);
    let line = |line: &str| {
        let words: Vec<_> = line.split_whitespace().collect();
        format!("{} {} {}", words[0], words[1], words[5..].join(" "))
    };
    listing.lines().map(line).collect()
}
