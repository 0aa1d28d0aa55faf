//! What every factory process has: a store, plugins, and the work on images.

use super::delivery::Delivery;
use super::reaping::Reaping;
use super::{Error, plugins};
use crate::access::Tokens;
use crate::config::Config;
use crate::factory::{Factory, Parts};
use crate::grpc::{Api, MaintenanceApi, TokensApi};
use crate::jobs;
use crate::outbound::Contents;
use crate::pipeline::TargetContent;
use crate::plugin::Host;
use crate::reap::Scope;
use crate::rest;
use crate::secrets::Secrets;
use crate::store::Store;
use futures_util::FutureExt;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// A factory at work.
pub(super) struct Core {
    factory: Factory,
    store: Store,
    host: Host,
    stop_grace: Duration,
    builds: JoinSet<Result<(), jobs::Late>>,
    stop_builds: CancellationToken,
    delivery: Delivery,
    reaping: Reaping,
}

/// Ends the plugins at once, from anywhere.
pub(super) struct Killer(Host);

impl Core {
    /// Opens the store, finds the plugins (none is started), settles what a dead factory left, and takes work.
    pub(super) async fn open(mut config: Config, scope: Scope) -> Result<Self, Error> {
        let store = Store::open(config.store).await.map_err(Error::Store)?;
        let stop_grace = config.plugins.timing.stop_grace;
        config.plugins.workspace = Some(store.workspace());
        let host = Host::new(config.plugins).map_err(Error::Plugins)?;
        let (delivery, register) =
            Delivery::start(store.clone(), config.outbound.policy(), &config.callbacks)?;
        let target_content = config.target_content.as_deref().map(TargetContent::read);
        let target_content = target_content.transpose().map_err(Error::TargetContent)?;
        let parts = Parts {
            store: store.clone(),
            delegates: Arc::new(host.clone()),
            contents: Arc::new(Contents::new(&config.outbound)),
            target_content,
            secrets: Secrets::new(config.secrets),
        };
        let (factory, service) = Factory::new(parts, config.jobs);
        let factory = factory.with_templates(config.templates).with_callbacks(register);
        service.recover().await.map_err(Error::Store)?;
        let stop_builds = CancellationToken::new();
        let mut builds = JoinSet::new();
        builds.spawn(service.run(stop_builds.clone()));
        let reaping = Reaping::start(factory.reaper(scope));
        Ok(Self { factory, store, host, stop_grace, builds, stop_builds, delivery, reaping })
    }

    /// Puts into the log what plugins are confined with.
    pub(super) fn log_confinement(&self) {
        self.host.support().log();
    }

    /// Answers the store.
    pub(super) fn store(&self) -> Store {
        self.store.clone()
    }

    /// Answers the factory.
    pub(super) fn factory(&self) -> &Factory {
        &self.factory
    }

    /// Answers the API; its streams end when `stop` fires.
    pub(super) fn api(&self, stop: CancellationToken) -> Api {
        let host = self.host.clone();
        let list = move || host.plugins().into_iter().map(plugins::translate).collect();
        let host = self.host.clone();
        let accept = move |names| plugins::accept(host.clone(), names).boxed();
        let host = self.host.clone();
        let describe = move |name| plugins::describe(host.clone(), name).boxed();
        Api::new(self.factory.clone(), Arc::new(list), stop)
            .with_acceptance(Arc::new(accept))
            .with_description(Arc::new(describe))
    }

    /// Answers what looks after the store.
    pub(super) fn maintenance(&self) -> MaintenanceApi {
        MaintenanceApi::new(self.factory.clone())
    }

    /// Answers what makes tokens.
    pub(super) fn tokens(&self) -> TokensApi {
        TokensApi::new(Tokens::new(self.store()))
    }

    /// Answers the REST API; watchers are sent home when `stop` fires.
    pub(super) fn rest(&self, stop: CancellationToken) -> rest::Api {
        let host = self.host.clone();
        let list = move || host.plugins().into_iter().map(plugins::for_rest).collect();
        let host = self.host.clone();
        let describe = move |name| plugins::takes(host.clone(), name).boxed();
        rest::Api::new(self.factory.clone(), Arc::new(list), stop)
            .with_description(Arc::new(describe))
    }

    /// Takes no more work, and ends all there is.
    pub(super) async fn end_builds(&mut self) -> Result<(), Error> {
        self.stop_builds.cancel();
        match self.builds.join_next().await {
            None | Some(Ok(Ok(()))) => Ok(()),
            Some(Ok(Err(late))) => Err(Error::Builds(late)),
            Some(Err(_)) => Err(Error::Ended("the work on images")),
        }
    }

    /// Settles what is left over outside this machine and can be settled soon, and lets callbacks tell what they can still
    /// tell; the rest is for the next process.
    pub(super) async fn end_services(&mut self) -> (Result<(), Error>, Result<(), Error>) {
        tokio::join!(self.reaping.end(), self.delivery.end())
    }

    /// Ends the plugins' processes: asks, then terminates, then kills.
    pub(super) async fn end_plugins(self) -> Result<(), Error> {
        self.host.stop(self.stop_grace).await.map_err(Error::LatePlugins)
    }

    /// Answers what ends the plugins at once.
    pub(super) fn killer(&self) -> Killer {
        Killer(self.host.clone())
    }
}

impl Killer {
    /// Kills every plugin's process group.
    pub(super) async fn kill(&self) {
        // Those that had to be killed are late by definition.
        let _ = self.0.stop(Duration::ZERO).await;
    }
}
