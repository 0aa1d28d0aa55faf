//! Plugins in other languages, built by their own tools and put where a factory finds them.

use super::binaries::{DIRECTORY, repository};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use tempfile::TempDir;

/// Two builds of one program would write to one file.
static BUILDING: Mutex<()> = Mutex::new(());

/// A directory of plugins that were built for a test.
pub(crate) struct Plugins(TempDir);

impl Plugins {
    /// Makes an empty one.
    pub(crate) fn new() -> Self {
        Self(tempfile::Builder::new().prefix("factory-e2e-plugins-").tempdir().unwrap())
    }

    /// Returns the directory.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Adds a plugin in Go: the package of a directory of the repository, with the `.info` file that is there.
    pub(crate) fn with_go(self, name: &str, package: &str) -> Self {
        let file = format!("factory-plugin-{name}");
        std::fs::copy(go_program(&file, package), self.path().join(&file)).unwrap();
        let info = repository(package).join(format!("{name}.info"));
        std::fs::copy(info, self.path().join(format!("{name}.info"))).unwrap();
        self
    }

    /// Adds a plugin in Python by its `.info` file, with a link to its console script in the virtual environment of `make python`.
    pub(crate) fn with_python(self, info: &str) -> Self {
        let info = repository(info);
        let name = info.file_stem().unwrap().to_str().unwrap();
        let file = format!("factory-plugin-{name}");
        let script = repository("target/python/bin").join(&file);
        assert!(script.is_file(), "{} is missing: run `make python`", script.display());
        std::os::unix::fs::symlink(script, self.path().join(&file)).unwrap();
        std::fs::copy(&info, self.path().join(format!("{name}.info"))).unwrap();
        self
    }

    /// Adds the plugin in JavaScript, with the packages that it needs and the `.proto` files that it is made of.
    pub(crate) fn with_node(self) -> Self {
        let packages = repository("target/node/node_modules");
        assert!(packages.is_dir(), "{} is missing: run `make node`", packages.display());
        let fixture = repository("tests/fixtures/node-plugin");
        for from in [
            packages,
            repository("proto"),
            fixture.join("nodeos.info"),
            fixture.join("factory-plugin-nodeos"),
        ] {
            copy(&from, self.path());
        }
        self
    }
}

/// Copies what `make node` installed; a plugin may read what is beside it, and nothing else.
fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-r").arg(from).arg(to).status().unwrap();
    assert!(copied.success(), "{} can't be copied", from.display());
}

/// Builds the program in Go of a directory of the repository. Go's own cache makes the second time quick.
pub(crate) fn go_program(name: &str, package: &str) -> PathBuf {
    let program = DIRECTORY.join("go").join(name);
    let building = BUILDING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let built = Command::new("go")
        .args(["build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-o"])
        .arg(&program)
        .arg(".")
        .current_dir(repository(package))
        .status();
    let built = built.expect("`go` is installed (Debian's golang-go, or https://go.dev/dl)");
    assert!(built.success(), "go could not build {package}");
    drop(building);
    program
}
