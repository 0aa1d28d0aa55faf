//! A factory in a simulation: the real `factory`, `jobs`, `pipeline` and `store` on a machine that is made up, with plugins and a
//! cloud that are made up, where everything goes wrong that can.
//!
//! One seed is one run. In a run users ask for images, delete and cancel; readers follow; the power goes at any place where
//! something waits or is written; the disk is full for a while; the clock jumps; plugins fail, crash and hang. Everything happens
//! on one thread, with a clock that only moves when all wait, and all chance comes from the seed: the same seed is the same run.
//! When the story is over the faults end, and what must be true then is checked (`promises.rs`).
//!
//! ```text
//! SIM_SEED=7      cargo test -p factoryd --test simulation     replays one run and prints what happens
//! SIM_SEEDS=100000 cargo test -p factoryd --test simulation     makes so many runs, from seed SIM_BASE (`make simulate`: new ones)
//! ```
//!
//! Mistakes that were put into the product by hand, and the first seed from 0 (or from 1000) by which each is found:
//!
//! | mistake | seed |
//! |---|---|
//! | the last event is dropped when a store is taken over | 0 |
//! | a reader's cursor skips one | 0 |
//! | the ledger does not write intents down | 1 |
//! | images of dead factories are not taken up | 7 |
//! | work directories of dead factories stay | 10 |
//! | a body is copied to its name instead of renamed | 56 |
//! | a plugin is told that it was heard before that is written | 106 |
//!
//! What plugins do wrong on purpose (`Vice`) is a test. Not simulated: a power cut that loses what was not synchronised, and two
//! processes at work on one store at the same time.
#![expect(clippy::unwrap_used, reason = "tests")]

mod body;
mod chance;
mod cloud;
mod disk;
mod life;
mod machine;
mod play;
mod plugins;
mod promises;
mod readers;
mod story;
mod trace;

use life::Outcome;
use plugins::Vice;
use std::fs::{DirBuilder, File};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// How many runs there are if nobody says.
const SEEDS: u64 = 2000;
/// How many broken runs are told of.
const BROKEN_MAX: usize = 5;

/// A place for the disks of many runs, one after the other.
struct Hall {
    directory: TempDir,
    background: tokio::runtime::Runtime,
}

impl Hall {
    fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let place = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let directory = tempfile::Builder::new().prefix("factory-sim-").tempdir_in(place).unwrap();
        let background = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let hall = Self { directory, background };
        hall.background.block_on(async {
            let root = hall.directory.path().join("new");
            let store =
                factoryd::store::Store::open(factoryd::store::Options { root }).await.unwrap();
            store.close().await;
        });
        let secrets = hall.directory.path().join("secrets");
        DirBuilder::new().mode(0o700).create(&secrets).unwrap();
        let key =
            File::options().write(true).create_new(true).mode(0o600).open(secrets.join("key"));
        key.unwrap().write_all(b"key").unwrap();
        // A copy is in one piece, and its reserve takes no room.
        disk::copy(&hall.directory.path().join("new"), &hall.empty()).unwrap();
        hall
    }

    fn empty(&self) -> PathBuf {
        self.directory.path().join("empty")
    }

    fn run(&self, seed: u64, vice: Vice) -> Outcome {
        let disks = self.directory.path().join(format!("{seed}"));
        std::fs::create_dir(&disks).unwrap();
        let outcome =
            life::run(seed, vice, &disks, &self.empty(), self.background.handle().clone());
        std::fs::remove_dir_all(&disks).unwrap();
        outcome
    }
}

/// Makes runs on all processors; answers what was broken, and how many lives were lived.
fn make_runs(seeds: &[u64], vice: Vice) -> (Vec<Outcome>, u64) {
    let next = AtomicU64::new(0);
    let lives = AtomicU64::new(0);
    let broken = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let hall = Hall::new();
                loop {
                    let index = usize::try_from(next.fetch_add(1, Ordering::Relaxed)).unwrap();
                    let Some(seed) = seeds.get(index) else { return };
                    let outcome = hall.run(*seed, vice);
                    lives.fetch_add(u64::from(outcome.lives), Ordering::Relaxed);
                    if !outcome.wrong.is_empty() {
                        let mut broken = broken.lock().unwrap();
                        broken.push(outcome);
                        if broken.len() >= BROKEN_MAX {
                            return;
                        }
                    }
                }
            });
        }
    });
    (broken.into_inner().unwrap(), lives.into_inner())
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// Answers the seeds: the same every time, so that a change is judged by itself and not by chance, unless SIM_BASE says where
/// to begin.
fn seeds() -> Vec<u64> {
    let count = number("SIM_SEEDS").unwrap_or(SEEDS);
    let base = number("SIM_BASE").unwrap_or(0);
    println!("{count} runs from SIM_BASE={base}");
    (base..base + count).collect()
}

fn describe(outcome: &Outcome) -> String {
    let seed = outcome.seed;
    format!(
        "SIM_SEED={seed} cargo test -p factoryd --test simulation\n    {}\n",
        outcome.wrong.join("\n    ")
    )
}

#[test]
fn every_run_keeps_every_promise() {
    if let Some(seed) = number("SIM_SEED") {
        let outcome = Hall::new().run(seed, Vice::None);
        println!("{}", outcome.trace.join("\n"));
        assert!(outcome.wrong.is_empty(), "{}", describe(&outcome));
        return;
    }
    let seeds = seeds();
    let (broken, lives) = make_runs(&seeds, Vice::None);
    println!("{} runs, {lives} lives", seeds.len());
    let told: Vec<String> = broken.iter().map(describe).collect();
    assert!(broken.is_empty(), "promises are broken:\n{}", told.concat());
}

#[test]
fn the_same_seed_is_the_same_run() {
    let hall = Hall::new();
    for seed in 0..30 {
        let (one, other) = (hall.run(seed, Vice::None), hall.run(seed, Vice::None));
        let differs = (0..one.trace.len()).find(|at| one.trace.get(*at) != other.trace.get(*at));
        if let Some(at) = differs {
            let from = at.saturating_sub(10);
            panic!("seed {seed}:\n{:#?}\n{:?}", &one.trace[from..=at], other.trace.get(at));
        }
        assert_eq!(one.hash, other.hash, "seed {seed}");
    }
}

/// Answers how many runs it takes until a plugin with a vice is found out.
fn found_out(vice: Vice, words: &str) -> u64 {
    let hall = Hall::new();
    let found = |seed: &u64| hall.run(*seed, vice).wrong.iter().any(|wrong| wrong.contains(words));
    (0..100).find(found).unwrap_or_else(|| panic!("{vice:?} is not found in 100 runs"))
}

#[test]
fn wrong_plugins_are_found_out() {
    for (vice, words) in [
        (Vice::CreatesUnannounced, "in no ledger"),
        (Vice::PublishesTwice, "was published 2 times"),
        (Vice::AnnouncesTooEarly, "is not whole"),
        (Vice::DeletesNothing, "in no ledger"),
    ] {
        println!("{vice:?} is found by seed {}", found_out(vice, words));
    }
}

#[test]
fn a_hall_is_left_empty() {
    let hall = Arc::new(Hall::new());
    hall.run(1, Vice::None);
    let left: Vec<_> = std::fs::read_dir(hall.directory.path()).unwrap().flatten().collect();
    assert_eq!(left.len(), 3, "{left:?}");
}
