//! A process on the machine: a factory with its plugins, which may stop for a while, die beside another, or be taken for dead
//! and go on.

use crate::machine::Machine;
use async_trait::async_trait;
use factoryd::store::Faults;
use futures_util::future::BoxFuture;
use std::fs::{self, File};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A process.
pub(crate) struct Process {
    machine: Arc<Machine>,
    name: &'static str,
    /// Whether it may die while the machine goes on.
    mortal: bool,
    state: Mutex<State>,
    gone: CancellationToken,
}

#[derive(Default)]
struct State {
    /// Whose locks it holds: the first id that it asks for.
    owner: Option<Uuid>,
    /// Others may have its images; its plugins have ended.
    taken_for_dead: bool,
    stopped_until: Duration,
}

impl Process {
    /// Makes the process that is there for as long as the machine has power.
    pub(crate) fn first(machine: &Arc<Machine>) -> Arc<Self> {
        Self::new(machine, "the first factory", false)
    }

    /// Makes one beside it.
    pub(crate) fn second(machine: &Arc<Machine>) -> Arc<Self> {
        Self::new(machine, "the second factory", true)
    }

    fn new(machine: &Arc<Machine>, name: &'static str, mortal: bool) -> Arc<Self> {
        let (machine, state, gone) = (machine.clone(), Mutex::default(), CancellationToken::new());
        Arc::new(Self { machine, name, mortal, state, gone })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Waits for its death.
    pub(crate) async fn gone(&self) {
        self.gone.cancelled().await;
    }

    /// Tells whether its plugins have ended, though it may not know.
    pub(crate) fn has_lost_its_plugins(&self) -> bool {
        self.state().taken_for_dead || self.gone.is_cancelled()
    }

    /// A place in it or in one of its plugins where time passes and something may happen to it, or to all of the machine.
    pub(crate) async fn pause(&self, place: &str) {
        self.stand(place).await;
        self.machine.pause(place).await;
        self.stand(place).await;
    }

    /// Returns if it lives after this place.
    async fn stand(&self, place: &str) {
        self.meet_mishaps(place);
        if self.gone.is_cancelled() {
            std::future::pending::<()>().await;
        }
        let stopped = self.state().stopped_until.saturating_sub(self.machine.uptime());
        if !stopped.is_zero() && !self.machine.is_calm() {
            tokio::time::sleep(stopped).await;
        }
    }

    fn meet_mishaps(&self, place: &str) {
        let plan = self.machine.plan();
        if !plan.second || self.gone.is_cancelled() {
            return;
        }
        let one_in = plan.mishap_one_in;
        let (happens, which) =
            self.machine.chance(|chance| (chance.one_in(one_in), chance.below(4)));
        match which {
            _ if !happens => {}
            0 | 1 if self.mortal => self.die(place),
            2 if self.mortal => self.be_taken_for_dead(),
            _ => self.stop(),
        }
    }

    fn stop(&self) {
        let long = Duration::from_millis(self.machine.chance(|chance| chance.between(1, 5000)));
        self.machine.note(format!("{} stops for {} ms", self.name, long.as_millis()));
        self.machine.count("stops of a factory");
        self.state().stopped_until = self.machine.uptime() + long;
    }

    /// Ends it as `kill -9` does: whatever it does from now on waits for ever, and its lock is nobody's.
    pub(crate) fn die(&self, place: &str) {
        self.machine.note(format!("{} dies at {place}", self.name));
        self.machine.count("deaths beside another");
        self.gone.cancel();
        self.lose_its_lock();
    }

    fn be_taken_for_dead(&self) {
        self.machine.note(format!("{} is taken for dead", self.name));
        self.machine.count("taken for dead");
        self.state().taken_for_dead = true;
        self.lose_its_lock();
    }

    /// Puts a file in place of its lock that nobody has locked.
    fn lose_its_lock(&self) {
        let Some(owner) = self.state().owner else { return };
        let path = self.machine.root().join("owners").join(format!("{owner}.lock"));
        if fs::remove_file(&path).is_ok() {
            File::create(&path).unwrap();
        }
    }
}

#[async_trait]
impl Faults for Process {
    async fn call(&self, name: &'static str, work: BoxFuture<'_, ()>) {
        if self.machine.is_driving() {
            return work.await;
        }
        self.stand(name).await;
        self.machine.call(name, work).await;
        self.stand(name).await;
    }

    fn write(&self, what: &'static str) -> io::Result<()> {
        self.meet_mishaps(what);
        if self.gone.is_cancelled() {
            return Err(io::Error::other("it was killed"));
        }
        self.machine.write(what)
    }

    fn now(&self) -> SystemTime {
        self.machine.now()
    }

    fn id(&self) -> Uuid {
        let id = self.machine.id();
        self.state().owner.get_or_insert(id);
        id
    }
}
