//! Plugins in each language beside each other, in our host and in HashiCorp's own (`tests/fixtures/go-host`), over mutual TLS.

use super::{milliseconds, show};
use crate::support::binaries::{DIRECTORY, repository};
use crate::support::plugins::{Plugins, go_program};
use crate::support::program::Ended;
use async_trait::async_trait;
use factoryd::delegate::{
    Announced, Delegates, EventSink, Operation, OperationEvent, OperationId, SinkError,
};
use factoryd::domain::{
    ImageId, Install, InstallSource, Kind, OperatingSystem, Parameters, Template,
};
use factoryd::plugin::{Host, Options};
use serde_json::json;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

const LAUNCHES: usize = 10;
const FLOODS: usize = 5;
const FLOOD_EVENTS: u64 = 100_000;
const STALL_EVENTS: u64 = 1_000_000;
const STALL: Duration = Duration::from_secs(5);
const DEADLINE: Duration = Duration::from_secs(600);

/// A plugin that can be told to write many lines of log.
struct Plugin {
    language: &'static str,
    name: &'static str,
    os: &'static str,
    /// The parameter that says how many.
    lines: &'static str,
    /// Whether an SDK does the batches.
    sdk: bool,
}

const PLUGINS: [Plugin; 5] = [
    Plugin { language: "Rust", name: "mock-os", os: "MockOS_A", lines: "mock_events", sdk: true },
    Plugin { language: "Go", name: "flood", os: "Flood", lines: "flood", sdk: true },
    Plugin {
        language: "Python",
        name: "flood-python",
        os: "FloodPython",
        lines: "flood",
        sdk: true,
    },
    Plugin { language: "Go, no SDK", name: "goos", os: "GoOS", lines: "flood", sdk: false },
    Plugin { language: "Node, no SDK", name: "nodeos", os: "NodeOS", lines: "flood", sdk: false },
];

/// Where the plugins and the other host are.
struct Bench {
    plugins: Plugins,
    go_host: PathBuf,
}

/// One run of our host.
struct Run {
    host: Host,
    work: tempfile::TempDir,
    operations: u64,
}

/// Counts lines of log, and takes none for a while after the first ones.
#[derive(Default)]
struct Counter {
    stall: Duration,
    lines: AtomicU64,
}

/// Measures launches and floods, and prints.
pub(super) fn languages(runtime: &Runtime) {
    let bench = Bench::new();
    let mut rows = Vec::new();
    for plugin in &PLUGINS {
        let name = |what: &str| format!("{}: {what}", plugin.language);
        let ours = (0..LAUNCHES).map(|_| runtime.block_on(bench.launch(plugin))).collect();
        let theirs = bench.go_host(plugin, &["launch", &LAUNCHES.to_string()]);
        let theirs = theirs.lines().map(|line| line.parse().unwrap()).collect();
        let launch = [
            show(&name("launch, our host"), ours, "ms"),
            show(&name("launch, go-plugin's host"), theirs, "ms"),
        ];
        let ours = (0..FLOODS).map(|_| runtime.block_on(bench.rate(plugin))).collect();
        let theirs = (0..FLOODS).map(|_| bench.go_rate(plugin)).collect();
        let rate = [
            show(&name("thousand events/s, our host"), ours, ""),
            show(&name("thousand events/s, go-plugin's host"), theirs, ""),
        ];
        rows.push((plugin.language, launch, rate));
    }
    for (language, launch, rate) in rows {
        let name = format!("{language}: our host to go-plugin's");
        let (launch, rate) = (launch[0] / launch[1], rate[0] / rate[1]);
        println!("{name:<44} {launch:9.2} × the time of a launch, {rate:.2} × the events/s");
    }
}

/// Measures what a reader does to a plugin that says much, and reads nothing for a while.
pub(super) fn stall(runtime: &Runtime) {
    let bench = Bench::new();
    for plugin in &PLUGINS {
        let (little, much) = runtime.block_on(async {
            let mut run = bench.run();
            run.flood(plugin, FLOOD_EVENTS, Duration::ZERO).await;
            let little = run.peak(plugin);
            run.flood(plugin, STALL_EVENTS, STALL).await;
            let much = run.peak(plugin);
            run.host.stop(Duration::from_secs(10)).await.unwrap();
            (little, much)
        });
        let name = format!("{}: {STALL_EVENTS} events, our host", plugin.language);
        println!("{name:<44} {much:9.1} MiB at the peak, {little:.1} at that of {FLOOD_EVENTS}");
        if plugin.sdk {
            let said = bench.go_flood(plugin, STALL_EVENTS, STALL);
            let name = format!("{}: the same, go-plugin's host", plugin.language);
            println!("{name:<44} {:9.1} MiB at the peak", said[2] / 1024.0);
        }
    }
}

impl Bench {
    fn new() -> Self {
        let plugins = Plugins::new()
            .with_go("flood", "plugin-sdk/go/examples/flood")
            .with_python("plugin-sdk/python/examples/flood/src/flood_example/flood-python.info")
            .with_go("goos", "tests/fixtures/go-plugin")
            .with_node();
        Self { plugins, go_host: go_program("go-host", "tests/fixtures/go-host") }
    }

    fn run(&self) -> Run {
        let work = tempfile::tempdir().unwrap();
        let places = vec![self.plugins.path().to_owned(), repository("plugins/mock-os")];
        let mut options = Options::new(places, work.path().join("run"));
        options.executable_directories = vec![DIRECTORY.clone()];
        options.launcher = DIRECTORY.join("factoryd");
        std::fs::create_dir(work.path().join("run")).unwrap();
        Run { host: Host::new(options).unwrap(), work, operations: 0 }
    }

    async fn launch(&self, plugin: &Plugin) -> f64 {
        let run = self.run();
        let start = Instant::now();
        run.host.describe(plugin.name).await.unwrap();
        let took = milliseconds(start);
        run.host.stop(Duration::from_secs(10)).await.unwrap();
        took
    }

    /// Returns thousands of events a second.
    async fn rate(&self, plugin: &Plugin) -> f64 {
        let mut run = self.run();
        run.host.describe(plugin.name).await.unwrap();
        let start = Instant::now();
        run.flood(plugin, FLOOD_EVENTS, Duration::ZERO).await;
        let took = milliseconds(start);
        run.host.stop(Duration::from_secs(10)).await.unwrap();
        FLOOD_EVENTS as f64 / took
    }

    fn go_rate(&self, plugin: &Plugin) -> f64 {
        let said = self.go_flood(plugin, FLOOD_EVENTS, Duration::ZERO);
        said[0] / said[1] / 1000.0
    }

    /// Returns events, seconds, and KiB at the peak.
    fn go_flood(&self, plugin: &Plugin, lines: u64, stall: Duration) -> Vec<f64> {
        let parameters = json!({plugin.lines: lines}).to_string();
        let stall = format!("{}s", stall.as_secs());
        let said = self.go_host(plugin, &["flood", &parameters, &stall]);
        let said: Vec<f64> = said.split_whitespace().map(|word| word.parse().unwrap()).collect();
        assert!(lines as f64 <= said[0], "{} events are missing", lines as f64 - said[0]);
        said
    }

    fn go_host(&self, plugin: &Plugin, arguments: &[&str]) -> String {
        let file = format!("factory-plugin-{}", plugin.name);
        let beside = self.plugins.path().join(&file);
        let program = if beside.exists() { beside } else { DIRECTORY.join(&file) };
        let mut command = Command::new(&self.go_host);
        Ended::of(command.arg(program).args(arguments), DEADLINE).succeeded().stdout
    }
}

impl Run {
    /// Builds an image whose plugin writes so many lines, all of which must arrive.
    async fn flood(&mut self, plugin: &Plugin, lines: u64, stall: Duration) {
        self.operations += 1;
        let work_dir = self.work.path().join(self.operations.to_string());
        std::fs::create_dir(&work_dir).unwrap();
        let counter = Arc::new(Counter { stall, ..Counter::default() });
        let image = ImageId::parse("0192f3a4-5b6c-7d8e-9f01-23456789abcd").unwrap();
        let operation = Operation {
            id: OperationId::new(&image, self.operations, "base"),
            image,
            kind: Kind::Base,
            attempt: 1,
            work_dir,
            parameters: Parameters::parse(&json!({plugin.lines: lines}).to_string()).unwrap(),
            secrets: Vec::new(),
            cancellation: CancellationToken::new(),
            cancel_grace: Duration::from_secs(5),
            sink: counter.clone(),
        };
        let template = template(plugin.os);
        let delegate = self.host.os(&template.os).unwrap();
        delegate.create_base_image(&operation, &template).await.unwrap();
        let arrived = counter.lines.load(Ordering::Relaxed);
        assert!(lines <= arrived, "{} of {lines} lines are lost", lines - arrived);
    }

    /// Returns the most memory that the plugin has taken so far, in MiB.
    fn peak(&self, plugin: &Plugin) -> f64 {
        let plugins = self.host.plugins();
        let pid = plugins.iter().find(|it| it.name == plugin.name).unwrap().pid.unwrap();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
    }
}

#[async_trait]
impl EventSink for Counter {
    async fn accept(&self, events: Vec<OperationEvent>) -> Result<(), SinkError> {
        let lines = events.iter().filter(|event| matches!(event.what, Announced::Log(_))).count();
        if self.lines.fetch_add(lines as u64, Ordering::Relaxed) == 0 {
            tokio::time::sleep(self.stall).await;
        }
        Ok(())
    }
}

fn template(os: &str) -> Template {
    let source = InstallSource::Url("http://example.org/".into());
    Template {
        name: "figure".into(),
        description: None,
        os: OperatingSystem {
            name: os.into(),
            version: "1".into(),
            arch: "x86_64".into(),
            install: Install { source, checksum: None, extras: Vec::new() },
            root_password: None,
            product_key: None,
            kernel_parameters: None,
            icicle_extra_command: None,
        },
        packages: Vec::new(),
        repositories: Vec::new(),
        files: Vec::new(),
        commands: Vec::new(),
        precommands: Vec::new(),
        disk_size_bytes: None,
        xml: "<template/>".into(),
    }
}
