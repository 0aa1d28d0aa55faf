//! Settings as people meet them: files, variables and flags of the real programs.
#![expect(clippy::unwrap_used, reason = "tests")]

mod bad;
mod origin;
#[path = "../../src/config/tests/samples.rs"]
mod samples;
mod service;
mod translate;

use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

/// A directory with a settings file, and programs that know nothing else.
struct Place(TempDir);

/// How a program ended.
#[derive(Debug)]
struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Place {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// A place with this file, which is called `f.toml`.
    fn with(file: impl AsRef<[u8]>) -> Self {
        let place = Self::new();
        std::fs::write(place.path().join("f.toml"), file).unwrap();
        place
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let ours = std::env::vars_os().filter(|(name, _)| !is_ours(name));
        command.env_clear().envs(ours).current_dir(self.path());
        command
    }

    fn daemon(&self, arguments: &[&str]) -> Ended {
        self.run(env!("CARGO_BIN_EXE_factoryd"), arguments, &[])
    }

    fn run(&self, program: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
        let mut command = self.command(program);
        Ended::of(&command.args(arguments).envs(variables.iter().copied()).output().unwrap())
    }
}

fn is_ours(name: &std::ffi::OsStr) -> bool {
    name.to_string_lossy().starts_with("FACTORY_")
}

impl Ended {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }
}
