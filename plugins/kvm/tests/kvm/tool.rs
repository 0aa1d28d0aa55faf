//! The programs that tests run.

use std::process::Command;

/// Runs a program that must succeed, and returns what it printed.
pub(crate) fn run(program: &str, package: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output =
        output.unwrap_or_else(|error| panic!("{program}: {error}; apt-get install {package}"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {said}{printed}");
    printed
}

/// Runs `qemu-img`, which must succeed.
pub(crate) fn qemu_img(arguments: &[&str]) -> String {
    run("qemu-img", "qemu-utils", arguments)
}
