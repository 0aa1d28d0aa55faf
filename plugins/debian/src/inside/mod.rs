//! The work itself, inside namespaces of its own: users (unless root), mounts and processes.
//!
//! The plugin starts itself again here, through `unshare`, as process 1 of the namespace: when that ends, however it
//! ends, the kernel ends everything below it and takes its mounts away. Nothing of a build can outlive it.

mod bootstrap;
mod chroot;
mod configure;
mod customize;
mod output;
mod packages;
mod plan;
mod release_date;
mod settle;
mod tree;
mod watch;

pub(crate) use plan::{DISK, Plan, REPORT, ROOTFS, Report, RepositoryFile, SCRATCH, TEMPORARY};

use crate::disk::io_failure;
use factory_plugin_sdk::{Failure, Fault, proto};
use prost::Message;
use rustix::mount::MountFlags;
use std::io::{self, Read};
use std::path::Path;
use std::process::ExitCode;
use std::{ffi::CString, fs};
use tree::Tree;

/// The argument that says that this process is the one inside.
pub const ARGUMENT: &str = "inside";

/// Reads the plan from standard input, carries it out and leaves a report in the work directory.
pub fn main() -> ExitCode {
    let mut plan = Vec::new();
    let read =
        io::stdin().read_to_end(&mut plan).map_err(|error| io_failure("plan".into(), &error));
    let plan = read.and_then(|_| Plan::decode(plan.as_slice()).map_err(|_| no_plan()));
    let (report, work_dir) = match plan {
        Ok(plan) => (carry_out(plan.clone()), plan.work_dir),
        Err(failure) => (Err(failure), ".".to_owned()),
    };
    let (report, code) = match report {
        Ok(report) => (report, ExitCode::SUCCESS),
        Err(failure) => (failed(&failure), ExitCode::FAILURE),
    };
    match fs::write(Path::new(&work_dir).join(REPORT), report.encode_to_vec()) {
        Ok(()) => code,
        Err(error) => {
            say(&format!("failed to write the report: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Prints a line of log in mmdebstrap's manner; the plugin outside reads from it how far the build is.
fn say(text: &str) {
    println!("I: {text}");
}

fn no_plan() -> Failure {
    Failure::new(Fault::Plugin, "NO_PLAN", "there is no plan on standard input")
        .hint("this is not for hand use; see --help")
}

fn failed(failure: &Failure) -> Report {
    let unknown = || proto::Failure { message: failure.to_string(), ..Default::default() };
    let failure = failure.as_proto().cloned().unwrap_or_else(unknown);
    Report { failure: Some(failure), ..Default::default() }
}

fn carry_out(plan: Plan) -> Result<Report, Failure> {
    let scratch = Path::new(&plan.work_dir).join(SCRATCH);
    let prepared = prepare(&plan, &scratch);
    watch::start(plan.memory == 0).map_err(|error| io_failure("signals".into(), &error))?;
    let report = prepared.and_then(|()| build(plan.clone(), &scratch));
    if plan.memory == 0 {
        // On a file system that stays, files of mapped users are for this namespace to remove.
        let _ = fs::remove_dir_all(&scratch);
    }
    report
}

fn prepare(plan: &Plan, scratch: &Path) -> Result<(), Failure> {
    let failure = |what: &str| {
        let what = what.to_owned();
        move |error: io::Error| io_failure(what, &error)
    };
    fs::create_dir_all(scratch).map_err(failure("failed to create the scratch directory"))?;
    let name = plan.hostname.as_bytes();
    rustix::system::sethostname(name)
        .map_err(|error| io_failure("failed to set the host name".into(), &error.into()))?;
    if plan.memory > 0 {
        let options = CString::new(format!("size={},mode=0755", plan.memory)).unwrap_or_default();
        let options = options.as_c_str();
        rustix::mount::mount("tmpfs", scratch, "tmpfs", MountFlags::empty(), options)
            .map_err(|error| io_failure("failed to mount a tmpfs".into(), &error.into()))?;
    }
    for directory in ["tree", TEMPORARY] {
        fs::create_dir(scratch.join(directory)).map_err(failure("failed to create a directory"))?;
    }
    Ok(())
}

fn build(mut plan: Plan, scratch: &Path) -> Result<Report, Failure> {
    let root = scratch.join("tree");
    let tree = Tree::open(&root).map_err(|error| io_failure("image".into(), &error))?;
    let packages = if plan.base.is_empty() {
        if plan.epoch == 0 {
            plan.epoch = bootstrap::epoch(&plan, scratch)?;
        }
        bootstrap::run(&plan, scratch, &root)?;
        configure::run(&tree, &plan)?;
        Some(customize::base(&tree, &plan)?)
    } else {
        output::unpack(&plan, &root)?;
        if plan.epoch == 0 {
            plan.epoch = settle::newest(&tree);
        }
        customize::target(&tree, &plan)?
    };
    settle::run(&tree, &plan)?;
    let rootfs_sha256 = output::write(&tree, &plan, scratch)?;
    Ok(Report { failure: None, packages, rootfs_sha256, epoch: plan.epoch })
}
