//! A real build is interrupted at points all over it: cancelled, its plugin killed, its daemon killed, in turns. Nothing of it is left,
//! and the next build works: it comes to the next point, and the last one to its end.
//!
//! ```text
//! cargo test --test e2e interrupted                         some points
//! INTERRUPT_POINTS=20 cargo test --test e2e interrupted     as many (`make interrupt`)
//! ```
//!
//! The points are lines that the build prints, evenly spread over the time that a whole build took.

use crate::debian::{self, Line};
use crate::support::client::{Client, assert_complete, assert_failed, drain};
use crate::support::factory::{Daemon, Sandbox};
use crate::support::leftovers::{files_in, mounts_and_loops};
use crate::support::patience::look_until;
use factory_proto::factory_v1::{Image, event::Kind};
use rustix::process::{Signal, kill_process};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const POINTS: usize = 4;
/// How long what was interrupted may take to be gone.
const DEADLINE: Duration = Duration::from_secs(30);
/// No image is begun again when its plugin was killed: each is interrupted once.
const FLAGS: [&str; 2] = ["--retries", "0"];

/// What interrupts a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Interruption {
    Cancellation,
    EndOfPlugin,
    EndOfDaemon,
}

const INTERRUPTIONS: [Interruption; 3] =
    [Interruption::Cancellation, Interruption::EndOfPlugin, Interruption::EndOfDaemon];

/// A line of a build: what it says but for numbers, and how many such lines come before it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Point {
    line: String,
    before: usize,
}

/// Counts lines that are the same but for numbers.
#[derive(Default)]
struct Reader(BTreeMap<String, usize>);

impl Reader {
    /// Answers where a build is with its next line.
    fn read(&mut self, line: &str) -> Point {
        let line: String = line.chars().filter(|letter| !letter.is_ascii_digit()).collect();
        let count = self.0.entry(line.clone()).or_default();
        *count += 1;
        Point { line, before: *count - 1 }
    }
}

/// Chooses points of a build that are evenly spread over its time.
fn spread(lines: &[Line], count: usize) -> Vec<Point> {
    let mut reader = Reader::default();
    let all = lines.iter().map(|line| (line.seconds, reader.read(&line.text)));
    let all: Vec<(f64, Point)> = all.collect();
    let whole = all.last().map_or(0.0, |(seconds, _)| *seconds);
    let mut chosen = BTreeSet::new();
    for number in 0..count {
        let ideal = whole * (number as f64 + 0.5) / count as f64;
        let distance = |index: &usize| (all[*index].0 - ideal).abs();
        let free = (0..all.len()).filter(|index| !chosen.contains(index));
        chosen.extend(free.min_by(|one, other| distance(one).total_cmp(&distance(other))));
    }
    chosen.into_iter().map(|index| all[index].1.clone()).collect()
}

/// A factory whose builds are interrupted.
struct Interrupted {
    sandbox: Sandbox,
    /// Groups of processes that were seen.
    groups: BTreeSet<PathBuf>,
}

impl Interrupted {
    /// Interrupts a build at a point, asserts that nothing is left of it, and answers the daemon that runs then.
    async fn at(&mut self, daemon: Daemon, point: &Point, by: Interruption) -> Daemon {
        let mut client = daemon.connect().await;
        let image = client.create_base(&debian::without_password(), &json!({})).await.unwrap();
        come_to(&mut client, &image, point).await;
        self.groups.extend(daemon.brood().groups());
        let daemon = match by {
            Interruption::Cancellation => {
                client.cancel(&image.id).await.unwrap();
                assert_failed(&client.ended(&image.id).await, &["CANCELLED"]);
                daemon
            }
            Interruption::EndOfPlugin => {
                let [plugin] = daemon.plugins("debian")[..] else { panic!("not one plugin") };
                kill_process(plugin, Signal::KILL).unwrap();
                assert_failed(&client.ended(&image.id).await, &["PLUGIN_CRASHED"]);
                daemon
            }
            Interruption::EndOfDaemon => self.without(daemon, &image).await,
        };
        self.assert_clean(&daemon);
        daemon
    }

    /// Kills the daemon, and has the next one give up what it takes over.
    async fn without(&self, daemon: Daemon, image: &Image) -> Daemon {
        let brood = daemon.kill();
        assert_eq!(brood.survivors(DEADLINE), Vec::<String>::new());
        assert_eq!(self.mounts(), Vec::<String>::new());
        let daemon = self.sandbox.daemon_with(&FLAGS);
        let mut client = daemon.connect().await;
        client.cancel(&image.id).await.unwrap();
        assert_failed(&client.ended(&image.id).await, &["CANCELLED"]);
        daemon
    }

    /// Asserts that there is nothing but the daemon, perhaps its plugin, and that one's socket.
    fn assert_clean(&self, daemon: &Daemon) {
        let mut left = Vec::new();
        look_until(DEADLINE, || {
            left = self.processes(daemon);
            left.extend(self.mounts().into_iter().filter(|mount| !self.is_place_of_plugin(mount)));
            left.extend(self.files());
            left.is_empty().then_some(())
        });
        assert_eq!(left, Vec::<String>::new());
    }

    /// Lists processes that only a build has.
    fn processes(&self, daemon: &Daemon) -> Vec<String> {
        let is_idle = |line: &str| {
            let words: Vec<&str> = line.split_whitespace().skip(1).collect();
            match words[..] {
                [path] => path.ends_with("/factory-plugin-debian"),
                [path, ..] => path.ends_with("/factoryd") || words[1] == "plugin-init",
                [] => false,
            }
        };
        daemon.brood().members().into_iter().filter(|line| !is_idle(line)).collect()
    }

    fn mounts(&self) -> Vec<String> {
        let directories = [self.sandbox.path(), self.sandbox.temporary()];
        directories.into_iter().flat_map(mounts_and_loops).collect()
    }

    /// Tells whether a mount is one that an idle plugin has: its directories and that of its socket, and nothing below.
    fn is_place_of_plugin(&self, mount: &str) -> bool {
        let Some(place) = mount.split(' ').nth(4).map(Path::new) else { return false };
        let below = |directory: PathBuf| {
            let parts = place.strip_prefix(directory).ok()?.iter().map(OsStr::to_str);
            parts.collect::<Option<Vec<_>>>()
        };
        let is_socket =
            |parts: Vec<&str>| matches!(parts[..], [_, host, _] if host.starts_with("fp-"));
        let is_workspace =
            |parts: Vec<&str>| matches!(parts[..], [_, "debian", "work" | "inputs" | "tmp"]);
        below(self.sandbox.store().join("work")).is_some_and(is_workspace)
            || below(self.sandbox.temporary().to_owned()).is_some_and(is_socket)
    }

    fn files(&self) -> Vec<String> {
        let store = self.sandbox.store();
        let places = ["work", "images", "kept"].map(|name| store.join(name));
        let files = places.iter().flat_map(|place| files_in(place));
        files.map(|file| file.display().to_string()).collect()
    }
}

/// Waits until a build has printed a line.
async fn come_to(client: &mut Client, image: &Image, point: &Point) {
    let mut events = client.follow(&image.id, 0).await;
    let mut reader = Reader::default();
    while let Some(event) = events.message().await.unwrap() {
        if matches!(&event.kind, Some(Kind::Log(log)) if reader.read(&log.message) == *point) {
            return;
        }
    }
    let rest = drain(client.follow(&image.id, 0).await).await;
    panic!("the build ended without {point:?}: {:#?}", rest.last());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_build_that_is_interrupted_anywhere_leaves_nothing_and_the_next_one_works() {
    let count = std::env::var("INTERRUPT_POINTS").map_or(POINTS, |text| text.parse().unwrap());
    let points = tokio::task::spawn_blocking(move || spread(&debian::lines_of_a_build(), count));
    let points = points.await.unwrap();
    assert_eq!(points.len(), count, "{points:#?}");
    let sandbox = Sandbox::new();
    let mut daemon = sandbox.daemon_with(&FLAGS);
    let mut interrupted = Interrupted { sandbox, groups: BTreeSet::new() };
    for (number, point) in points.iter().enumerate() {
        let by = INTERRUPTIONS[number % INTERRUPTIONS.len()];
        let start = Instant::now();
        daemon = interrupted.at(daemon, point, by).await;
        let (line, took) = (point.line.trim(), start.elapsed());
        println!(
            "{:>2} {:<12} {:5.1} s  {line}",
            number + 1,
            format!("{by:?}"),
            took.as_secs_f64()
        );
    }
    let mut client = daemon.connect().await;
    let image = client.create_base(&debian::without_password(), &json!({})).await.unwrap();
    assert_complete(&client.ended(&image.id).await);
    let ended = daemon.stop().succeeded();
    assert_eq!(interrupted.sandbox.left_behind(&ended), Vec::<String>::new());
    let groups = interrupted.groups.iter().filter(|group| group.exists());
    assert_eq!(groups.collect::<Vec<_>>(), Vec::<&PathBuf>::new());
}

#[test]
fn points_are_spread_over_the_time_of_a_build() {
    let texts = ["start", "Get:1 of 9", "Get:2 of 9", "Setting up x", "I: wrote 1 of 2", "end"];
    let seconds = [0.0, 1.0, 1.1, 9.0, 9.5, 10.0];
    let line = |(text, seconds): (&str, f64)| Line { seconds, text: text.to_owned() };
    let lines: Vec<Line> = texts.into_iter().zip(seconds).map(line).collect();
    let point = |line: &str, before| Point { line: line.to_owned(), before };
    assert_eq!(spread(&lines, 2), [point("Get: of ", 1), point("Setting up x", 0)]);
    assert_eq!(spread(&lines, 6).len(), 6);
}
