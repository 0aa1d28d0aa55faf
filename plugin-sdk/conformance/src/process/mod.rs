//! A plugin's process, as its factory has it: pipes, the handshake line, and the end.

pub(crate) mod census;
mod launch;
mod output;

pub(crate) use launch::{Input, Launch, bootstrap};
pub(crate) use output::Captured;

use crate::case::Stop;
use crate::place::Place;
use crate::trace::Trace;
use factory_proto::handshake::Handshake;
use rustix::process::{Pid, Signal, kill_process};
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// How often it is looked whether processes are gone.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// A plugin's process. It is killed, with all of its own, when this is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: output::Reading,
    stderr: Captured,
    place: Arc<Place>,
    mark: String,
    trace: Trace,
    /// What reads its output. They end with this.
    tasks: JoinSet<()>,
}

impl Process {
    fn new(mut child: Child, place: Arc<Place>, mark: String, trace: Trace) -> Self {
        let mut tasks = JoinSet::new();
        let stderr = Captured::of(child.stderr.take(), &mut tasks);
        let stdout = output::Reading::new(child.stdout.take());
        Self { stdin: child.stdin.take(), child, stdout, stderr, place, mark, trace, tasks }
    }

    /// Returns its directories.
    pub(crate) fn place(&self) -> &Arc<Place> {
        &self.place
    }

    /// Returns the mark of its processes.
    pub(crate) fn mark(&self) -> &str {
        &self.mark
    }

    /// Returns what it has written to standard error so far.
    pub(crate) fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Returns what it has written to standard output after the handshake so far.
    pub(crate) fn stdout(&self) -> String {
        self.stdout.rest()
    }

    /// Reads the next line on standard output; `None` at its end.
    pub(crate) async fn line(&mut self, patience: Duration) -> Result<Option<String>, Stop> {
        match timeout(patience, self.stdout.line()).await {
            Ok(line) => {
                self.trace.say(format!("> {}", line.as_deref().unwrap_or("(end of output)")));
                Ok(line)
            }
            Err(_) => Err(Stop::broken(format!(
                "nothing on standard output within {} s{}",
                patience.as_secs_f32(),
                self.last_words()
            ))),
        }
    }

    /// Reads standard output to its end.
    pub(crate) async fn all_output(&mut self, patience: Duration) -> Result<String, Stop> {
        let mut all = String::new();
        while let Some(line) = self.line(patience).await? {
            all += &line;
            all.push('\n');
        }
        Ok(all)
    }

    /// Reads the handshake, and reads standard output for ever after.
    pub(crate) async fn handshake(&mut self, patience: Duration) -> Result<Handshake, Stop> {
        let Some(line) = self.line(patience).await? else {
            let ended = self.end(patience).await?;
            return Err(Stop::broken(format!(
                "no handshake: it ended with {ended}{}",
                self.last_words()
            )));
        };
        self.stdout.drain(&mut self.tasks);
        Handshake::parse(&line)
            .map_err(|error| Stop::broken(format!("the first line is {line:?}: {error}")))
    }

    /// Writes a line to standard input. A plugin that does not read it is not harmed.
    pub(crate) async fn write_line(&mut self, line: &str) {
        if let Some(stdin) = &mut self.stdin {
            let _ = stdin.write_all(format!("{line}\n").as_bytes()).await;
            let _ = stdin.flush().await;
        }
    }

    /// Ends standard input, as the end of a factory does.
    pub(crate) fn close_input(&mut self) {
        self.trace.say("< (end of input)");
        self.stdin = None;
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        self.trace.say(format!("signal {}", signal.as_raw()));
        if let Some(pid) = self.child.id().and_then(|pid| Pid::from_raw(pid.cast_signed())) {
            // It may have ended already.
            let _ = kill_process(pid, signal);
        }
    }

    /// Tells whether it has not ended.
    pub(crate) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits until it has ended.
    pub(crate) async fn end(&mut self, patience: Duration) -> Result<ExitStatus, Stop> {
        match timeout(patience, self.child.wait()).await {
            Ok(status) => {
                let status = status?;
                self.trace.say(format!("ended with {status}"));
                Ok(status)
            }
            Err(_) => {
                let seconds = patience.as_secs_f32();
                Err(Stop::broken(format!("it has not ended within {seconds} s")))
            }
        }
    }

    /// Waits until no process of it is there any more; returns the command lines of those that are.
    pub(crate) async fn left_processes(&self, patience: Duration) -> Vec<String> {
        let gone = async {
            while !census::marked(&self.mark).is_empty() {
                sleep(LOOK_INTERVAL).await;
            }
        };
        if timeout(patience, gone).await.is_ok() {
            return Vec::new();
        }
        let left = census::marked(&self.mark);
        left.iter().map(|shown| shown.arguments.trim().replace('\n', " ")).collect()
    }

    /// Returns the last lines of standard error, to be added to a sentence.
    pub(crate) fn last_words(&self) -> String {
        let text = self.stderr();
        let lines: Vec<_> = text.lines().rev().take(3).collect();
        if lines.is_empty() {
            return String::new();
        }
        format!("; its last words: {}", lines.into_iter().rev().collect::<Vec<_>>().join(" / "))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.start_kill();
        census::kill(&self.mark);
    }
}
