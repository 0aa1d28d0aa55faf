//! Runs a program over an image that nobody trusts.
//!
//! The program gets no input and no environment, may not gain privileges, has limits on memory, processor time and output,
//! leaves with this process, and is killed at its deadline or when nobody waits for it any more.

use super::Error;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

/// How much of what a program says of its failure is kept, in bytes.
const COMPLAINT_LEN_MAX: u64 = 4096;
/// What a program may find its own helpers by.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A program and what it may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tool {
    /// The program.
    pub(super) program: &'static str,
    /// The Debian package that has it.
    pub(super) package: &'static str,
    /// When it is killed.
    pub(super) deadline: Duration,
    /// How much memory it may have, in bytes.
    pub(super) memory_max: u64,
    /// How much of its output is read, in bytes; more ends it.
    pub(super) output_max: u64,
    /// How long a file it may write, in bytes.
    pub(super) file_max: u64,
}

/// How a program ended.
#[derive(Debug)]
pub(super) struct Output {
    /// What it printed.
    pub(super) stdout: Vec<u8>,
    /// What it said of its failure; `None` if it succeeded.
    pub(super) complaint: Option<String>,
}

impl Tool {
    /// Runs the program to its end. That it fails is an answer too.
    ///
    /// # Errors
    /// If it is not installed, can't be run, prints too much or does not end in time.
    pub(super) async fn run(&self, arguments: &[&OsStr]) -> Result<Output, Error> {
        let failed = |source| Error::Run { program: self.program, source };
        let program = self.find()?;
        let mut child = command(&self.limited(&program, arguments)).spawn().map_err(failed)?;
        match tokio::time::timeout(self.deadline, self.listen(&mut child)).await {
            Ok(ended) => ended,
            Err(_) => {
                child.kill().await.map_err(failed)?;
                Err(Error::Late { program: self.program, seconds: self.deadline.as_secs() })
            }
        }
    }

    /// Runs the program, and takes its failure for one.
    ///
    /// # Errors
    /// As [`run`](Self::run), and if it fails.
    pub(super) async fn output(&self, arguments: &[&OsStr]) -> Result<Vec<u8>, Error> {
        let output = self.run(arguments).await?;
        match output.complaint {
            None => Ok(output.stdout),
            Some(message) => Err(Error::Tool { program: self.program, message }),
        }
    }

    async fn listen(&self, child: &mut Child) -> Result<Output, Error> {
        let failed = |source| Error::Run { program: self.program, source };
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (stdout, complaint) =
            tokio::join!(read(stdout, self.output_max + 1), read(stderr, COMPLAINT_LEN_MAX));
        let stdout = stdout.map_err(failed)?;
        if self.output_max < stdout.len() as u64 {
            child.kill().await.map_err(failed)?;
            let message = format!("it printed more than {} bytes", self.output_max);
            return Err(Error::Tool { program: self.program, message });
        }
        let status = child.wait().await.map_err(failed)?;
        let complaint = complaint.map_err(failed)?;
        let complaint = (!status.success()).then(|| match printable(&complaint) {
            silent if silent.is_empty() => status.to_string(),
            words => words,
        });
        Ok(Output { stdout, complaint })
    }

    /// Looks where administrators' programs are too: an ordinary user's PATH often leaves them out.
    fn find(&self) -> Result<OsString, Error> {
        let candidates = PATH.split(':').map(|directory| Path::new(directory).join(self.program));
        let found = candidates.into_iter().find(|path| path.is_file());
        found.map(Into::into).ok_or(Error::NoTool { program: self.program, package: self.package })
    }

    /// Answers what every thread together may take up to the deadline, so that only the deadline itself ends a program.
    fn processor_seconds_max(&self) -> u64 {
        let processors = std::thread::available_parallelism().map_or(1, |count| count.get() as u64);
        (self.deadline.as_secs() + 1) * processors
    }

    /// Limits are set by programs of util-linux, which every Linux has, for a process can't set those of another before
    /// it runs.
    fn limited(&self, program: &OsStr, arguments: &[&OsStr]) -> Vec<OsString> {
        let limits = [
            "setpriv".to_owned(),
            "--pdeathsig=KILL".to_owned(),
            "--no-new-privs".to_owned(),
            "prlimit".to_owned(),
            format!("--as={}", self.memory_max),
            format!("--cpu={}", self.processor_seconds_max()),
            format!("--fsize={}", self.file_max),
            "--core=0".to_owned(),
        ];
        let limits = limits.into_iter().map(OsString::from);
        let rest = arguments.iter().map(|argument| (*argument).to_owned());
        limits.chain([program.to_owned()]).chain(rest).collect()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "no plugin: a short-lived reader of one file, killed with the future that waits for it"
)]
fn command(words: &[OsString]) -> Command {
    let mut command = Command::new(&words[0]);
    command
        .args(&words[1..])
        .env_clear()
        .env("PATH", PATH)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    command
}

/// Reads so much, and lets the rest go unread.
async fn read(stream: Option<impl AsyncRead + Unpin>, len_max: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        stream.take(len_max).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHELL: Tool = Tool {
        program: "sh",
        package: "dash",
        deadline: Duration::from_secs(30),
        memory_max: 1 << 30,
        output_max: 100,
        file_max: 1 << 20,
    };

    async fn run(tool: Tool, script: &str) -> Result<Output, Error> {
        tool.run(&["-c".as_ref(), script.as_ref()]).await
    }

    #[tokio::test]
    async fn output_and_complaints_are_told_apart() {
        let output = run(SHELL, "echo hello; echo oops >&2").await.unwrap();
        assert_eq!((output.stdout.as_slice(), output.complaint), (&b"hello\n"[..], None));
        let output = run(SHELL, "echo 'no\x1b[2J such' >&2; exit 3").await.unwrap();
        assert_eq!(output.complaint.as_deref(), Some("no [2J such"));
        let output = run(SHELL, "exit 3").await.unwrap();
        assert_eq!(output.complaint.as_deref(), Some("exit status: 3"));
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_named_with_its_package() {
        let tool = Tool { program: "no-such-tool", package: "no-such-package", ..SHELL };
        let error = run(tool, "").await.unwrap_err().to_string();
        assert_eq!(
            error,
            "no-such-tool is not installed; on Debian it is in the package no-such-package"
        );
    }

    #[tokio::test]
    async fn a_program_that_prints_without_end_is_ended() {
        let error = run(SHELL, "yes").await.unwrap_err().to_string();
        assert_eq!(error, "sh failed: it printed more than 100 bytes");
    }

    #[tokio::test]
    async fn a_program_that_does_not_end_is_ended_at_its_deadline() {
        let tool = Tool { deadline: Duration::from_millis(100), ..SHELL };
        let error = run(tool, "exec sleep 1000").await.unwrap_err();
        assert!(matches!(error, Error::Late { program: "sh", .. }), "{error}");
    }

    #[tokio::test]
    async fn a_program_has_limits_and_no_environment() {
        let output = run(SHELL, "ulimit -c; ulimit -v; env | grep -c CARGO").await.unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "0\n1048576\n0\n");
    }
}
