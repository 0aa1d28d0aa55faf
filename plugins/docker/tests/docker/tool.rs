//! The programs that tests run.

use std::process::{Command, Output};

/// Runs a program to its end.
pub(crate) fn output(program: &str, package: &str, arguments: &[&str]) -> Output {
    let output = Command::new(program).args(arguments).output();
    output.unwrap_or_else(|error| panic!("{program}: {error}; apt-get install {package}"))
}

/// Runs a program that must succeed, and returns what it printed.
pub(crate) fn run(program: &str, package: &str, arguments: &[&str]) -> String {
    let output = output(program, package, arguments);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs skopeo, which must succeed.
pub(crate) fn skopeo(arguments: &[&str]) -> String {
    run("skopeo", "skopeo", &[&["--insecure-policy"], arguments].concat())
}

/// Runs `skopeo inspect --raw` or without, and parses what it prints.
pub(crate) fn inspect(arguments: &[&str]) -> serde_json::Value {
    serde_json::from_str(&skopeo(&[&["inspect"], arguments].concat())).unwrap()
}
