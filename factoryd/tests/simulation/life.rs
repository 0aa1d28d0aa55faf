//! A run: a machine's lives from power on to power off, until the story is over and everything has come to rest.

use crate::disk;
use crate::machine::Machine;
use crate::plugins::Vice;
use crate::process::Process;
use crate::promises::{Promises, Record};
use crate::readers::Reader;
use crate::rest;
use crate::second;
use crate::site::Site;
use crate::story::Story;
use factoryd::factory::{Factory, Options, Service};
use factoryd::reap::Scope;
use factoryd::secrets::Secrets;
use factoryd::store::{self, Store};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// So many lives at most: a factory that can't start ends somewhere.
const LIVES_MAX: u32 = 30;
/// What came of a run.
pub(crate) struct Outcome {
    pub(crate) seed: u64,
    /// Promises that were broken.
    pub(crate) wrong: Vec<String>,
    /// What happened, as a hash and line by line.
    pub(crate) hash: u64,
    pub(crate) trace: Vec<String>,
    pub(crate) lives: u32,
    /// What went wrong as planned, and how often.
    pub(crate) happened: BTreeMap<&'static str, u64>,
}

/// How a life ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The power went, or the factory could not go on.
    Crash,
    /// The story is over, and everything is at rest.
    Rest,
}

struct Run {
    site: Site,
    readers: Vec<Arc<Reader>>,
    /// Whether the machine is started again before everything must be at rest.
    restarts: bool,
}

/// Makes a run from a seed, with its disks in an empty directory.
pub(crate) fn run(seed: u64, vice: Vice, disks: &Path, empty: &Path) -> Outcome {
    let machine = Machine::new(seed, disks);
    disk::copy(empty, &machine.root()).unwrap();
    let story = Story::new(machine.clone());
    let readers = Reader::several(&machine);
    let (concurrent, restarts) = machine.chance(|chance| (chance.between(1, 3), chance.one_in(2)));
    let (retries, takes_up) = machine.chance(|chance| (chance.below(3), !chance.one_in(4)));
    let options = Options {
        concurrent_builds_max: usize::try_from(concurrent).unwrap(),
        cancel_grace: Duration::from_secs(2),
        retries: u32::try_from(retries).unwrap(),
        takes_up,
        ..Options::default()
    };
    let secrets = Secrets::new(empty.parent().map(|hall| hall.join("secrets")));
    let site = Site::new(&machine, story, options, vice, secrets);
    let mut run = Run { site, readers, restarts };
    while run.live() == End::Crash {
        if machine.lives() > LIVES_MAX {
            machine.wrong("the machine does not come to rest");
            break;
        }
    }
    machine.report(seed)
}

impl Run {
    /// Lives once.
    fn live(&mut self) -> End {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let machine = self.site.machine.clone();
        let end = runtime.block_on(async {
            machine.start();
            tokio::select! {
                biased;
                () = machine.died() => End::Crash,
                end = self.work() => end,
            }
        });
        runtime.block_on(async { machine.end_life() });
        drop(runtime);
        if end == End::Rest {
            Promises::process_is_gone(&machine);
        }
        for life in 0..machine.lives() - 1 {
            _ = fs::remove_dir_all(machine.root().with_file_name(format!("disk-{life}")));
        }
        end
    }

    /// Runs a factory as the daemon does.
    async fn work(&mut self) -> End {
        let process = Process::first(&self.site.machine);
        let (factory, service, store) = match self.site.open(&process) {
            Ok(opened) => opened,
            Err(error) => return self.give_up(&error).await,
        };
        self.what_is_there_is_whole(&store).await;
        if let Err(error) = service.recover().await {
            return self.give_up(&error).await;
        }
        self.serve(&factory, service, &store).await;
        End::Rest
    }

    /// Whatever happened: what is served now is whole.
    async fn what_is_there_is_whole(&self, store: &Store) {
        let record = self.site.machine.drive(Record::read(store));
        self.site.promises(&record).bodies_are_whole();
    }

    /// A factory that can't start is started again by somebody.
    async fn give_up(&self, error: &store::Error) -> End {
        let machine = &self.site.machine;
        machine.note(format!("the factory can't start: {error}"));
        tokio::time::sleep(Duration::from_secs(1)).await;
        if !machine.is_dead() {
            machine.pull_the_plug();
        }
        End::Crash
    }

    async fn serve(&mut self, factory: &Factory, service: Service, store: &Store) {
        let token = CancellationToken::new();
        let mut background = JoinSet::new();
        for reader in &self.readers {
            background.spawn(reader.clone().follow(factory.clone(), Vec::new()));
        }
        background.spawn(second::beside(self.site.clone()));
        let mut services = JoinSet::new();
        services.spawn(service.run(token.clone()));
        let mut reaping = JoinSet::new();
        reaping.spawn(factory.reaper(Scope::Everybody).run(token.clone()));
        self.site.story.clone().tell(factory.clone()).await;
        self.site.machine.calm();
        let seconds = self.site.bury_seconds();
        if seconds && self.site.options.takes_up {
            rest::nothing_is_stuck(&self.site, store).await;
        }
        if std::mem::take(&mut self.restarts) || seconds {
            self.site.machine.pull_the_plug();
            std::future::pending::<()>().await;
        }
        rest::rest(&self.site, &self.readers, factory, store).await;
        background.shutdown().await;
        token.cancel();
        if let Some(Ok(Err(late))) = services.join_next().await {
            self.site.machine.wrong(late.to_string());
        }
        reaping.join_next().await.unwrap().unwrap();
    }
}
