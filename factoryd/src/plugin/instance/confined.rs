//! The launch of a plugin's process: confined as well as this machine can.

use super::launch::Start;
use crate::confine::{Launch as Confined, LaunchError, Pipes, Process, Spec, Step};
use crate::plugin::failure::StartError;
use crate::plugin::process::{Launch, command};
use crate::plugin::runtime::InstanceDir;
use crate::plugin::tls::Identity;
use crate::plugin::workspace::Workspace;
use crate::sandbox::Profile;
use std::io;
use std::sync::atomic::Ordering;

/// Launches a plugin's process. Where PID namespaces turn out not to be had, it and all later ones go without.
pub(super) async fn launch(
    start: &Start<'_>,
    directory: &InstanceDir,
    identity: Option<&Identity>,
    sandbox: &Profile,
) -> Result<(Process, Pipes), StartError> {
    let pid_namespaces = &start.confinement.pid_namespaces;
    loop {
        let pid_namespace = pid_namespaces.load(Ordering::Relaxed);
        let launch = confined(start, directory, identity, sandbox, pid_namespace);
        match once(start, launch.map_err(|source| refused(start, source))?).await {
            Err(StartError::Confine(error)) if pid_namespace && error.is_of_namespace() => {
                tracing::warn!(%error, "there are no PID namespaces; plugins start without");
                pid_namespaces.store(false, Ordering::Relaxed);
            }
            other => return other,
        }
    }
}

async fn once(start: &Start<'_>, launch: Confined) -> Result<(Process, Pipes), StartError> {
    let launched =
        tokio::time::timeout(start.options.timing.start_timeout, Process::launch(launch));
    match launched.await {
        Ok(Err(LaunchError::Step { step: Step::Execute, source })) => Err(refused(start, source)),
        Ok(launched) => Ok(launched?),
        Err(_) => Err(LaunchError::Init(io::ErrorKind::TimedOut.into()).into()),
    }
}

fn refused(start: &Start<'_>, source: io::Error) -> StartError {
    StartError::Execute { path: start.candidate.executable.to_owned(), source }
}

/// Answers how the plugin is launched: its open file is what will be executed.
fn confined(
    start: &Start<'_>,
    directory: &InstanceDir,
    identity: Option<&Identity>,
    sandbox: &Profile,
    pid_namespace: bool,
) -> io::Result<Confined> {
    let mut init = command(&Launch {
        launcher: &start.options.launcher,
        directory: directory.path(),
        certificate_pem: identity.map(Identity::pem),
        environment: &start.options.environment,
    });
    if let Some(root) = start.options.workspace.as_deref().filter(|_| sandbox.rules.is_some()) {
        let workspace = Workspace::new(root, start.candidate.name);
        workspace.make()?;
        init.env("TMPDIR", workspace.temporary());
    }
    let executable = start.executable.try_clone()?;
    let spec = Spec {
        executable: start.candidate.executable.to_owned(),
        pid_namespace,
        groups: Vec::new(),
        arguments: Vec::new(),
        rules: sandbox.rules.clone(),
    };
    let limits = start.options.limits.of(start.candidate.name);
    let group = start.confinement.groups.start(start.candidate.name, limits, pid_namespace);
    Ok(Confined { init, spec, group, executable })
}
