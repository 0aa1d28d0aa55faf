//! Where runs are made: many at once, each with disks in memory.

use crate::disk;
use crate::life::{self, Outcome};
use crate::plugins::Vice;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::collections::BTreeMap;
use std::fs::{DirBuilder, File};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;

/// How many broken runs are told of.
const BROKEN_MAX: usize = 5;

/// A place for the disks of many runs, one after the other.
pub(crate) struct Hall {
    pub(crate) directory: TempDir,
}

impl Hall {
    pub(crate) fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let place = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let directory = tempfile::Builder::new().prefix("factory-sim-").tempdir_in(place).unwrap();
        let hall = Self { directory };
        let root = hall.directory.path().join("new");
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
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

    /// Makes a run.
    pub(crate) fn run(&self, seed: u64, vice: Vice) -> Outcome {
        let disks = self.directory.path().join(format!("{seed}"));
        std::fs::create_dir(&disks).unwrap();
        let outcome = life::run(seed, vice, &disks, &self.empty());
        std::fs::remove_dir_all(&disks).unwrap();
        outcome
    }
}

/// What came of many runs.
#[derive(Default)]
pub(crate) struct Sum {
    /// The runs in which promises were broken.
    pub(crate) broken: Vec<Outcome>,
    pub(crate) lives: u64,
    /// What went wrong as planned, and how often.
    pub(crate) happened: BTreeMap<&'static str, u64>,
}

impl Sum {
    /// Adds what came of a run; tells whether there is enough to tell of.
    fn add(&mut self, outcome: Outcome) -> bool {
        self.lives += u64::from(outcome.lives);
        for (what, times) in &outcome.happened {
            *self.happened.entry(what).or_default() += times;
        }
        if !outcome.wrong.is_empty() {
            self.broken.push(outcome);
        }
        self.broken.len() >= BROKEN_MAX
    }
}

/// Makes runs on all processors.
pub(crate) fn make_runs(seeds: &[u64], vice: Vice) -> Sum {
    let next = AtomicU64::new(0);
    let sum = Mutex::new(Sum::default());
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (next, sum) = (&next, &sum);
            scope.spawn(move || {
                stay_on_a_processor(thread);
                let hall = Hall::new();
                loop {
                    let index = usize::try_from(next.fetch_add(1, Ordering::Relaxed)).unwrap();
                    let Some(seed) = seeds.get(index) else { return };
                    let outcome = hall.run(*seed, vice);
                    if sum.lock().unwrap().add(outcome) {
                        return;
                    }
                }
            });
        }
    });
    sum.into_inner().unwrap()
}

/// Keeps this thread, and those of the databases that it opens, on one processor: only one of them ever has something to do, and
/// to wake another processor for each statement takes longer than the statement.
fn stay_on_a_processor(number: usize) {
    let Ok(all) = sched_getaffinity(None) else { return };
    let several = (0..CpuSet::MAX_CPU).filter(|processor| all.is_set(*processor));
    if let Some(processor) = several.cycle().nth(number) {
        let mut one = CpuSet::new();
        one.set(processor);
        // Without it all is slower, no more.
        _ = sched_setaffinity(None, &one);
    }
}
