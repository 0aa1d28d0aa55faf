//! Carrying out a plan in namespaces of its own, and hearing what came of it.
//!
//! An ordinary user gets a user namespace, with root and 65 536 more ids mapped from its subordinate range; root needs
//! none. Both get namespaces of mounts, processes, host name and System V objects. `--kill-child` ends the inside when
//! `unshare` ends, whatever ends it.

use crate::diagnosis::Transcript;
use crate::inside::{ARGUMENT, Plan, REPORT, Report, SCRATCH, TEMPORARY};
use crate::progress::Meter;
use factory_plugin_sdk::{Failure, Operation, tool::Tool};
use prost::Message;
use std::fs;
use std::path::Path;

/// Carries out a plan: in memory first if it may, and in the work directory if that turned out too small.
///
/// # Errors
/// What the plan failed with; [`Failure::cancelled`] once the operation is to stop.
pub(crate) async fn carry_out(
    plan: Plan,
    plugin: &Path,
    operation: &Operation,
    meter: impl Fn() -> Meter,
) -> Result<Report, Failure> {
    let done = attempt(&plan, plugin, operation, meter()).await;
    match &done {
        Err(failure) if plan.memory > 0 && is_full(failure) => {
            let message = "the image does not fit into the memory it may take";
            operation
                .warning(message, "it is built again in the work directory, which is slower")
                .await?;
            let on_disk = Plan { memory: 0, ..plan };
            attempt(&on_disk, plugin, operation, meter()).await
        }
        _ => done,
    }
}

fn is_full(failure: &Failure) -> bool {
    failure.as_proto().is_some_and(|failure| failure.reason == "NO_SPACE")
}

async fn attempt(
    plan: &Plan,
    plugin: &Path,
    operation: &Operation,
    mut meter: Meter,
) -> Result<Report, Failure> {
    let mut transcript = Transcript::default();
    let ended = unshare()
        .arg("--")
        .arg(plugin)
        .arg(ARGUMENT)
        .input(plan.encode_to_vec())
        // A tool that is killed leaves its temporary files; here they go with everything else.
        .env("TMPDIR", operation.work_dir().join(SCRATCH).join(TEMPORARY))
        .run_with(operation, |line| {
            transcript.line(line);
            meter.line(line)
        })
        .await;
    let report = take_report(operation.work_dir());
    clean_up(operation).await?;
    let failure = match (ended, report) {
        (Ok(()), Some(report)) => return Ok(report),
        (Err(failure), _) if failure.is_cancelled() => return Err(failure),
        (_, Some(Report { failure: Some(failure), .. })) => failure,
        (Err(failure), _) => return Err(transcript.namespace().unwrap_or(failure)),
        (Ok(()), None) => Default::default(),
    };
    let template = plan.template.clone().unwrap_or_default();
    Err(transcript.explain(&failure, &template.packages))
}

/// The program that makes the namespaces.
fn unshare() -> Tool {
    let tool = Tool::new("unshare").package("util-linux").logged_as("debian");
    let tool = match rustix::process::geteuid().is_root() {
        true => tool,
        false => tool.args(["--user", "--map-root-user", "--map-auto"]),
    };
    tool.args(["--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child"])
}

fn take_report(work_dir: &Path) -> Option<Report> {
    let path = work_dir.join(REPORT);
    let report = fs::read(&path).ok().and_then(|bytes| Report::decode(bytes.as_slice()).ok());
    let _ = fs::remove_file(path);
    report
}

/// Removes what the inside could not, having been killed. Its files belong to mapped users, so it takes a namespace.
async fn clean_up(operation: &Operation) -> Result<(), Failure> {
    let scratch = operation.work_dir().join(SCRATCH);
    if fs::remove_dir(&scratch).is_ok() || !scratch.exists() {
        return Ok(());
    }
    unshare().args(["--", "rm", "-rf", "--"]).arg(scratch).clean_up().run(operation).await
}
