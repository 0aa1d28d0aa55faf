//! Our programs, built once per test run. Cargo hands a test only the binaries of its own package.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// Where the binaries are: beside the directory of the test's own executable.
pub(crate) static DIRECTORY: LazyLock<PathBuf> = LazyLock::new(|| {
    let executable = std::env::current_exe().unwrap();
    let directory = executable.ancestors().nth(2).unwrap().to_owned();
    build(directory.file_name().unwrap().to_str().unwrap());
    directory
});

/// Returns the path of one of our programs.
pub(crate) fn binary(name: &str) -> PathBuf {
    let path = DIRECTORY.join(name);
    assert!(path.is_file(), "no program {name} in {}", DIRECTORY.display());
    path
}

/// Returns the path of a file of the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn build(profile_directory: &str) {
    let profile = if profile_directory == "debug" { "dev" } else { profile_directory };
    let status = Command::new(env!("CARGO"))
        .args(["build", "--workspace", "--bins", "--locked", "--quiet", "--profile", profile])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .unwrap();
    assert!(status.success(), "cargo could not build the programs under test");
}
