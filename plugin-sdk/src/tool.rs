//! Running a program as part of an operation: its output into the build's log, its processes stopped on cancel, the last
//! lines of its output in the error.
//!
//! No process of a program outlives it, its operation or the plugin, not even after `kill -9`: the private module `guard`
//! says how.

mod descendants;
pub(crate) mod guard;
mod lines;
mod process;

use crate::{Failure, Fault, Operation, Progress};
use factory_proto::plugin_v1::log_line::Level;
use lines::{Lines, Segment, Tail};
pub(crate) use process::allow_guard;
use process::{Ended, Process};
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};

/// How much [`Tool::output`] returns at most, in bytes.
const OUTPUT_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Where administration programs are; an ordinary user's `PATH` may lack it.
const ADMINISTRATION_PATH: &str = "/usr/local/sbin:/usr/sbin:/sbin";
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// A program to run. Runs with an empty environment but for `PATH`, `HOME`, `LANG=C.UTF-8` and what [`env`](Self::env) adds.
#[derive(Debug, Clone)]
pub struct Tool {
    program: OsString,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    directory: Option<PathBuf>,
    input: Option<Vec<u8>>,
    package: Option<String>,
    log_source: Option<String>,
    grace: Duration,
    clean_up: bool,
}

/// What a program printed on standard output, and the last lines of standard error.
#[derive(Debug, Clone, Default)]
pub struct Output {
    /// Standard output.
    pub stdout: Vec<u8>,
    /// The last lines of standard error.
    pub stderr_tail: String,
}

impl Tool {
    /// Names the program (found on `PATH`).
    pub fn new(program: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            directory: None,
            input: None,
            package: None,
            log_source: None,
            grace: Duration::from_secs(5),
            clean_up: false,
        }
    }
    /// Adds an argument. Never a secret: arguments are visible to every user of the machine.
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }
    /// Adds arguments.
    pub fn args<I: IntoIterator<Item = A>, A: Into<OsString>>(mut self, arguments: I) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }
    /// Adds an environment variable. Never a secret.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }
    /// Sets the working directory; the operation's work directory otherwise.
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }
    /// Sets what is written to standard input; nothing otherwise.
    pub fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = Some(input.into());
        self
    }
    /// Names the Debian package that holds the program, for the message when it is missing.
    pub fn package(mut self, package: &str) -> Self {
        self.package = Some(package.to_owned());
        self
    }
    /// Sets under which name its lines go to the build's log; the program's otherwise. For a program that only runs another.
    pub fn logged_as(mut self, source: &str) -> Self {
        self.log_source = Some(source.to_owned());
        self
    }
    /// Sets how long its process group has after SIGTERM before SIGKILL; 5 seconds otherwise.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }
    /// Runs it even in an operation that is to stop, to clean up; only the end of the operation's grace stops it then.
    pub fn clean_up(mut self) -> Self {
        self.clean_up = true;
        self
    }

    /// Runs the program to its end; each line of standard error (and of standard output) goes to the build's log under
    /// the program's name. What it leaves running in the background is killed.
    ///
    /// # Errors
    /// If it can't be started (`TOOL_MISSING`, with the package to install), or ends with a status other than 0
    /// (`TOOL_FAILED`, with the status and its last lines); [`Failure::cancelled`] once the operation is to stop, after
    /// all of its processes are gone.
    pub async fn run(self, operation: &Operation) -> Result<(), Failure> {
        self.run_with(operation, |_| None).await
    }

    /// As [`run`](Self::run), but standard output is returned and not logged. For small outputs: at most 64 MiB.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn output(self, operation: &Operation) -> Result<Output, Failure> {
        let mut process = Process::start(&self, operation)?;
        let mut tail = Tail::default();
        let Some((stdout, stderr)) = process.take_streams() else { return Err(self.lost()) };
        let stderr = self.log_lines(stderr, operation, &mut tail);
        let read = async { tokio::try_join!(self.read_all(stdout), stderr) };
        let read = self.unless_cancelled(operation, process.until_silent(read)).await;
        let (stdout, ()) = self.conclude(operation, process, read, &tail).await?;
        Ok(Output { stdout, stderr_tail: tail.to_string() })
    }

    /// As [`run`](Self::run), but hands each line of either stream to `progress`, which may make a report of it. A line
    /// that the program overwrites with a carriage return, as progress meters do, is handed over but not logged.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn run_with<F>(self, operation: &Operation, mut progress: F) -> Result<(), Failure>
    where
        F: FnMut(&str) -> Option<Progress> + Send,
    {
        let mut process = Process::start(&self, operation)?;
        let mut tail = Tail::default();
        let Some((stdout, stderr)) = process.take_streams() else { return Err(self.lost()) };
        let (mut stdout, mut stderr) = (Lines::new(stdout), Lines::new(stderr));
        let name = self.log_source();
        let read = async {
            loop {
                let segment = tokio::select! {
                    Some(segment) = stdout.next() => segment,
                    Some(segment) = stderr.next() => segment,
                    else => return Ok(()),
                };
                if let Some(report) = progress(segment.text()) {
                    operation.progress(report).await?;
                }
                note(segment, operation, &name, &mut tail).await?;
            }
        };
        let read = self.unless_cancelled(operation, process.until_silent(read)).await;
        self.conclude(operation, process, read, &tail).await
    }

    async fn log_lines(
        &self,
        stream: impl AsyncRead + Unpin,
        operation: &Operation,
        tail: &mut Tail,
    ) -> Result<(), Failure> {
        let mut lines = Lines::new(stream);
        let name = self.log_source();
        while let Some(segment) = lines.next().await {
            note(segment, operation, &name, tail).await?;
        }
        Ok(())
    }

    async fn read_all(&self, stream: impl AsyncRead + Unpin) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        // A stream that breaks off has ended: how the program ended says why.
        let _ = stream.take(OUTPUT_BYTES_MAX + 1).read_to_end(&mut bytes).await;
        if (bytes.len() as u64) <= OUTPUT_BYTES_MAX {
            return Ok(bytes);
        }
        let message = format!("{} wrote more than {OUTPUT_BYTES_MAX} bytes", self.name());
        Err(Failure::new(Fault::Plugin, "TOOL_OUTPUT_TOO_LARGE", message))
    }

    async fn unless_cancelled<T>(
        &self,
        operation: &Operation,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        if self.clean_up {
            return work.await;
        }
        operation.cancellation().run_until_cancelled(work).await.unwrap_or_else(cancelled)
    }

    /// Waits for the end of a program whose output was read, or stops one whose output could not be.
    async fn conclude<T: Default>(
        &self,
        operation: &Operation,
        mut process: Process,
        read: Result<Option<T>, Failure>,
        tail: &Tail,
    ) -> Result<T, Failure> {
        let ended = match read {
            Ok(read) => {
                let ended = async { Ok(process.ended().await) };
                self.unless_cancelled(operation, ended).await.map(|ended| (ended, read))
            }
            Err(failure) => Err(failure),
        };
        match ended {
            Ok((Ended::Exit(0), read)) => Ok(read.unwrap_or_default()),
            Ok((ended, _)) => Err(self.failed(&ended, tail)),
            Err(failure) => {
                process.stop().await;
                Err(failure)
            }
        }
    }

    fn failed(&self, ended: &Ended, tail: &Tail) -> Failure {
        let message = format!("{} {ended}", self.name());
        let failure = Failure::new(Fault::Unspecified, "TOOL_FAILED", message)
            .metadata("program", self.name())
            .detail(tail.to_string());
        match ended {
            Ended::Exit(status) => failure.metadata("exit_status", status.to_string()),
            Ended::Signal(signal) => failure.metadata("signal", signal.to_string()),
            Ended::NotStarted(_) | Ended::Lost => failure.fault(Fault::Host),
        }
    }

    fn missing(&self) -> Failure {
        let message = format!("program {} is missing on this host", self.name());
        let failure = Failure::new(Fault::Host, "TOOL_MISSING", message);
        match &self.package {
            Some(package) => failure.hint(format!("install it: apt-get install {package}")),
            None => failure,
        }
    }

    fn lost(&self) -> Failure {
        self.failed(&Ended::Lost, &Tail::default())
    }

    fn log_source(&self) -> String {
        self.log_source.clone().unwrap_or_else(|| self.name())
    }

    /// Returns the program's name for people: without its directory.
    fn name(&self) -> String {
        let path = Path::new(&self.program);
        path.file_name().unwrap_or(&self.program).to_string_lossy().into_owned()
    }
}

fn cancelled<T>() -> Result<T, Failure> {
    Err(Failure::cancelled())
}

async fn note(
    segment: Segment,
    operation: &Operation,
    name: &str,
    tail: &mut Tail,
) -> Result<(), Failure> {
    let Segment::Line(line) = segment else { return Ok(()) };
    tail.push(&line);
    operation.log(Level::Info, name, line).await
}

/// Returns where a program is: on `PATH`, or where administration programs are.
pub(crate) fn find(program: &OsStr) -> Option<PathBuf> {
    if Path::new(program).components().count() != 1 {
        return Some(PathBuf::from(program)).filter(|path| is_executable(path));
    }
    let path = search_path();
    std::env::split_paths(&path).map(|directory| directory.join(program)).find(|p| is_executable(p))
}

fn search_path() -> OsString {
    let mut path = std::env::var_os("PATH").unwrap_or_else(|| DEFAULT_PATH.into());
    path.push(":");
    path.push(ADMINISTRATION_PATH);
    path
}

fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}
