//! All plugins of a factory.

use super::admission::Admission;
use super::cloud::Cloud;
use super::confinement::Confinement;
use super::discovery::{self, discover};
use super::options::Options;
use super::os::Os;
use super::pins::Origin;
use super::reconciler::Leftovers;
use super::runtime::{self, RuntimeDir};
use super::status::{Acceptance, PluginStatus, State};
use super::supervisor::{Context, Plugin};
use crate::confine::Support;
use crate::delegate::{
    self, CloudDelegate, Delegates, Description, NoDelegate, OsDelegate, Reconciler,
};
use crate::domain::{Failure, Fault, OperatingSystem};
use crate::sandbox::Mode;
use crate::seal::{Feature, Machine};
use factory_proto::info::{Kind, Registry, Target};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

/// Why there is no host.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A plugin directory is missing or can't be read.
    #[error(transparent)]
    Directory(#[from] discovery::Error),
    /// The machine can't do what the configuration says that it must.
    #[error("the sandbox needs what this machine does not have: {}", .0.iter().map(|it| it.as_str()).collect::<Vec<_>>().join(", "))]
    Machine(Vec<Feature>),
    /// There is no directory for sockets.
    #[error(transparent)]
    Runtime(#[from] runtime::Error),
}

/// Plugins that did not stop in time and were killed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("did not stop in time and were killed: {}", .0.join(", "))]
pub struct Late(pub Vec<String>);

/// All plugins of a factory. Clones share everything; with the last one every process ends.
#[derive(Clone)]
pub struct Host {
    inner: Arc<Inner>,
}

struct Inner {
    registry: Registry,
    /// Sorted by name.
    plugins: Vec<Arc<Plugin>>,
    context: Arc<Context>,
}

impl Host {
    /// Finds plugins. Starts none.
    ///
    /// # Errors
    /// If a plugin directory is missing or can't be read, or sockets can't be made.
    pub fn new(options: Options) -> Result<Self, Error> {
        let found = discover(&options)?;
        let runtime = RuntimeDir::new(&options.runtime_dir)?;
        let registry = Registry::new(found.iter().filter_map(|found| found.info.as_ref().ok()));
        let confinement = Confinement::new(&options);
        let admission = Admission::new(&options);
        tell_what_is_missing(&options, admission.machine())?;
        let stopping = CancellationToken::new();
        let context = Arc::new(Context { options, runtime, confinement, admission, stopping });
        let plugins = found.into_iter().map(|found| {
            if let Err(unusable) = &found.info {
                let path = found.path.display();
                tracing::warn!(%path, reason = unusable.reason, "an .info file can't be used");
            }
            let conflicts = conflicts(&registry, &found.name);
            Arc::new(Plugin::new(Arc::clone(&context), found, conflicts))
        });
        let plugins: Vec<_> = plugins.collect();
        for name in context.options.limits.plugins.keys() {
            if !plugins.iter().any(|plugin| plugin.name() == name) {
                tracing::warn!(name, "there are limits for a plugin that is not there");
            }
        }
        Ok(Self { inner: Arc::new(Inner { registry, plugins, context }) })
    }

    /// Answers what there is to confine plugins with.
    pub fn support(&self) -> Support {
        self.inner.context.confinement.support()
    }

    /// Answers every plugin, sorted by name: usable or not, running or not.
    pub fn plugins(&self) -> Vec<PluginStatus> {
        self.inner.plugins.iter().map(|plugin| plugin.status()).collect()
    }

    /// Answers what a plugin is; starts it if need be.
    ///
    /// # Errors
    /// If there is no such plugin or it can't be started.
    pub async fn describe(&self, name: &str) -> Result<Description, delegate::Error> {
        let Some(plugin) = self.plugin(name) else {
            return Err(self.unknown(name).into());
        };
        Ok(plugin.instance().await?.description().clone())
    }

    /// Answers what a plugin is, and what it said word for word; starts it if need be.
    ///
    /// # Errors
    /// If there is no such plugin or it can't be started.
    pub async fn said(&self, name: &str) -> Result<(Description, Value), Failure> {
        let plugin = self.plugin(name).ok_or_else(|| self.unknown(name))?;
        let instance = plugin.instance().await?;
        Ok((instance.description().clone(), instance.said().clone()))
    }

    /// Answers the way to a plugin, past all that a factory does; starts it if need be.
    pub(super) async fn channel(&self, name: &str) -> Result<Channel, Failure> {
        let plugin = self.plugin(name).ok_or_else(|| self.unknown(name))?;
        Ok(plugin.instance().await?.channel())
    }

    /// Accepts plugins as they are now: those of these names, or all that can be started. What runs goes on as it is until it ends.
    ///
    /// # Errors
    /// If one is not there, can't be started, or can't be written down.
    pub async fn accept(&self, names: &[String]) -> Result<Vec<Acceptance>, Failure> {
        let mut accepted = Vec::new();
        for plugin in &self.inner.plugins {
            let startable = plugin.status().state != State::Invalid;
            let asked = names.iter().any(|name| name == plugin.name());
            if asked || (names.is_empty() && startable) {
                accepted.push(plugin.accept(None).await?);
            }
        }
        match names.iter().find(|name| self.plugin(name).is_none()) {
            Some(name) => Err(self.unknown(name)),
            None => Ok(accepted),
        }
    }

    /// Accepts a plugin as it is now, which was installed from a package.
    ///
    /// # Errors
    /// If it is not there, can't be started, is not what the package is, or can't be written down.
    pub async fn accept_package(&self, name: &str, origin: Origin) -> Result<Acceptance, Failure> {
        match self.plugin(name) {
            Some(plugin) => plugin.accept(Some(origin)).await,
            None => Err(self.unknown(name)),
        }
    }

    fn unknown(&self, name: &str) -> Failure {
        let known: Vec<&str> = self.inner.plugins.iter().map(|plugin| plugin.name()).collect();
        let message = format!("no plugin is named {name} (known: {})", known.join(", "));
        Failure::new(Fault::User, Failure::PLUGIN_UNKNOWN, message)
    }

    /// Stops every plugin, all at once; none can be started any more. Who does not stop by itself gets a signal at
    /// half the time and is killed at its end.
    ///
    /// # Errors
    /// If some had to be killed; they are named.
    pub async fn stop(&self, deadline: Duration) -> Result<(), Late> {
        self.inner.context.stopping.cancel();
        let mut stopping = JoinSet::new();
        for plugin in &self.inner.plugins {
            let plugin = Arc::clone(plugin);
            stopping.spawn(async move {
                let killed = plugin.stop(deadline).await;
                killed.then(|| plugin.name().to_owned())
            });
        }
        let mut late: Vec<String> = stopping.join_all().await.into_iter().flatten().collect();
        late.sort();
        self.inner.plugins.iter().for_each(|plugin| plugin.clean_up());
        if late.is_empty() { Ok(()) } else { Err(Late(late)) }
    }

    fn plugin(&self, name: &str) -> Option<&Arc<Plugin>> {
        self.inner.plugins.iter().find(|plugin| plugin.name() == name)
    }

    fn known(&self, kind: Kind) -> String {
        let targets = self.inner.registry.targets(kind);
        match targets.is_empty() {
            true => "none".to_owned(),
            false => targets.into_iter().map(readable).collect::<Vec<_>>().join(", "),
        }
    }
}

impl Delegates for Host {
    fn os(&self, os: &OperatingSystem) -> Result<Arc<dyn OsDelegate>, NoDelegate> {
        let name = self.inner.registry.os(&os.name, &os.version, &os.arch);
        match name.and_then(|name| self.plugin(name)) {
            Some(plugin) => Ok(Arc::new(Os(Arc::clone(plugin)))),
            None => Err(NoDelegate::Os {
                os: format!("{} {} {}", os.name, os.version, os.arch),
                known: self.known(Kind::Os),
            }),
        }
    }

    fn cloud(&self, target: &str) -> Result<Arc<dyn CloudDelegate>, NoDelegate> {
        let name = self.inner.registry.cloud(target);
        match name.and_then(|name| self.plugin(name)) {
            Some(plugin) => Ok(Arc::new(Cloud(Arc::clone(plugin)))),
            None => {
                Err(NoDelegate::Cloud { target: target.to_owned(), known: self.known(Kind::Cloud) })
            }
        }
    }

    fn reconciler(&self, plugin: &str) -> Result<Arc<dyn Reconciler>, NoDelegate> {
        match self.plugin(plugin) {
            Some(plugin) => Ok(Arc::new(Leftovers(Arc::clone(plugin)))),
            None => Err(NoDelegate::Name(plugin.to_owned())),
        }
    }
}

/// Tells what can't be kept from plugins on this machine.
fn tell_what_is_missing(options: &Options, machine: &Machine) -> Result<(), Error> {
    let missing = |feature: &Feature| !machine.has(*feature);
    let required: Vec<_> = options.sandbox.require.iter().copied().filter(missing).collect();
    if !required.is_empty() {
        return Err(Error::Machine(required));
    }
    if options.sandbox.mode == Mode::Enforce {
        for feature in machine.lacks() {
            tracing::warn!(feature = feature.as_str(), "sandbox: {}", feature.missing());
        }
    }
    Ok(())
}

/// Answers a target for a person: the parts that are set.
fn readable(target: &Target) -> String {
    let parts: Vec<&str> = target.iter().flatten().map(String::as_str).collect();
    parts.join(" ")
}

fn conflicts(registry: &Registry, name: &str) -> Vec<String> {
    let lost = registry.conflicts().iter().filter(|conflict| conflict.loser == name);
    lost.map(|conflict| {
        let target = readable(&conflict.target);
        format!("target {target} is served by plugin {}, whose name sorts first", conflict.winner)
    })
    .collect()
}
