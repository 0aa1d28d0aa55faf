//! The machine that a factory runs on: its clock, its disk, its power, and all that goes wrong with them.

use crate::chance::Chance;
use crate::disk;
use crate::drive::drive;
use crate::life::Outcome;
use crate::plan::Plan;
use crate::trace::Trace;
use futures_util::future::BoxFuture;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::Notify;
use tokio::time::Instant;
use uuid::Uuid;

/// How many transactions a slice of the store's reserve has room for.
const TRANSACTIONS_PER_SLICE: u32 = 4;

/// A machine. It loses its power now and then; what is on its disk then is what the next life finds.
pub(crate) struct Machine {
    state: Mutex<State>,
    died: Notify,
    disks: PathBuf,
}

struct State {
    chance: Chance,
    trace: Trace,
    wrong: Vec<String>,
    happened: BTreeMap<&'static str, u64>,
    /// How many lives there were before.
    life: u32,
    dead: bool,
    began: Option<Instant>,
    lived: Duration,
    /// The time while a call is driven: what it asks for the time is another runtime.
    driving: Option<Duration>,
    skew: i64,
    ids: u64,
    faults: Plan,
    calm: bool,
    full_until: Duration,
    reserve: u64,
    room: u32,
}

impl Machine {
    pub(crate) fn new(seed: u64, disks: &Path) -> Arc<Self> {
        let mut chance = Chance::new(seed);
        let faults = Plan::new(&mut chance);
        let state = State {
            chance,
            trace: Trace::default(),
            wrong: Vec::new(),
            happened: BTreeMap::new(),
            life: 0,
            dead: false,
            began: None,
            lived: Duration::ZERO,
            driving: None,
            skew: 0,
            ids: 0,
            faults,
            calm: false,
            full_until: Duration::ZERO,
            reserve: 0,
            room: 0,
        };
        let disks = disks.to_owned();
        Arc::new(Self { state: Mutex::new(state), died: Notify::new(), disks })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Turns the power on. To be called inside the runtime of the new life.
    pub(crate) fn start(&self) {
        let mut state = self.state();
        state.dead = false;
        state.began = Some(Instant::now());
        state.note("power on");
    }

    /// Ends a life. The clock goes on a little until the next.
    pub(crate) fn end_life(&self) {
        let mut state = self.state();
        state.lived = state.uptime() + Duration::from_secs(1);
        state.began = None;
    }

    /// Ends all faults.
    pub(crate) fn calm(&self) {
        let mut state = self.state();
        state.faults = Plan { slow_max: 1, ..Plan::default() };
        state.full_until = Duration::ZERO;
        state.calm = true;
        state.note("faults end");
    }

    /// Tells whether the faults have ended.
    pub(crate) fn is_calm(&self) -> bool {
        self.state().calm
    }

    /// Answers the store's directory in this life.
    pub(crate) fn root(&self) -> PathBuf {
        self.disk(self.state().life)
    }

    fn disk(&self, life: u32) -> PathBuf {
        self.disks.join(format!("disk-{life}"))
    }

    pub(crate) fn note(&self, text: impl AsRef<str>) {
        self.state().note(text.as_ref());
    }

    /// Notes that a promise was broken.
    pub(crate) fn wrong(&self, what: impl Into<String>) {
        let what = what.into();
        let mut state = self.state();
        state.note(&format!("WRONG: {what}"));
        state.wrong.push(what);
    }

    /// Counts something that went wrong as planned.
    pub(crate) fn count(&self, what: &'static str) {
        self.state().count(what);
    }

    /// Tells whether something is driven: whatever is called by that is called at once.
    pub(crate) fn is_driving(&self) -> bool {
        self.state().driving.is_some()
    }

    pub(crate) fn uptime(&self) -> Duration {
        self.state().uptime()
    }

    pub(crate) fn chance<T>(&self, draw: impl FnOnce(&mut Chance) -> T) -> T {
        draw(&mut self.state().chance)
    }

    pub(crate) fn plan(&self) -> Plan {
        self.state().faults.clone()
    }

    pub(crate) fn lives(&self) -> u32 {
        self.state().life + 1
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.state().dead
    }

    /// Waits for the power to go.
    pub(crate) async fn died(&self) {
        self.died.notified().await;
    }

    /// Turns the power off as planned, with everything on disk as it is.
    pub(crate) fn pull_the_plug(&self) {
        self.crash(&mut self.state(), "the plug is pulled");
    }

    /// Answers what came of the run.
    pub(crate) fn report(&self, seed: u64) -> Outcome {
        let state = self.state();
        Outcome {
            seed,
            wrong: state.wrong.clone(),
            hash: state.trace.hash(),
            trace: state.trace.lines().to_vec(),
            lives: state.life + 1,
            happened: state.happened.clone(),
        }
    }

    /// A place in a program where time passes and the power may go. Does not return when it is gone.
    pub(crate) async fn pause(&self, place: &str) {
        self.alive(place).await;
        let wait = {
            let mut state = self.state();
            let max = state.faults.slow_max;
            match state.chance.below(4) {
                0 | 1 => 0,
                2 => 1,
                _ => state.chance.below(max + 1),
            }
        };
        match wait {
            0 => tokio::task::yield_now().await,
            wait => tokio::time::sleep(Duration::from_millis(wait)).await,
        }
        self.alive(place).await;
    }

    /// Returns if the power is still on after this place.
    async fn alive(&self, place: &str) {
        let dead = {
            let mut state = self.state();
            self.may_crash(&mut state, place) || state.dead
        };
        if dead {
            std::future::pending::<()>().await;
        }
    }

    fn may_crash(&self, state: &mut State, place: &str) -> bool {
        let one_in = state.faults.crash_one_in;
        if state.dead || state.faults.crashes_max == 0 || !state.chance.one_in(one_in) {
            return false;
        }
        state.faults.crashes_max -= 1;
        self.crash(state, place);
        true
    }

    fn crash(&self, state: &mut State, place: &str) {
        state.note(&format!("CRASH at {place}"));
        state.count("crashes");
        let (from, to) = (self.disk(state.life), self.disk(state.life + 1));
        disk::copy(&from, &to).unwrap();
        state.life += 1;
        state.dead = true;
        self.died.notify_one();
    }

    /// Drives what waits for other threads to its end, without letting anything else run on this one.
    pub(crate) fn drive<T>(&self, work: impl Future<Output = T>) -> T {
        let now = self.state().uptime();
        self.state().driving = Some(now);
        let done = drive(work);
        self.state().driving = None;
        done
    }

    /// Tells whether the disk is full for a write.
    fn is_full(&self, state: &mut State, what: &str) -> bool {
        let now = state.uptime();
        let one_in = state.faults.full_one_in;
        if state.full_until <= now && state.chance.one_in(one_in) {
            state.full_until = now + Duration::from_millis(state.chance.between(1, 5000));
            let until = state.full_until.as_secs_f64();
            state.note(&format!("the disk is full until {until:.3}"));
        }
        if state.full_until <= now || what == "remove" || what == "synchronise" {
            return false;
        }
        self.has_no_room(state)
    }

    /// What is given up of the store's reserve has room for some transactions.
    fn has_no_room(&self, state: &mut State) -> bool {
        let reserve = self.disk(state.life).join("reserve");
        let len = reserve.metadata().map_or(0, |metadata| metadata.len());
        if len < state.reserve && !state.faults.greedy {
            state.room += TRANSACTIONS_PER_SLICE;
        }
        state.reserve = len;
        let none = state.room == 0;
        state.room = state.room.saturating_sub(1);
        none
    }

    /// Answers whether a plugin finds no room for what it writes.
    pub(crate) fn full_for_plugins(&self) -> bool {
        let state = self.state();
        state.uptime() < state.full_until
    }
}

impl State {
    fn uptime(&self) -> Duration {
        let lived = || self.lived + self.began.map_or(Duration::ZERO, |began| began.elapsed());
        self.driving.unwrap_or_else(lived)
    }

    fn count(&mut self, what: &'static str) {
        *self.happened.entry(what).or_default() += 1;
    }

    fn note(&mut self, text: &str) {
        let at = self.uptime();
        self.trace.note(at, self.chance.drawn(), text);
    }
}

/// What a process asks of its machine.
impl Machine {
    pub(crate) async fn call(&self, name: &'static str, work: BoxFuture<'_, ()>) {
        self.pause(name).await;
        self.note(name);
        self.drive(work);
        self.alive(name).await;
        if self.chance(|chance| chance.one_in(4)) {
            self.pause(name).await;
        }
    }

    pub(crate) fn write(&self, what: &'static str) -> io::Result<()> {
        let mut state = self.state();
        if state.dead || self.may_crash(&mut state, what) {
            return Err(io::Error::other("there is no power"));
        }
        if self.is_full(&mut state, what) {
            state.note(&format!("no room to {what}"));
            state.count("writes without room");
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    pub(crate) fn now(&self) -> SystemTime {
        let mut state = self.state();
        let one_in = state.faults.jump_one_in;
        if state.chance.one_in(one_in) {
            state.skew = i64::try_from(state.chance.below(7_200_000)).unwrap() - 3_600_000;
            let skew = state.skew;
            state.count("jumps of the clock");
            state.note(&format!("the clock jumps to {skew} ms off"));
        }
        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000) + state.uptime();
        let skew = Duration::from_millis(state.skew.unsigned_abs());
        if state.skew < 0 { now - skew } else { now + skew }
    }

    pub(crate) fn id(&self) -> Uuid {
        let mut state = self.state();
        state.ids += 1;
        Uuid::from_u128(u128::from(state.ids) << 64 | u128::from(state.ids) | 4 << 76 | 2 << 62)
    }
}
