//! A run: a machine's lives from power on to power off, until the story is over and everything has come to rest.

use crate::cloud::Cloud;
use crate::disk;
use crate::machine::Machine;
use crate::plugins::{Plugins, Vice};
use crate::promises::{Promises, Record};
use crate::readers::Reader;
use crate::story::{Story, deletion};
use factoryd::domain::{Secret, Status};
use factoryd::factory::{Factory, Options, Parts, ReapRequest, Service};
use factoryd::reap::Scope;
use factoryd::secrets::Secrets;
use factoryd::store::{self, EventQuery, Faults, ImageFilter, LedgerFilter, Page, Store};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// So many lives at most: a factory that can't start ends somewhere.
const LIVES_MAX: u32 = 30;
/// How long things may take to come to rest, at 0.3 seconds a look.
const LOOKS_MAX: u32 = 1000;
const LOOK: Duration = Duration::from_millis(300);

/// What came of a run.
pub(crate) struct Outcome {
    pub(crate) seed: u64,
    /// Promises that were broken.
    pub(crate) wrong: Vec<String>,
    /// What happened, as a hash and line by line.
    pub(crate) hash: u64,
    pub(crate) trace: Vec<String>,
    pub(crate) lives: u32,
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
    machine: Arc<Machine>,
    cloud: Arc<Cloud>,
    story: Arc<Story>,
    readers: Vec<Arc<Reader>>,
    options: Options,
    vice: Vice,
    secrets: Secrets,
    /// Whether the machine is started again before everything must be at rest.
    restarts: bool,
}

/// Makes a run from a seed, with its disks in an empty directory.
pub(crate) fn run(
    seed: u64,
    vice: Vice,
    disks: &Path,
    empty: &Path,
    background: Handle,
) -> Outcome {
    let machine = Machine::new(seed, disks, background);
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
    let cloud = Arc::default();
    let mut run = Run { machine, cloud, story, readers, options, vice, secrets, restarts };
    while run.live() == End::Crash {
        if run.machine.lives() > LIVES_MAX {
            run.machine.wrong("the machine does not come to rest");
            break;
        }
    }
    let (wrong, hash, trace) = run.machine.report();
    Outcome { seed, wrong, hash, trace, lives: run.machine.lives() }
}

impl Run {
    /// Lives once.
    fn live(&mut self) -> End {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let machine = self.machine.clone();
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
        let options = store::Options { root: self.machine.root() };
        let faults: Arc<dyn Faults> = self.machine.clone();
        let store = match self.machine.drive(Store::open_with(options, faults)) {
            Ok(store) => store,
            Err(error) => return self.give_up(&error).await,
        };
        let plugins =
            Plugins { machine: self.machine.clone(), cloud: self.cloud.clone(), vice: self.vice };
        let mut parts = Parts::new(store.clone(), Arc::new(plugins));
        parts.secrets = self.secrets.clone();
        let (factory, service) = Factory::new(parts, self.options.clone());
        if let Err(error) = service.recover().await {
            return self.give_up(&error).await;
        }
        self.serve(&factory, service, &store).await;
        End::Rest
    }

    /// A factory that can't start is started again by somebody.
    async fn give_up(&self, error: &store::Error) -> End {
        self.machine.note(format!("the factory can't start: {error}"));
        tokio::time::sleep(Duration::from_secs(1)).await;
        if !self.machine.is_dead() {
            self.machine.pull_the_plug();
        }
        End::Crash
    }

    async fn serve(&mut self, factory: &Factory, service: Service, store: &Store) {
        let token = CancellationToken::new();
        let mut background = JoinSet::new();
        for reader in &self.readers {
            background.spawn(reader.clone().follow(factory.clone(), Vec::new()));
        }
        let mut services = JoinSet::new();
        services.spawn(service.run(token.clone()));
        let mut reaping = JoinSet::new();
        reaping.spawn(factory.reaper(Scope::Everybody).run(token.clone()));
        self.story.clone().tell(factory.clone()).await;
        self.rest(factory, store).await;
        background.shutdown().await;
        token.cancel();
        if let Some(Ok(Err(late))) = services.join_next().await {
            self.machine.wrong(late.to_string());
        }
        reaping.join_next().await.unwrap().unwrap();
    }

    /// Ends the faults, waits until all is at rest, checks, deletes everything and checks again.
    async fn rest(&mut self, factory: &Factory, store: &Store) {
        self.machine.calm();
        if std::mem::take(&mut self.restarts) {
            self.machine.pull_the_plug();
            std::future::pending::<()>().await;
        }
        self.settle(store).await;
        self.settle_ledger(factory, store).await;
        self.catch_up(store).await;
        let record = Record::read(store).await;
        self.promises(&record).check(&self.readers, &self.story.granted());
        self.delete_all(factory, store).await;
        self.settle_ledger(factory, store).await;
        self.catch_up(store).await;
        let record = Record::read(store).await;
        self.promises(&record).nothing_is_left();
        self.promises(&record).check(&self.readers, &self.story.granted());
    }

    fn promises<'a>(&'a self, record: &'a Record) -> Promises<'a> {
        Promises { machine: &self.machine, record, cloud: &self.cloud }
    }

    async fn settle(&self, store: &Store) {
        for _ in 0..LOOKS_MAX {
            let images = store.images(&ImageFilter::default(), &Page::default()).await.unwrap();
            if images.items.iter().all(|image| image.status.is_settled()) {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Gives credentials for what waits for some, and waits until nothing is left over.
    async fn settle_ledger(&self, factory: &Factory, store: &Store) {
        let credentials = Secret::new("secret:key");
        let request = ReapRequest { numbers: Vec::new(), image: None, credentials };
        factory.reap(request).await.unwrap();
        let mut left = Vec::new();
        for _ in 0..LOOKS_MAX {
            left = store.ledger(&LedgerFilter::default()).await.unwrap();
            if left.is_empty() {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
        self.machine.wrong(format!("the ledger is not settled: {left:?}"));
    }

    /// Waits until all readers have seen all that is for them.
    async fn catch_up(&self, store: &Store) {
        let query = |logs| EventQuery { limit: usize::MAX, logs, ..EventQuery::default() };
        for reader in &self.readers {
            let all = store.events(&query(reader.logs)).await.unwrap();
            let last = all.last().map_or(0, |event| event.cursor);
            let mut looks = 0..LOOKS_MAX;
            while reader.cursor() < last && looks.next().is_some() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            if reader.cursor() < last {
                let (seen, number) = (reader.cursor(), reader.number);
                self.machine.wrong(format!("reader {number} does not get beyond {seen} of {last}"));
            }
        }
    }

    async fn delete_all(&self, factory: &Factory, store: &Store) {
        let images = store.images(&ImageFilter::default(), &Page::default()).await.unwrap().items;
        let deleted = |id| images.iter().all(|image| image.id != id);
        let roots = images.iter().filter(|image| image.parent.clone().is_none_or(deleted));
        for image in roots {
            if let Err(error) = factory.delete(deletion(image.id.clone(), true)).await {
                let status: Status = image.status;
                self.machine
                    .wrong(format!("image {}, {status}, can't be deleted: {error}", image.id));
            }
        }
        self.settle(store).await;
    }
}
