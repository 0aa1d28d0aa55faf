//! The figures that the factory is held to, measured side by side: `make bench`, or `cargo bench --bench figures -- NAME...`
//! for some of them.
//!
//! | name | what is measured | how often |
//! |---|---|---|
//! | `launch` | from nothing to the first answer of the mock plugin, plain and with mutual TLS | 20 |
//! | `languages` | plugins in each language, in our host and in go-plugin's own: launch, events a second | 10 and 5 |
//! | `stall` | 1 000 000 events of each SDK to a host that reads nothing for 5 s: what is lost, and the plugin's memory | 1 |
//! | `image` | a mock image from the request to COMPLETE, in a daemon: the factory's own cost | 100 |
//! | `cost` | a mock image and a real build with the sandbox and without, in turns; what the journal writes | 100, 5 |
//! | `load` | 2 000 creates and 20 000 reads of the REST API from 64 connections: how long, and the daemon's memory | 1 |
//! | `memory` | the daemon when idle; daemon and plugins during builds of a 4 GiB and a 16 GiB disk | 1 |
//! | `build` | the example template against the same packages by hand ([`by-hand.sh`]), in turns | 5 |
//!
//! [`by-hand.sh`]: by-hand.sh

#![expect(clippy::unwrap_used, reason = "a measurement that fails has no figure to show")]

#[expect(dead_code, unused_imports, reason = "the tests use the rest")]
#[path = "../tests/support/mod.rs"]
mod support;

#[path = "figures/cost.rs"]
mod cost;
#[path = "figures/languages.rs"]
mod languages;
#[path = "figures/load.rs"]
mod load;

use factoryd::plugin::{Host, Options};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use support::binaries::{DIRECTORY, repository};
use support::client::assert_complete;
use support::factory::Sandbox;
use support::memory::resident;
use support::program::{Ended, Program};
use support::story::Story;
use support::tdl::Tdl;
use tokio::runtime::Runtime;

/// How often memory is looked at; the kernel keeps the peak, so this only must not miss a whole process.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);
const BUILD_DEADLINE: Duration = Duration::from_secs(900);

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let is_asked = |name| asked.is_empty() || asked.iter().any(|word| word == name);
    let runtime = Runtime::new().unwrap();
    if is_asked("launch") {
        launch(&runtime);
    }
    if is_asked("languages") {
        languages::languages(&runtime);
    }
    if is_asked("stall") {
        languages::stall(&runtime);
    }
    if is_asked("image") {
        image(&runtime);
    }
    if is_asked("cost") {
        cost::cost(&runtime);
    }
    if is_asked("load") {
        load::load(&runtime);
    }
    if is_asked("memory") {
        memory();
    }
    if is_asked("build") {
        build();
    }
}

fn launch(runtime: &Runtime) {
    for (way, auto_mtls) in [("plain", false), ("mutual TLS", true)] {
        let times = (0..20).map(|_| runtime.block_on(launch_once(auto_mtls))).collect();
        show(&format!("launch to first answer, {way}"), times, "ms");
    }
}

async fn launch_once(auto_mtls: bool) -> f64 {
    let directory = tempfile::tempdir().unwrap();
    let mut options =
        Options::new(vec![repository("plugins/mock-os")], directory.path().to_owned());
    options.executable_directories = vec![DIRECTORY.clone()];
    options.launcher = DIRECTORY.join("factoryd");
    options.auto_mtls = auto_mtls;
    let host = Host::new(options).unwrap();
    let start = Instant::now();
    host.describe("mock-os").await.unwrap();
    let took = milliseconds(start);
    host.stop(Duration::from_secs(10)).await.unwrap();
    took
}

fn image(runtime: &Runtime) {
    let sandbox = Sandbox::new();
    let daemon = sandbox.daemon();
    let times = runtime.block_on(async {
        let mut client = daemon.connect().await;
        let mut times = Vec::new();
        for _ in 0..100 {
            let start = Instant::now();
            let image = client.create_base(&Tdl::mock("figure"), &json!({})).await.unwrap();
            assert_complete(&client.ended(&image.id).await);
            times.push(milliseconds(start));
        }
        times
    });
    show("a mock image, request to COMPLETE", times, "ms");
    println!(
        "{:<44} {:9.1} MiB",
        "daemon after 100 images",
        resident(daemon.brood(), "VmRSS", "factoryd")
    );
}

fn memory() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.daemon();
    println!("{:<44} {:9.1} MiB", "daemon, idle", resident(daemon.brood(), "VmRSS", "factoryd"));
    drop(daemon);
    for size in ["4 GiB", "16 GiB"] {
        let template = Tdl::debian("figure").disk(size);
        let sandbox = Sandbox::new();
        let mut factory = sandbox.factory();
        factory.arg("build").arg(sandbox.template(&template)).args(["--target", "kvm", "--quiet"]);
        let peaks = peaks(Program::start(&factory));
        let all: Vec<String> =
            peaks.iter().map(|(name, peak)| format!("{name} {peak:.1}")).collect();
        let sum: f64 = peaks.values().sum();
        println!(
            "{:<44} {sum:9.1} MiB   {}",
            format!("peak of factory and plugins, {size} disk"),
            all.join(", ")
        );
    }
}

/// Watches a build, and returns the most memory that each of our programs took, in MiB.
fn peaks(program: Program) -> BTreeMap<String, f64> {
    let mut peaks = BTreeMap::new();
    while !program.brood.survivors(LOOK_INTERVAL).is_empty() {
        for name in ["factory", "factory-plugin-debian", "factory-plugin-kvm"] {
            let peak = peaks.entry(name.to_owned()).or_insert(0.0_f64);
            *peak = peak.max(resident(&program.brood, "VmHWM", name));
        }
    }
    program.wait(BUILD_DEADLINE).succeeded();
    peaks
}

fn build() {
    let mut packages = Vec::new();
    let mut times: [Vec<f64>; 3] = Default::default();
    for _ in 0..5 {
        times[0].push(build_ours(&mut packages));
        times[1].push(build_by_hand(&packages, &std::env::temp_dir()));
        times[2].push(build_by_hand(&packages, Path::new("/dev/shm")));
    }
    let [ours, disk, memory] = times;
    let ours = show("the example template, cold", ours, "s");
    for (place, times) in [("on disk", disk), ("in memory", memory)] {
        let by_hand = show(&format!("the same by hand, working {place}"), times, "s");
        println!("{:<44} {:9.2} ×", format!("ratio to by hand {place}"), ours / by_hand);
    }
}

/// Builds the example into an empty store, and tells which packages are in it.
fn build_ours(packages: &mut Vec<String>) -> f64 {
    let sandbox = Sandbox::new();
    let mut factory = sandbox.factory();
    factory.arg("build").arg(repository("examples/debian-12.tdl")).arg("--json");
    let start = Instant::now();
    let ended = Ended::of(&factory, BUILD_DEADLINE).succeeded();
    let took = start.elapsed().as_secs_f64();
    let story = Story::of(&ended);
    let icicle = story.image("")["icicle_xml"].as_str().unwrap().to_owned();
    let names = icicle.split("<package name=\"").skip(1).filter_map(|rest| rest.split('"').next());
    *packages = names.map(str::to_owned).collect();
    took
}

fn build_by_hand(packages: &[String], place: &Path) -> f64 {
    let directory = tempfile::tempdir().unwrap();
    let mut script = Command::new(repository("benches/by-hand.sh"));
    script.arg(directory.path().join("disk.raw")).arg("4096").args(packages).env("TMPDIR", place);
    let start = Instant::now();
    Ended::of(&script, BUILD_DEADLINE).succeeded();
    start.elapsed().as_secs_f64()
}

fn milliseconds(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1000.0
}

/// Prints the median and the extremes, and returns the median.
fn show(name: &str, mut times: Vec<f64>, unit: &str) -> f64 {
    times.sort_by(f64::total_cmp);
    let median = times[times.len() / 2];
    let (least, most) = (times[0], times[times.len() - 1]);
    println!("{name:<44} {median:9.2} {unit}   {least:.2} to {most:.2}, {} times", times.len());
    median
}
