//! What these tests are written in: a host in directories of its own, an operation, a sink that can be stalled.

use crate::programs::{program, repository};
use async_trait::async_trait;
use factoryd::delegate::{
    Announced, Delegates, Error, EventSink, InputImage, Operation, OperationEvent, OperationId,
    OsDelegate, SinkError,
};
use factoryd::domain::{
    CloudIdentifiers, Failure, Image, ImageId, Install, InstallSource, Kind, OperatingSystem,
    Parameters, SecretSources, Status, Template,
};
use factoryd::plugin::{Host, Options, PluginStatus};
use rustix::process::{Pid, Signal};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// No test waits longer for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A directory for plugins, one for sockets, one for work.
pub(crate) struct Sandbox {
    root: TempDir,
    operations: AtomicU64,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        let root = tempfile::Builder::new().prefix("fh").tempdir().unwrap();
        for name in ["plugins", "run", "work"] {
            std::fs::create_dir(root.path().join(name)).unwrap();
        }
        Self { root, operations: AtomicU64::new(0) }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Registers an OS plugin for an operating system of its own name.
    pub(crate) fn os_plugin(&self, name: &str, executable: &Path) {
        let info = json!({"type": "os", "targets": [[name, null, null]], "executable": executable});
        self.info(name, &info.to_string());
    }

    pub(crate) fn info(&self, name: &str, text: &str) {
        std::fs::write(self.path("plugins").join(format!("{name}.info")), text).unwrap();
    }

    pub(crate) fn options(&self) -> Options {
        let mut options = Options::new(vec![self.path("plugins")], self.path("run"));
        options.launcher = env!("CARGO_BIN_EXE_factoryd").into();
        options
    }

    pub(crate) fn host(&self) -> Host {
        Host::new(self.options()).unwrap()
    }

    /// Makes an operation with a directory of its own.
    pub(crate) fn operation(&self, parameters: Value, sink: &Arc<Recorder>) -> Operation {
        let number = self.operations.fetch_add(1, Ordering::Relaxed);
        let work_dir = self.path("work").join(number.to_string());
        std::fs::create_dir(&work_dir).unwrap();
        let image = ImageId::parse("0192f3a4-5b6c-7d8e-9f01-23456789abcd").unwrap();
        Operation {
            id: OperationId::new(&image, number, "base"),
            image,
            kind: Kind::Base,
            attempt: 1,
            work_dir,
            parameters: Parameters::parse(&parameters.to_string()).unwrap(),
            secrets: Vec::new(),
            cancellation: CancellationToken::new(),
            cancel_grace: Duration::from_secs(5),
            sink: Arc::clone(sink) as Arc<dyn EventSink>,
        }
    }

    /// Answers what sockets and directories of plugins are left.
    pub(crate) fn runtime_leftovers(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.path("run")).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }
}

/// Registers one of our mock plugins with an executable of its own, so that it can be told how to start.
pub(crate) struct Mock {
    pub(crate) sandbox: Sandbox,
    _executables: TempDir,
    executable: PathBuf,
}

impl Mock {
    /// Registers `mock-os` or `mock-cloud`.
    pub(crate) fn new(name: &str) -> Self {
        let sandbox = Sandbox::new();
        let file = format!("factory-plugin-{name}");
        // A link: a program that was just written can't always be executed, since another test's fork may hold it open.
        let executables = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let executable = executables.path().join(&file);
        std::fs::hard_link(program(&file), &executable).unwrap();
        let info = repository(&format!("plugins/{name}/{name}.info"));
        std::os::unix::fs::symlink(info, sandbox.path(&format!("plugins/{name}.info"))).unwrap();
        Self { sandbox, _executables: executables, executable }
    }

    /// Says how the next starts go.
    pub(crate) fn starts(&self, how: &str) {
        let mut path = self.executable.clone().into_os_string();
        path.push(".misbehave");
        std::fs::write(path, how).unwrap();
    }

    pub(crate) fn host(&self) -> Host {
        self.host_with(|_| {})
    }

    pub(crate) fn host_with(&self, change: impl FnOnce(&mut Options)) -> Host {
        let mut options = self.sandbox.options();
        options.executable_directories = vec![self.executable.parent().unwrap().to_owned()];
        change(&mut options);
        Host::new(options).unwrap()
    }

    pub(crate) fn operation(&self, parameters: Value, sink: &Arc<Recorder>) -> Operation {
        self.sandbox.operation(parameters, sink)
    }
}

/// Answers the delegate of an operating system.
pub(crate) fn os(host: &Host, name: &str) -> Arc<dyn OsDelegate> {
    host.os(&operating_system(name)).unwrap()
}

/// Builds a base image with the plugin for an operating system.
pub(crate) async fn build(host: &Host, name: &str, operation: &Operation) -> Result<(), Error> {
    os(host, name).create_base_image(operation, &template(name)).await
}

/// Answers the failure of what must have failed.
#[track_caller]
pub(crate) fn failure<T: std::fmt::Debug>(outcome: Result<T, Error>) -> Failure {
    match outcome {
        Err(Error::Failed(failure)) => *failure,
        other => panic!("expected a failure, got {other:?}"),
    }
}

pub(crate) fn status(host: &Host, name: &str) -> PluginStatus {
    host.plugins().into_iter().find(|plugin| plugin.name == name).unwrap()
}

pub(crate) fn template(os: &str) -> Template {
    Template {
        name: "test".into(),
        description: None,
        os: operating_system(os),
        packages: Vec::new(),
        repositories: Vec::new(),
        files: Vec::new(),
        commands: Vec::new(),
        precommands: Vec::new(),
        disk_size_bytes: None,
        xml: "<template/>".into(),
    }
}

pub(crate) fn operating_system(name: &str) -> OperatingSystem {
    OperatingSystem {
        name: name.into(),
        version: "1".into(),
        arch: "x86_64".into(),
        install: Install {
            source: InstallSource::Url("http://example.org/".into()),
            checksum: None,
            extras: Vec::new(),
        },
        root_password: None,
        product_key: None,
        kernel_parameters: None,
        icicle_extra_command: None,
    }
}

/// Keeps every event. Takes none while it is stalled.
pub(crate) struct Recorder {
    events: Mutex<Vec<OperationEvent>>,
    count: watch::Sender<usize>,
    stalled: watch::Sender<bool>,
    refuses: Mutex<Option<Failure>>,
}

impl Recorder {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            events: Mutex::default(),
            count: watch::Sender::new(0),
            stalled: watch::Sender::new(false),
            refuses: Mutex::default(),
        })
    }

    pub(crate) fn stall(&self, stalled: bool) {
        self.stalled.send_replace(stalled);
    }

    /// From now on refuses everything.
    pub(crate) fn refuse(&self, failure: Failure) {
        *self.refuses.lock().unwrap() = Some(failure);
    }

    /// Waits until that many events are here.
    pub(crate) async fn has(&self, count: usize) {
        let mut seen = self.count.subscribe();
        let enough = seen.wait_for(|seen| count <= *seen);
        tokio::time::timeout(PATIENCE, enough).await.expect("events come").unwrap();
    }

    pub(crate) fn events(&self) -> Vec<OperationEvent> {
        self.events.lock().unwrap().clone()
    }

    pub(crate) fn log_lines(&self) -> Vec<String> {
        let line = |event: OperationEvent| match event.what {
            Announced::Log(line) => Some(line.message),
            _ => None,
        };
        self.events().into_iter().filter_map(line).collect()
    }

    pub(crate) fn percents(&self) -> Vec<f64> {
        let percent = |event: OperationEvent| match event.what {
            Announced::Progress { percent, .. } => percent,
            _ => None,
        };
        self.events().into_iter().filter_map(percent).collect()
    }

    /// Answers the value of a property, JSON.
    pub(crate) fn property(&self, name: &str) -> Option<String> {
        self.events().into_iter().find_map(|event| match event.what {
            Announced::Property { key, value_json } if key == name => Some(value_json),
            _ => None,
        })
    }

    /// Answers (role, file) of every artifact.
    pub(crate) fn artifacts(&self) -> Vec<(String, String)> {
        let artifact = |event: OperationEvent| match event.what {
            Announced::Artifact { role, file, .. } => Some((role, file)),
            _ => None,
        };
        self.events().into_iter().filter_map(artifact).collect()
    }
}

#[async_trait]
impl EventSink for Recorder {
    async fn accept(&self, events: Vec<OperationEvent>) -> Result<(), SinkError> {
        let mut stalled = self.stalled.subscribe();
        stalled.wait_for(|stalled| !stalled).await.unwrap();
        if let Some(failure) = self.refuses.lock().unwrap().clone() {
            return Err(SinkError(Box::new(failure)));
        }
        let mut kept = self.events.lock().unwrap();
        kept.extend(events);
        self.count.send_replace(kept.len());
        Ok(())
    }
}

/// Looks often until something holds.
///
/// # Panics
/// If it does not hold in time; `what` completes the sentence "waited for …".
pub(crate) async fn eventually(what: &str, within: Duration, mut holds: impl FnMut() -> bool) {
    let watch = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(within, watch).await.is_ok(), "waited {within:?} for {what}");
}

/// What a process does with the processor.
pub(crate) struct Activity {
    pid: u32,
    ticks: u64,
    unchanged: u32,
}

impl Activity {
    pub(crate) fn of(pid: u32) -> Self {
        Self { pid, ticks: 0, unchanged: 0 }
    }

    /// Tells whether it has worked and does so no longer. To be asked often.
    pub(crate) fn has_paused(&mut self) -> bool {
        let ticks = cpu_ticks(self.pid);
        self.unchanged = if ticks == self.ticks { self.unchanged + 1 } else { 0 };
        self.ticks = ticks;
        // A tick is 10 ms: some hundred milliseconds without one, after as many with.
        20 < ticks && 30 < self.unchanged
    }
}

/// Answers how much of the processor's time a process has used.
fn cpu_ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    let (user, system): (u64, u64) = (fields[11].parse().unwrap(), fields[12].parse().unwrap());
    user + system
}

/// Sends a signal to a process.
pub(crate) fn kill_process(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}

/// Answers the children of a process.
pub(crate) fn children_of(parent: u32) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let is_child = |pid: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(1))
            == Some(&parent.to_string())
    };
    pids.filter(is_child).collect()
}

/// Answers the number that we know a process by, given the number that its plugin knows it by.
pub(crate) fn outside_pid(plugin: u32, inside: u32) -> Option<u32> {
    let namespace = |pid: u32| std::fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
    let inside = inside.to_string();
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let mut pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.find(|&pid| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
        let innermost = numbers.and_then(|numbers| numbers.split_whitespace().last());
        innermost == Some(&inside) && namespace(pid) == namespace(plugin)
    })
}

/// Answers the directories of the control groups of ours that a process is in.
pub(crate) fn groups_of(pid: u32) -> Vec<PathBuf> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
    let ours = text.lines().filter(|line| line.contains("/factory-"));
    let directories = ours.flat_map(|line| {
        let (controllers, path) = line.split_once(':').unwrap().1.split_once(':').unwrap();
        let names = controllers.split(',').chain(["unified"]);
        let mounts = names.map(|name| Path::new("/sys/fs/cgroup").join(name));
        mounts.map(|mount| mount.join(path.trim_start_matches('/'))).collect::<Vec<_>>()
    });
    directories.filter(|directory| directory.is_dir()).collect()
}

/// Tells whether a process is there and is no zombie.
pub(crate) fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

/// A base image that is not there.
pub(crate) fn input_image() -> InputImage {
    let now = std::time::SystemTime::UNIX_EPOCH;
    let image = Image {
        id: ImageId::parse("0192f3a4-5b6c-7d8e-9f01-23456789abce").unwrap(),
        kind: Kind::Base,
        status: Status::Complete,
        percent: 100.0,
        activity: String::new(),
        failure: None,
        name: "base".into(),
        template_xml: "<template/>".into(),
        parent: None,
        target: None,
        provider: None,
        snapshot: false,
        identifiers: CloudIdentifiers::default(),
        artifacts: Vec::new(),
        properties: Parameters::default(),
        parameters: Parameters::default(),
        secrets: SecretSources::default(),
        icicle_xml: None,
        attempt: 1,
        created: now,
        updated: now,
        last_cursor: 1,
    };
    InputImage { image, artifacts: Vec::new(), template: template("GoOS") }
}
