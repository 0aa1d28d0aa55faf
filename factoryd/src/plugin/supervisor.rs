//! One plugin: started when first needed, one process at a time, started again after a crash.

use super::admission::{Admission, Admitted, Candidate, Grounds};
use super::backoff::Backoff;
use super::confinement::Confinement;
use super::discovery::Found;
use super::failure::StartError;
use super::instance::{Attach, Cause, Instance, Start};
use super::lock::lock;
use super::options::Options;
use super::pins::{Origin, Pin};
use super::reattach::AttachError;
use super::runtime::RuntimeDir;
use super::status::{Acceptance, PluginStatus, Standing, State};
use super::workspace::Workspace;
use crate::domain::Failure;
use crate::sandbox::{Mode, Profile};
use factory_proto::reattach::Reattach;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// What all plugins of a host share.
pub(super) struct Context {
    pub(super) options: Options,
    pub(super) runtime: RuntimeDir,
    pub(super) confinement: Confinement,
    /// Who decides which plugins may run, and with what.
    pub(super) admission: Arc<Admission>,
    /// Fires when nothing is started any more.
    pub(super) stopping: CancellationToken,
}

impl Context {
    fn grounds(&self) -> Grounds<'_> {
        let Self { options, runtime, confinement, .. } = self;
        Grounds { options, runtime, confinement }
    }
}

/// One plugin.
pub(super) struct Plugin {
    // The order matters when a plugin is dropped: first its process, then what confines it.
    slot: Mutex<Slot>,
    found: Found,
    conflicts: Vec<String>,
    /// Held while the process is started, so that it is started once.
    starting: tokio::sync::Mutex<()>,
    context: Arc<Context>,
}

struct Slot {
    instance: Option<Arc<Instance>>,
    backoff: Backoff,
    error: String,
}

impl Plugin {
    pub(super) fn new(context: Arc<Context>, found: Found, conflicts: Vec<String>) -> Self {
        let backoff = Backoff::new(&context.options.timing);
        let slot = Mutex::new(Slot { instance: None, backoff, error: String::new() });
        Self { slot, found, conflicts, starting: tokio::sync::Mutex::new(()), context }
    }

    pub(super) fn name(&self) -> &str {
        &self.found.name
    }

    /// Answers the running process; starts it if there is none. After repeated crashes that waits a little.
    pub(super) async fn instance(&self) -> Result<Arc<Instance>, Failure> {
        if let Some(running) = self.running() {
            return Ok(running);
        }
        let _one_at_a_time = self.starting.lock().await;
        if let Some(running) = self.running() {
            return Ok(running);
        }
        let stopping = || StartError::Stopping.into_failure(self.name(), String::new());
        tokio::select! {
            biased;
            () = self.context.stopping.cancelled() => Err(stopping()),
            started = self.start() => started,
        }
    }

    /// Answers the directories that are the plugin's own, if files are lent to it.
    pub(super) fn workspace(&self) -> Option<Workspace> {
        let options = &self.context.options;
        let enforced = options.sandbox.mode_of(self.name()) == Mode::Enforce;
        let root = options.workspace.as_deref().filter(|_| enforced)?;
        Some(Workspace::new(root, self.name()))
    }

    /// Answers what a person wants to know.
    pub(super) fn status(&self) -> PluginStatus {
        let running = self.running();
        let info = self.found.info.as_ref();
        let (state, error) = self.state(running.as_deref());
        PluginStatus {
            name: self.found.name.clone(),
            kind: info.map_or("", |info| info.kind.as_str()).to_owned(),
            targets: info.map_or_else(|_| Vec::new(), |info| info.targets.clone()),
            info: info.map_or_else(|unusable| unusable.raw.clone(), |info| info.raw.clone()),
            executable: self.found.executable().cloned(),
            state,
            error,
            conflicts: self.conflicts.clone(),
            standing: self.standing(running.as_deref()),
            pid: running.map(|instance| instance.pid()),
        }
    }

    /// Accepts the plugin as it is now, from the package that it is said to come from.
    ///
    /// # Errors
    /// If it can't be read or asked what it is, or that can't be written down.
    pub(super) async fn accept(&self, origin: Option<Origin>) -> Result<Acceptance, Failure> {
        let refused = |error: StartError| error.into_failure(self.name(), String::new());
        let (_, executable) = self.startable().map_err(refused)?;
        let admission = &self.context.admission;
        let info = self.found.print_now();
        let candidate = Candidate { info: &info, ..self.candidate(&executable) };
        let accepted = admission.accept(&candidate, origin, &self.context.grounds()).await;
        let (before, now) = accepted.map_err(refused)?;
        Ok(acceptance(self.name(), before.unwrap_or_default(), now))
    }

    /// Removes the plugin's directories, once it is stopped.
    pub(super) fn clean_up(&self) {
        if let Some(workspace) = self.workspace() {
            workspace.remove();
        }
    }

    fn standing(&self, running: Option<&Instance>) -> Standing {
        let Ok((_, executable)) = self.startable() else { return Standing::default() };
        let candidate = self.candidate(&executable);
        let standing = self.context.admission.standing(&candidate, &self.context.grounds());
        match running.map(Instance::sandbox) {
            None => standing,
            Some(Profile { gets, open, .. }) => {
                Standing { gets: gets.clone(), not_enforced: open.clone(), ..standing }
            }
        }
    }

    /// Stops the process, if it runs. Answers whether it had to be killed.
    pub(super) async fn stop(&self, deadline: Duration) -> bool {
        let Some(instance) = self.running() else { return false };
        let killed = instance.stop(deadline).await;
        self.running();
        killed
    }

    fn state(&self, running: Option<&Instance>) -> (State, String) {
        let slot = lock(&self.slot);
        if running.is_some() {
            return (State::Running, String::new());
        }
        if self.elsewhere().is_none()
            && let Err(invalid) = self.startable()
        {
            return (State::Invalid, invalid.to_string());
        }
        let waiting = Duration::ZERO < slot.backoff.remaining(Instant::now());
        let state = if waiting { State::Backoff } else { State::Idle };
        (state, slot.error.clone())
    }

    /// Answers the process if it runs, and settles the account of one that has ended.
    fn running(&self) -> Option<Arc<Instance>> {
        let mut slot = lock(&self.slot);
        let instance = slot.instance.take()?;
        let Some(exit) = instance.exit() else {
            slot.instance = Some(Arc::clone(&instance));
            return Some(instance);
        };
        if matches!(instance.cause(), None | Some(Cause::Hung(_))) {
            let (lived, useful) = instance.lived(exit);
            slot.backoff.crashed(exit.at, lived, useful);
            slot.error = format!("it crashed: {}", super::process::how(&exit));
            tracing::warn!(plugin = self.name(), error = slot.error, "plugin ended by itself");
        }
        None
    }

    async fn start(&self) -> Result<Arc<Instance>, Failure> {
        let invalid = |error: StartError| error.into_failure(self.name(), String::new());
        let info = self.found.info.as_ref();
        let info = info.map_err(|unusable| invalid(StartError::Info(unusable.reason.clone())))?;
        let pause = lock(&self.slot).backoff.remaining(Instant::now());
        if !pause.is_zero() {
            tracing::info!(plugin = self.name(), ?pause, "the plugin's start waits");
            tokio::time::sleep(pause).await;
        }
        let started = match self.elsewhere() {
            None => match self.startable() {
                Ok((info, executable)) => self.start_as_found(info, &executable).await,
                Err(error) => Err(invalid(error)),
            },
            Some(to) => {
                let options = &self.context.options;
                Instance::attach(Attach { info, name: self.name(), to, options }).await
            }
        };
        let mut slot = lock(&self.slot);
        match &started {
            Ok(instance) => {
                slot.instance = Some(Arc::clone(instance));
                slot.error.clear();
            }
            Err(failure) => {
                slot.backoff.crashed(Instant::now(), Duration::ZERO, false);
                slot.error.clone_from(&failure.message);
            }
        }
        started
    }

    /// Answers where the plugin is, if somebody else has started it.
    fn elsewhere(&self) -> Option<Result<Reattach, AttachError>> {
        let source = self.context.options.reattach.as_ref()?;
        source.find(self.name()).transpose()
    }

    async fn start_as_found(
        &self,
        info: &factory_proto::info::Info,
        executable: &Path,
    ) -> Result<Arc<Instance>, Failure> {
        let Context { options, runtime, confinement, admission, .. } = &*self.context;
        let candidate = self.candidate(executable);
        let admitted = admission.admit(&candidate, &self.context.grounds()).await;
        let refused = |error: StartError| error.into_failure(self.name(), String::new());
        let Admitted { executable, needs } = admitted.map_err(refused)?;
        let (candidate, needs) = (&candidate, needs.as_ref());
        let start =
            Start { info, candidate, executable, needs, options, runtime, confinement, admission };
        Instance::start(&start).await
    }

    fn candidate<'a>(&'a self, executable: &'a Path) -> Candidate<'a> {
        Candidate { name: self.name(), executable, info: &self.found.print }
    }

    fn startable(&self) -> Result<(&factory_proto::info::Info, PathBuf), StartError> {
        let info = self.found.info.as_ref();
        let info = info.map_err(|unusable| StartError::Info(unusable.reason.clone()))?;
        match self.found.executable() {
            Some(path) => Ok((info, path.clone())),
            None => Err(StartError::NoExecutable(list(&self.found.candidates))),
        }
    }
}

fn acceptance(plugin: &str, before: Pin, now: Pin) -> Acceptance {
    let needs = |pin: &Pin| pin.needs.clone().unwrap_or_default();
    let known = !before.executable.sha256.is_empty();
    let changes = if known { needs(&now).changes(&needs(&before)) } else { needs(&now).lines() };
    Acceptance {
        plugin: plugin.to_owned(),
        old_sha256: before.executable.sha256,
        new_sha256: now.executable.sha256,
        old_version: before.version,
        new_version: now.version,
        changes,
    }
}

fn list(paths: &[PathBuf]) -> String {
    let paths: Vec<_> = paths.iter().map(|path| Path::display(path).to_string()).collect();
    paths.join(", ")
}
