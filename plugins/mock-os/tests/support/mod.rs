//! A mock plugin's process, started as a factory starts it.

use factory_plugin_sdk::harness::template;
use factory_plugin_sdk::proto::{
    CreateBaseImageRequest, Event, EventBatch, ImageContext, OperationHeader, event::Kind,
    os_delegate_client::OsDelegateClient,
};
use factory_proto::handshake::{self, Address, Handshake};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::net::UnixStream;
use tonic::transport::{Channel, Endpoint};
use tonic::{Status, Streaming};

/// How long anything may take that takes milliseconds.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// A plugin's process. Killed with the test.
pub(crate) struct Process {
    pub(crate) child: Child,
    pub(crate) stdin: Option<ChildStdin>,
    stdout: mpsc::Receiver<String>,
    stderr: mpsc::Receiver<String>,
    pub(crate) directory: TempDir,
}

/// Returns the command that starts the plugin as a factory does; its socket goes to `directory`.
pub(crate) fn command(executable: &Path, directory: &Path) -> Command {
    let mut command = Command::new(executable);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env(handshake::COOKIE_KEY, handshake::COOKIE_VALUE)
        .env(handshake::VERSIONS, "1")
        .env(handshake::SOCKET_DIR, directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

pub(crate) fn executable() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_factory-plugin-mock-os"))
}

impl Process {
    /// Starts the plugin.
    pub(crate) fn start() -> Self {
        Self::start_with(|_| {})
    }

    /// Starts the plugin with a command that was changed.
    pub(crate) fn start_with(change: impl FnOnce(&mut Command)) -> Self {
        Self::start_executable(&executable(), change)
    }

    /// Starts another executable.
    pub(crate) fn start_executable(path: &Path, change: impl FnOnce(&mut Command)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut command = command(path, directory.path());
        change(&mut command);
        let mut child = command.spawn().unwrap();
        let stdout = lines(child.stdout.take());
        let stderr = lines(child.stderr.take());
        Self { stdin: child.stdin.take(), child, stdout, stderr, directory }
    }

    /// Returns the next line on standard output; `None` if it ended.
    pub(crate) fn line(&self) -> Option<String> {
        match self.stdout.recv_timeout(SOON) {
            Ok(line) => Some(line),
            Err(mpsc::RecvTimeoutError::Disconnected) => None,
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("nothing was printed"),
        }
    }

    /// Returns the handshake, which must be the first line.
    pub(crate) fn handshake(&self) -> Handshake {
        let line = self.line().unwrap();
        Handshake::parse(&line).unwrap()
    }

    /// Returns the socket that the handshake names.
    pub(crate) fn socket(&self) -> PathBuf {
        let Address::Unix(path) = self.handshake().address else { panic!("no unix socket") };
        path
    }

    /// Reads the handshake and connects without TLS.
    pub(crate) async fn connect(&self) -> Channel {
        let socket = self.socket();
        let connector = tower::service_fn(move |_| {
            let socket = socket.clone();
            async move { UnixStream::connect(socket).await.map(TokioIo::new) }
        });
        let endpoint = Endpoint::from_static("http://localhost");
        endpoint.connect_with_connector(connector).await.unwrap()
    }

    /// Waits until a line on standard error is as asked for.
    pub(crate) fn stderr_line(&self, wanted: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + SOON;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.stderr.recv_timeout(left).expect("the line is written");
            if wanted(&line) {
                return line;
            }
        }
    }

    /// Waits for the process's end, and returns how it ended and how long that took.
    pub(crate) fn wait(&mut self) -> (ExitStatus, Duration) {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status, start.elapsed());
            }
            assert!(start.elapsed() < SOON, "the plugin does not end");
            thread::yield_now();
        }
    }

    /// Sends a signal to the process.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal)
            .unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(stream: Option<impl Read + Send + 'static>) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    let stream = BufReader::new(stream.unwrap());
    thread::spawn(move || {
        for line in stream.lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// An operation of a plugin's process.
pub(crate) struct Operation {
    _work_dir: TempDir,
    stream: Streaming<EventBatch>,
    events: std::collections::VecDeque<Event>,
}

impl Operation {
    /// Starts `CreateBaseImage`.
    pub(crate) async fn start(
        channel: Channel,
        id: &str,
        parameters: Value,
    ) -> Result<Self, Status> {
        let work_dir = tempfile::tempdir().unwrap();
        let header = OperationHeader {
            operation_id: id.to_owned(),
            work_dir: work_dir.path().to_str().unwrap().to_owned(),
            image: Some(ImageContext {
                id: format!("image-{id}"),
                kind: "base".into(),
                attempt: 1,
            }),
            parameters_json: parameters.to_string(),
            ..Default::default()
        };
        let template = Some(template("MockOS_A", "1", "x86_64"));
        let request = CreateBaseImageRequest { header: Some(header), template };
        let mut client = OsDelegateClient::new(channel)
            .max_decoding_message_size(factory_proto::MESSAGE_SIZE_MAX);
        let stream = client.create_base_image(request).await?.into_inner();
        Ok(Self { _work_dir: work_dir, stream, events: Default::default() })
    }

    /// Starts `CreateBaseImage` with a misbehaviour.
    pub(crate) async fn misbehaving(channel: Channel, id: &str, name: &str) -> Self {
        Self::start(channel, id, json!({ "mock_misbehave": name })).await.unwrap()
    }

    /// Returns the next event; `None` after the last.
    pub(crate) async fn next(&mut self) -> Result<Option<Event>, Status> {
        while self.events.is_empty() {
            match tokio::time::timeout(SOON, self.stream.message()).await.unwrap()? {
                Some(batch) => self.events.extend(batch.events),
                None => return Ok(None),
            }
        }
        Ok(self.events.pop_front())
    }

    /// Waits until an event is as asked for.
    pub(crate) async fn until(&mut self, wanted: impl Fn(&Kind) -> bool) -> Kind {
        while let Some(event) = self.next().await.unwrap() {
            if let Some(kind) = event.kind.filter(|kind| wanted(kind)) {
                return kind;
            }
        }
        panic!("the operation ended first");
    }

    /// Waits until it names the process that it left behind.
    pub(crate) async fn escaped_pid(&mut self) -> u32 {
        let wanted = |kind: &Kind| matches!(kind, Kind::Property(p) if p.key == "mock_escaped_pid");
        let Kind::Property(property) = self.until(wanted).await else { unreachable!() };
        property.value_json.parse().unwrap()
    }

    /// Reads all events, or the status that broke them off.
    pub(crate) async fn all(&mut self) -> Result<Vec<Event>, Status> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await? {
            events.push(event);
        }
        Ok(events)
    }
}

/// Tells whether a process is alive, which a zombie is not.
pub(crate) fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
}

/// Waits until a process is gone, and returns how long that took.
pub(crate) fn wait_until_gone(pid: u32) -> Duration {
    let start = Instant::now();
    while is_alive(pid) {
        assert!(start.elapsed() < SOON, "process {pid} does not end");
        thread::yield_now();
    }
    start.elapsed()
}
