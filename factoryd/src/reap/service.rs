//! What settles the left over for as long as the factory lives.

use super::Reaper;
use crate::domain::ImageId;
use crate::report;
use crate::store::{self, LedgerEntry, LedgerFilter, Left};
use std::collections::HashMap;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// So many operations are settled at once.
const AT_ONCE_MAX: usize = 8;
/// How often to look for what other processes left.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How long to let news gather.
const GATHER: Duration = Duration::from_millis(50);
/// How long what was left over just now may take at the end.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// How long a plugin may take at the end to stop.
const STOP: Duration = Duration::from_secs(6);

/// Whose leftovers a process settles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// A daemon's: its own, and those of dead processes.
    Everybody,
    /// A command line's: of images that it worked on itself or was told to.
    Own,
}

/// Settles what is left over.
pub struct Service {
    reaper: Reaper,
    scope: Scope,
    busy: JoinSet<()>,
    stop: CancellationToken,
}

impl Service {
    pub(super) fn new(reaper: Reaper, scope: Scope) -> Self {
        Self { reaper, scope, busy: JoinSet::new(), stop: CancellationToken::new() }
    }

    /// Runs until the token fires; then settles what can be settled soon. The rest is for the next process.
    pub async fn run(mut self, token: CancellationToken) {
        let inner = self.reaper.0.clone();
        let mut news = inner.store.cursor();
        while !token.is_cancelled() {
            news.mark_unchanged();
            let pause = self.look().await;
            tokio::select! {
                biased;
                () = token.cancelled() => {}
                () = inner.hurry.notified() => {}
                Some(ended) = self.busy.join_next(), if !self.busy.is_empty() => noted(ended),
                () = news.changed() => tokio::time::sleep(GATHER).await,
                () = tokio::time::sleep(pause) => {}
            }
        }
        self.drain().await;
    }

    async fn drain(mut self) {
        let end = Instant::now() + LAST_WORDS;
        self.look().await;
        while !self.busy.is_empty() {
            let left = end.saturating_duration_since(Instant::now());
            match tokio::time::timeout(left, self.busy.join_next()).await {
                Ok(ended) => ended.map_or((), noted),
                Err(_) => break,
            }
        }
        self.stop.cancel();
        let stopped = async { while self.busy.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP, stopped).await.is_err() {
            warn!("what is left over is still being settled; the next factory goes on with it");
        }
    }

    /// Begins what is due. Answers how long nothing else will be.
    async fn look(&mut self) -> Duration {
        match self.begin_due().await {
            Ok(pause) => pause.clamp(GATHER, LOOK_AGAIN),
            Err(error) => {
                warn!("the ledger can't be read: {}", report::chain(&error));
                LOOK_AGAIN
            }
        }
    }

    async fn begin_due(&mut self) -> Result<Duration, store::Error> {
        self.reaper.record_again().await;
        self.forget_settled().await?;
        if AT_ONCE_MAX <= self.busy.len() {
            return Ok(LOOK_AGAIN);
        }
        let store = self.reaper.0.store.clone();
        let now = store.now();
        for group in by_operation(store.claim_left_over(now, &self.left()).await?) {
            let (reaper, stop) = (self.reaper.clone(), self.stop.clone());
            self.busy.spawn(async move { reaper.attempt(group, stop).await });
        }
        let next = store.next_left_over().await?;
        let future = next.and_then(|next| next.duration_since(now).ok());
        Ok(future.filter(|pause| !pause.is_zero()).unwrap_or(LOOK_AGAIN))
    }

    fn left(&self) -> Left {
        let known = self.reaper.known();
        let keyed = known.iter().filter(|(_, given)| given.source().is_some());
        Left {
            keyed: keyed.map(|(id, _)| id.clone()).collect(),
            own: known.keys().cloned().collect(),
            orphans: self.scope == Scope::Everybody,
        }
    }

    /// Forgets credentials that nothing needs any more.
    async fn forget_settled(&self) -> Result<(), store::Error> {
        let images: Vec<ImageId> = self.reaper.known().keys().cloned().collect();
        for image in images {
            if !self.is_needed(&image).await? {
                self.reaper.known().remove(&image);
            }
        }
        Ok(())
    }

    async fn is_needed(&self, image: &ImageId) -> Result<bool, store::Error> {
        let store = &self.reaper.0.store;
        let filter = LedgerFilter { image: Some(image.clone()), ..LedgerFilter::default() };
        if !store.is_settled(image).await? {
            return Ok(true);
        }
        Ok(!store.ledger(&filter).await?.is_empty())
    }
}

/// What one plugin left over in one operation is settled together.
pub(super) fn by_operation(entries: Vec<LedgerEntry>) -> Vec<Vec<LedgerEntry>> {
    let mut groups: Vec<Vec<LedgerEntry>> = Vec::new();
    let mut places: HashMap<(ImageId, String, String), usize> = HashMap::new();
    for entry in entries {
        let resource = &entry.resource;
        let key = (entry.image.clone(), resource.plugin.clone(), resource.operation.clone());
        let place = *places.entry(key).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[place].push(entry);
    }
    groups
}

fn noted(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        warn!(%error, "a try to settle what is left over ended badly");
    }
}
