//! Running a program to its end, from inside the namespace.

use factory_plugin_sdk::{Failure, Fault};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

/// A program to run, and the Debian package that holds it.
#[derive(Debug)]
pub(crate) struct Program {
    command: Command,
    name: String,
    package: &'static str,
    input: Vec<u8>,
}

/// Why a program did not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// It is not there.
    #[error("{program} is not installed")]
    Missing {
        /// Its name.
        program: String,
        /// The Debian package that holds it.
        package: &'static str,
    },
    /// It can't be started, or its output can't be read.
    #[error("failed to run {program}")]
    Run {
        /// Its name.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It ended with a status other than 0.
    #[error("{program} failed ({status})")]
    Failed {
        /// Its name.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// What it printed, unless that went to the log already.
        output: String,
    },
}

impl Program {
    /// Names the program, found on `PATH`, and its package.
    pub(crate) fn new(name: &str, package: &'static str) -> Self {
        let command = Command::new(name);
        Self { command, name: name.to_owned(), package, input: Vec::new() }
    }

    /// Adds an argument.
    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// Adds arguments.
    pub(crate) fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.command.args(arguments);
        self
    }

    /// Adds an environment variable.
    pub(crate) fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Adds environment variables.
    pub(crate) fn envs(mut self, variables: &BTreeMap<String, String>) -> Self {
        self.command.envs(variables);
        self
    }

    /// Starts it with these environment variables only.
    pub(crate) fn only_envs(mut self, variables: &BTreeMap<String, String>) -> Self {
        self.command.env_clear();
        self.envs(variables)
    }

    /// Sets what it reads from standard input; nothing otherwise. Small: it is written before output is read.
    pub(crate) fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    /// Runs it with its output in the log.
    ///
    /// # Errors
    /// If it can't be run or fails.
    pub(crate) fn logged(mut self) -> Result<(), Error> {
        let log = || io::stdout().as_fd().try_clone_to_owned().map(Stdio::from);
        let (stdout, stderr) = (log().map_err(self.run())?, log().map_err(self.run())?);
        self.command.stdout(stdout).stderr(stderr);
        let status = self.finish()?.status;
        self.judge(status, String::new())
    }

    /// Runs it and answers its standard output. What it says on standard error is in the error if it fails.
    ///
    /// # Errors
    /// If it can't be run or fails.
    pub(crate) fn quiet(mut self) -> Result<Vec<u8>, Error> {
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let output = self.finish()?;
        let said = [&output.stderr[..], &output.stdout[..]].concat();
        self.judge(output.status, tail(&said))?;
        Ok(output.stdout)
    }

    /// Answers the command, for who must handle its streams.
    pub(crate) fn into_command(self) -> Command {
        self.command
    }

    fn finish(&mut self) -> Result<std::process::Output, Error> {
        let stdin = if self.input.is_empty() { Stdio::null() } else { Stdio::piped() };
        let mut child = self.command.stdin(stdin).spawn().map_err(|source| self.start(source))?;
        if let Some(mut stdin) = child.stdin.take() {
            // A program that reads none of it fails by its own status.
            let _ = stdin.write_all(&self.input);
        }
        child.wait_with_output().map_err(self.run())
    }

    fn judge(self, status: ExitStatus, output: String) -> Result<(), Error> {
        match status.success() {
            true => Ok(()),
            false => Err(Error::Failed { program: self.name, status, output }),
        }
    }

    fn start(&self, source: io::Error) -> Error {
        // A directory on PATH that may not be searched makes the error another one.
        match is_installed(&self.name) {
            false => Error::Missing { program: self.name.clone(), package: self.package },
            true => Error::Run { program: self.name.clone(), source },
        }
    }

    fn run(&self) -> impl FnOnce(io::Error) -> Error + use<> {
        let program = self.name.clone();
        move |source| Error::Run { program, source }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::Missing { program, package } => missing(&program, package),
            Error::Run { source, .. } => {
                Self::new(Fault::Host, "TOOL_FAILED", message).detail(source.to_string())
            }
            Error::Failed { output, .. } if output.contains("No space left on device") => {
                Self::new(Fault::Quota, "NO_SPACE", format!("{message}: no space left"))
                    .hint("free space in the factory's store")
                    .detail(output)
            }
            Error::Failed { output, .. } => {
                Self::new(Fault::Host, "TOOL_FAILED", message).detail(output)
            }
        }
    }
}

/// Tells whether a program is there: at its path, on `PATH`, or where administration programs are.
pub(crate) fn is_installed(name: &str) -> bool {
    if name.contains('/') {
        return Path::new(name).is_file();
    }
    let path = std::env::var("PATH").unwrap_or_default();
    let directories = path.split(':').chain(["/usr/local/sbin", "/usr/sbin", "/sbin"]);
    directories.into_iter().any(|directory| Path::new(directory).join(name).is_file())
}

/// Says that a program of the build host is missing.
pub(crate) fn missing(program: &str, package: &str) -> Failure {
    let message = format!("{program} is not installed on the build host");
    Failure::new(Fault::Host, "TOOL_MISSING", message)
        .hint(format!("install the Debian package {package}"))
        .metadata("package", package)
}

/// Answers the last lines of an output.
pub(crate) fn tail(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_names_its_package() {
        let error = Program::new("no-such-program", "no-such-package").quiet().unwrap_err();
        let failure = Failure::from(error);
        let failure = failure.as_proto().unwrap();
        assert_eq!(failure.message, "no-such-program is not installed on the build host");
        assert_eq!(failure.hint, "install the Debian package no-such-package");
    }

    #[test]
    fn a_failing_program_says_what_it_printed() {
        let program = Program::new("sh", "dash").args(["-c", "echo why >&2; exit 3"]);
        let Error::Failed { status, output, .. } = program.quiet().unwrap_err() else {
            panic!("another error")
        };
        assert_eq!((status.code(), output.as_str()), (Some(3), "why"));
    }

    #[test]
    fn input_reaches_the_program() {
        assert_eq!(Program::new("cat", "coreutils").input("hello").quiet().unwrap(), b"hello");
    }
}
