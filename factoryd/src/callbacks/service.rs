//! What delivers callbacks for as long as the factory lives.

use super::Secrets;
use super::delivery::Courier;
use super::register::Register;
use crate::domain::Image;
use crate::outbound::{Client, Limits, Policy};
use crate::report;
use crate::store::{self, Callback, Store};
use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime};
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// Makes the body of a delivery of an image as it was then.
pub type Render = fn(&Image) -> Vec<u8>;

/// So many deliveries at once.
const AT_ONCE_MAX: usize = 64;
/// So many of them to one receiver.
const OF_ONE_ORIGIN_MAX: u32 = 4;
/// How often to look for what other processes left, or did.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How long to let news gather: a build has many, and few are for callbacks.
const GATHER: Duration = Duration::from_millis(50);
/// How long deliveries may go on at the end.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// How a task ended.
type Ended = Result<(Id, Result<(), store::Error>), JoinError>;

/// Delivers callbacks.
pub struct Service {
    courier: Courier,
    busy: JoinSet<Result<(), store::Error>>,
    /// What each task delivers: the callback and its origin.
    delivering: HashMap<Id, (String, String)>,
    /// When callbacks of dead processes were last looked for.
    claimed: Option<Instant>,
}

impl Service {
    /// Makes a service that delivers what is recorded in the store, and the register through which it gets there.
    pub fn new(store: Store, policy: Policy, secrets: Secrets, render: Render) -> (Self, Register) {
        let limits = Limits {
            idle: Duration::from_secs(20),
            whole: Duration::from_secs(30),
            ..Limits::default()
        };
        let register = Register::new(policy.clone(), &secrets);
        let courier = Courier {
            store,
            client: Client::new(policy, limits),
            register: register.clone(),
            secret: secrets.signing,
            render,
        };
        (
            Self { courier, busy: JoinSet::new(), delivering: HashMap::new(), claimed: None },
            register,
        )
    }

    /// Runs until the token fires; then lets deliveries end that can end soon. The others are for the next process.
    pub async fn run(mut self, token: CancellationToken) {
        let mut news = self.courier.store.cursor();
        while !token.is_cancelled() {
            news.mark_unchanged();
            let pause = self.look().await;
            tokio::select! {
                () = token.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
                ended = self.busy.join_next_with_id(), if !self.busy.is_empty() => self.ended(ended),
                () = news.changed() => tokio::time::sleep(GATHER).await,
            }
        }
        self.drain().await;
    }

    async fn drain(mut self) {
        let end = Instant::now() + LAST_WORDS;
        loop {
            self.look().await;
            let left = end.saturating_duration_since(Instant::now());
            if self.busy.is_empty() || left.is_zero() {
                return;
            }
            if let Ok(ended) = tokio::time::timeout(left, self.busy.join_next_with_id()).await {
                self.ended(ended);
            }
        }
    }

    /// Begins what is due. Answers how long nothing else will be.
    async fn look(&mut self) -> Duration {
        match self.begin_due().await {
            Ok(pause) => pause.clamp(GATHER, LOOK_AGAIN),
            Err(error) => {
                warn!("callbacks can't be read: {}", report::chain(&error));
                LOOK_AGAIN
            }
        }
    }

    async fn begin_due(&mut self) -> Result<Duration, store::Error> {
        let store = self.courier.store.clone();
        if self.claimed.is_none_or(|claimed| LOOK_AGAIN <= claimed.elapsed()) {
            store.claim_callbacks().await?;
            self.claimed = Some(Instant::now());
        }
        let now = SystemTime::now();
        // Twice as many as may be busy: those that are busy are still due.
        for callback in store.due_callbacks(now, 2 * OF_ONE_ORIGIN_MAX).await? {
            self.begin(callback);
        }
        let next = store.next_callback().await?;
        // What is due but has no place waits for one, not for a time.
        let future = next.and_then(|next| next.duration_since(now).ok());
        Ok(future.filter(|pause| !pause.is_zero()).unwrap_or(LOOK_AGAIN))
    }

    fn begin(&mut self, callback: Callback) {
        let mut busy = self.delivering.values();
        let of_origin = self.delivering.values().filter(|(_, origin)| *origin == callback.origin);
        let full =
            AT_ONCE_MAX <= self.busy.len() || OF_ONE_ORIGIN_MAX as usize <= of_origin.count();
        if full || busy.any(|(id, _)| *id == callback.id) {
            return;
        }
        let what = (callback.id.clone(), callback.origin.clone());
        let courier = self.courier.clone();
        let task = self.busy.spawn(async move { courier.deliver(callback).await });
        self.delivering.insert(task.id(), what);
    }

    fn ended(&mut self, ended: Option<Ended>) {
        let id = match ended {
            None => return,
            Some(Ok((id, Ok(())))) => id,
            Some(Ok((id, Err(error)))) => {
                warn!("how far a callback is can't be recorded: {}", report::chain(&error));
                id
            }
            Some(Err(error)) => {
                warn!(%error, "a delivery ended badly");
                error.id()
            }
        };
        self.delivering.remove(&id);
    }
}
