//! One try to settle what one operation left over.

use super::sink::Settling;
use super::{Inner, Reaper, schedule};
use crate::delegate::{self, Account, NoDelegate, OpenIntent, Operation, OperationId, Reconciler};
use crate::domain::{
    EventKind, Failure, Fault, Image, Notice, ResourceState, Secret, SecretSource, Status,
};
use crate::report;
use crate::store::{self, LedgerEntry, LedgerFilter, Postponed};
use futures_util::FutureExt;
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// How long one try may take.
const TRY_MAX: Duration = Duration::from_secs(15 * 60);
/// How long a plugin may take to stop one.
const GRACE: Duration = Duration::from_secs(5);

/// Why nothing was settled.
enum Obstacle {
    /// Nobody knows the credentials any more.
    NoCredentials,
    /// Something failed.
    Failed(Box<Failure>),
}

/// A try that has ended.
pub(super) struct Tried {
    group: Vec<LedgerEntry>,
    /// Why some remain, by intent; or why nothing was settled.
    came_to: Result<HashMap<String, Failure>, Obstacle>,
}

impl Obstacle {
    fn failed(reason: &str, message: impl Into<String>) -> Self {
        Self::Failed(Box::new(Failure::new(Fault::Factory, reason, message)))
    }
}

impl From<store::Error> for Obstacle {
    fn from(error: store::Error) -> Self {
        Self::failed("STORE_FAILED", report::chain(&error).to_string())
    }
}

impl Reaper {
    /// Tries to settle claimed entries, all of one operation, the newest first; gives up the claims on those that remain.
    pub(super) async fn attempt(&self, group: Vec<LedgerEntry>, stop: CancellationToken) {
        let settled = AssertUnwindSafe(self.0.settle(&group, stop)).catch_unwind().await;
        let mistake = || Err(Obstacle::failed("FACTORY_PANIC", "the factory made a mistake"));
        let came_to = settled.unwrap_or_else(|_| mistake());
        self.record(Tried { group, came_to }).await;
    }

    /// Records what came of tries for which there was no room when they ended.
    pub(super) async fn record_again(&self) {
        let unrecorded = std::mem::take(&mut *self.0.unrecorded());
        for tried in unrecorded {
            self.record(tried).await;
        }
    }

    /// Gives up the claims. One that is not given up lasts as long as this process, and nobody would try again: so it is kept in
    /// mind until that works, whatever becomes of the image.
    async fn record(&self, tried: Tried) {
        if let Err(error) = self.0.postpone(&tried.group, &tried.came_to).await {
            warn!("what remains can't be recorded: {}", report::chain(&error));
            self.0.unrecorded().push(tried);
        }
    }
}

impl Inner {
    fn unrecorded(&self) -> MutexGuard<'_, Vec<Tried>> {
        self.unrecorded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the plugin. Answers why some remain, by intent.
    async fn settle(
        &self,
        group: &[LedgerEntry],
        stop: CancellationToken,
    ) -> Result<HashMap<String, Failure>, Obstacle> {
        let Some(first) = group.first() else { return Ok(HashMap::new()) };
        let image = self.store.image(&first.image).await?;
        let image = image.ok_or_else(|| Obstacle::failed("NO_IMAGE", "its image is gone"))?;
        let provider = first.provider.clone().unwrap_or_default();
        let account = Account { provider, credentials: self.credentials(&image)? };
        let plugin = self.plugin(first).await?;
        let adopt = |entry: &LedgerEntry| {
            // Its image is complete, and was not told that it exists.
            let owner = image.status == Status::Complete && entry.resource.lasting;
            owner && entry.resource.state == ResourceState::Intent
        };
        let open = |entry: &LedgerEntry| OpenIntent {
            resource: entry.resource.clone(),
            adopt: adopt(entry),
        };
        let intents: Vec<OpenIntent> = group.iter().map(open).collect();
        let asked = intents.iter().map(|open| (open.resource.intent_id.clone(), open.adopt));
        let sink = Arc::new(Settling::new(self.store.clone(), image.id.clone(), asked.collect()));
        self.ask(&*plugin, &image, first, &account, &intents, (stop, Arc::clone(&sink))).await?;
        Ok(sink.remains())
    }

    async fn ask(
        &self,
        plugin: &dyn Reconciler,
        image: &Image,
        first: &LedgerEntry,
        account: &Account,
        intents: &[OpenIntent],
        (stop, sink): (CancellationToken, Arc<Settling>),
    ) -> Result<(), Obstacle> {
        let of = match first.resource.operation.as_str() {
            "" => image.id.as_str(),
            operation => operation,
        };
        let id = OperationId::reconcile(of, first.attempts);
        let work_dir = self.store.work_dir(id.as_str()).await?;
        let operation = Operation {
            id,
            image: image.id.clone(),
            kind: image.kind,
            attempt: image.attempt,
            work_dir: work_dir.path().to_owned(),
            parameters: image.parameters.clone(),
            secrets: Vec::new(),
            cancellation: stop.child_token(),
            cancel_grace: GRACE,
            sink,
        };
        let target = first.target.as_deref().unwrap_or_default();
        let mut call = std::pin::pin!(plugin.reconcile(&operation, target, account, intents));
        let done = tokio::select! {
            biased;
            done = &mut call => done,
            () = tokio::time::sleep(TRY_MAX) => { operation.cancellation.cancel(); call.await }
        };
        if let Err(error) = work_dir.remove().await {
            warn!("a work directory stays behind: {}", report::chain(&error));
        }
        done.map_err(unsettled)
    }

    /// Answers the credentials of this process, or those with a name.
    fn credentials(&self, image: &Image) -> Result<Secret, Obstacle> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.get(&image.id).filter(|given| given.source().is_some()).cloned();
        let value = match (known, &image.secrets.credentials) {
            (Some(given), _) => self.secrets.value(&given),
            (None, Some(SecretSource::Named(name))) => self.secrets.resolve(name),
            (None, Some(SecretSource::Request)) => return Err(Obstacle::NoCredentials),
            (None, None) => Ok(Secret::new("")),
        };
        value.map_err(Obstacle::Failed)
    }

    /// Answers the plugin that left it over. Older factories did not write down which that was: then it is the one that
    /// serves the target.
    async fn plugin(&self, entry: &LedgerEntry) -> Result<Arc<dyn Reconciler>, Obstacle> {
        let missing = |error: NoDelegate| {
            let failure = Failure::new(Fault::User, "NO_PLUGIN", error.to_string());
            Obstacle::Failed(Box::new(failure.hint("install the plugin that made it")))
        };
        let mut name = entry.resource.plugin.clone();
        if let (true, Some(target)) = (name.is_empty(), &entry.target) {
            let cloud = self.delegates.cloud(target).map_err(missing)?;
            name = cloud.describe().await.map_err(unsettled)?.name;
        }
        let plugin = self.delegates.reconciler(&name).map_err(missing)?;
        let description = plugin.describe().await.map_err(unsettled)?;
        if description.capabilities.iter().any(|can| can == "reconcile") {
            return Ok(plugin);
        }
        let message = format!("plugin {name} can't settle what it left over");
        let failure = Failure::new(Fault::User, "UNSUPPORTED", message);
        Err(Obstacle::Failed(Box::new(failure.hint("delete it by the provider's own means"))))
    }

    /// Gives up the claims on what is still open, with the reasons.
    async fn postpone(
        &self,
        group: &[LedgerEntry],
        tried: &Result<HashMap<String, Failure>, Obstacle>,
    ) -> Result<(), store::Error> {
        let numbers = group.iter().map(|entry| entry.number).collect();
        let open = self.store.ledger(&LedgerFilter { numbers, ..LedgerFilter::default() }).await?;
        let settled = group.len() - open.len();
        if 0 < settled {
            info!(settled, "what was left over is settled");
        }
        // The same for all, so that what belongs together is tried together again.
        let (now, chance) = (self.store.now(), schedule::chance(self.store.fresh_id()));
        let mut postponed = Vec::with_capacity(open.len());
        for entry in &open {
            let reason = reason(entry, tried, now, chance);
            if entry.attempts == 1 && !reason.needs_credentials {
                self.tell(entry, &reason.problem).await?;
            }
            postponed.push(reason);
        }
        self.store.postpone(&postponed).await
    }

    /// Tells with the image that something remains: once, for it is tried for ever.
    async fn tell(&self, entry: &LedgerEntry, problem: &str) -> Result<(), store::Error> {
        let (kind, id) = (&entry.resource.kind, &entry.resource.resource_id);
        warn!(image = %entry.image, kind, id, problem, "something is left over");
        let notice = Notice {
            message: format!("{kind} {id} is left over at the provider: {problem}"),
            hint: "it is tried again and again: see `factory resources`".to_owned(),
            path: String::new(),
        };
        let warning = (self.store.now(), EventKind::Warning(notice));
        self.store.append(&entry.image, vec![warning]).await.map(drop)
    }
}

fn reason(
    entry: &LedgerEntry,
    tried: &Result<HashMap<String, Failure>, Obstacle>,
    now: SystemTime,
    chance: f64,
) -> Postponed {
    let number = entry.number;
    let again = |failure: &Failure| Postponed {
        number,
        problem: problem(failure),
        needs_credentials: false,
        next: now + schedule::pause(entry.attempts, failure.fault, chance),
    };
    match tried {
        Err(Obstacle::NoCredentials) => Postponed {
            number,
            problem: "the credentials came with the request and are gone".to_owned(),
            needs_credentials: true,
            next: now,
        },
        Err(Obstacle::Failed(failure)) => again(failure),
        Ok(remains) => match remains.get(&entry.resource.intent_id) {
            Some(failure) => again(failure),
            None => {
                again(&Failure::new(Fault::Plugin, "UNSETTLED", "the plugin said nothing of it"))
            }
        },
    }
}

fn problem(failure: &Failure) -> String {
    if failure.hint.is_empty() {
        failure.to_string()
    } else {
        format!("{failure}; {}", failure.hint)
    }
}

fn unsettled(error: delegate::Error) -> Obstacle {
    match error {
        delegate::Error::Failed(failure) => Obstacle::Failed(failure),
        other => Obstacle::failed("UNSETTLED", other.to_string()),
    }
}
