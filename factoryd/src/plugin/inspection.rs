//! Inspection: what a plugin says of itself before it is trusted with anything. It runs `PLUGIN describe` with what a plugin gets
//! that needs nothing.

use super::admission::{Admission, Candidate, Grounds};
use super::failure::StartError;
use super::pins::{Described, read_description};
use super::process::{Launch, command};
use crate::confine::{self, Process, Spec};
use crate::domain::Needs;
use factory_proto::handshake::COOKIE_KEY;
use std::fs::File;
use std::io;
use std::sync::atomic::Ordering;
use tokio::io::AsyncReadExt;
use tokio::process::ChildStdout;

/// No description is longer, in bytes.
const LEN_MAX: u64 = 1024 * 1024;

/// Asks a plugin on its command line what it is. One that does not answer says nothing.
///
/// # Errors
/// If it can't be started.
pub(super) async fn inspect(
    admission: &Admission,
    candidate: &Candidate<'_>,
    executable: &File,
    grounds: &Grounds<'_>,
) -> Result<Described, StartError> {
    let directory = grounds.runtime.instance().map_err(StartError::Directory)?;
    let options = grounds.options;
    let refused = |source| StartError::Execute { path: candidate.executable.into(), source };
    let mut init = command(&Launch {
        launcher: &options.launcher,
        directory: directory.path(),
        certificate_pem: None,
        environment: &options.environment,
    });
    init.env_remove(COOKIE_KEY);
    let pid_namespace = grounds.confinement.pid_namespaces.load(Ordering::Relaxed);
    let profile = admission.profile(candidate, &Needs::default(), options, directory.path());
    let spec = Spec {
        executable: candidate.executable.to_owned(),
        pid_namespace,
        groups: Vec::new(),
        arguments: vec!["describe".to_owned()],
        rules: profile.rules,
    };
    let executable = executable.try_clone().map_err(refused)?;
    let limits = options.limits.of(candidate.name);
    let group = grounds.confinement.groups.start(candidate.name, limits, pid_namespace);
    let (process, pipes) =
        Process::launch(confine::Launch { init, spec, group, executable }).await?;
    let stdout = ChildStdout::from_std(pipes.stdout).map_err(refused)?;
    let printed = tokio::time::timeout(options.timing.describe_timeout, printed(stdout)).await;
    drop(process);
    match printed {
        Ok(Ok(printed)) => Ok(read_description(&printed)),
        Ok(Err(error)) => Err(refused(error)),
        Err(_late) => {
            tracing::warn!(plugin = candidate.name, "the plugin does not answer `describe`");
            Ok(Described::default())
        }
    }
}

async fn printed(stdout: ChildStdout) -> io::Result<Vec<u8>> {
    let mut printed = Vec::new();
    stdout.take(LEN_MAX).read_to_end(&mut printed).await?;
    Ok(printed)
}
