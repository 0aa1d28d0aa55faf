//! The programs that these tests launch, built once.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// Where cargo puts programs: above the directory of the test's own executable.
static DIRECTORY: LazyLock<PathBuf> = LazyLock::new(|| {
    let executable = std::env::current_exe().unwrap();
    let directory = executable.ancestors().nth(2).unwrap().to_owned();
    let profile = match directory.file_name().unwrap().to_str().unwrap() {
        "debug" => "dev",
        other => other,
    };
    let built = Command::new(env!("CARGO"))
        .args(["build", "--locked", "--quiet", "--profile", profile])
        .args(["-p", "factory-plugin-mock-os", "-p", "factory-plugin-mock-cloud", "--bins"])
        .args(["-p", "factoryd", "--example", "plugin_host"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    assert!(built.unwrap().success(), "cargo could not build the programs under test");
    directory
});

/// The plugin in Go that has no SDK.
pub(crate) static GO_PLUGIN: LazyLock<PathBuf> =
    LazyLock::new(|| go_program("factory-plugin-goos", "tests/fixtures/go-plugin"));

/// The plugin in Go that says much, with our SDK.
pub(crate) static GO_FLOOD: LazyLock<PathBuf> =
    LazyLock::new(|| go_program("factory-plugin-flood", "plugin-sdk/go/examples/flood"));

/// Answers the path of one of our programs.
pub(crate) fn program(name: &str) -> PathBuf {
    let path = DIRECTORY.join(name);
    assert!(path.is_file(), "{} was not built", path.display());
    path
}

/// Answers the path of a file of the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(path)
}

/// Builds a program in Go. Go's own cache makes the second time quick.
fn go_program(name: &str, package: &str) -> PathBuf {
    let executable = std::env::current_exe().unwrap();
    let program = executable.ancestors().nth(3).unwrap().join("go-plugin").join(name);
    let built = Command::new("go")
        .args(["build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-o"])
        .arg(&program)
        .arg(".")
        .current_dir(repository(package))
        .status();
    let built = built.expect("`go` is installed (Debian's golang-go, or https://go.dev/dl)");
    assert!(built.success(), "go could not build {package}");
    program
}
