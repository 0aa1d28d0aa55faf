//! The first packages, by mmdebstrap.

use super::plan::Plan;
use super::release_date::release_date;
use super::say;
use crate::disk::io_failure;
use crate::program::Program;
use factory_plugin_sdk::{Failure, Fault};
use std::fs;
use std::path::Path;

const APT_HELPER: &str = "/usr/lib/apt/apt-helper";

/// Answers the newest date of the archive's release files: with it, the same archive gives the same image.
///
/// # Errors
/// If one can't be fetched: the mirror is not there, or does not have the suite.
pub(crate) fn epoch(plan: &Plan, scratch: &Path) -> Result<u64, Failure> {
    say("asking the mirror for its date");
    let mut newest = None;
    for url in &plan.release_files {
        let path = scratch.join("InRelease");
        let older = url.replace("/InRelease", "/Release");
        if let Err(failure) = download(plan, url, &path) {
            download(plan, &older, &path).map_err(|_| failure)?;
        }
        let text = fs::read(&path).map_err(|error| io_failure("release file".into(), &error))?;
        newest = newest.max(release_date(&String::from_utf8_lossy(&text)));
    }
    newest.ok_or_else(|| {
        let message = "the mirror's release file has no date";
        Failure::new(Fault::User, "NO_RELEASE_DATE", message)
            .hint("set the parameter source_date_epoch")
            .path("template/os/install/url")
    })
}

fn download(plan: &Plan, url: &str, path: &Path) -> Result<(), Failure> {
    let fetched = Program::new(APT_HELPER, "apt")
        .envs(&plan.environment)
        .args(["-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=1", "download-file", url])
        .arg(path)
        .quiet();
    fetched.map(drop).map_err(|error| {
        let detail = Failure::from(error).as_proto().map(|proto| proto.detail.clone());
        Failure::new(Fault::Transient, "MIRROR_UNREACHABLE", format!("failed to fetch {url}"))
            .hint("check the mirror's URL, that it has this release, and the network")
            .path("template/os/install/url")
            .step("fetch package lists")
            .detail(detail.unwrap_or_default())
            .retryable()
    })
}

/// Fills the tree.
///
/// # Errors
/// If mmdebstrap is missing or fails: `INSTALL_FAILED`, to be explained from what it printed.
pub(crate) fn run(plan: &Plan, scratch: &Path, tree: &Path) -> Result<(), Failure> {
    let sources = scratch.join(&plan.sources_file);
    fs::write(&sources, &plan.sources)
        .map_err(|error| io_failure("failed to write the apt sources".into(), &error))?;
    // A file, since a proxy's address may hold a password.
    let options = scratch.join("apt.conf");
    let lines =
        [&["APT::Sandbox::User \"root\";".to_owned()], plan.apt_options.as_slice()].concat();
    fs::write(&options, lines.join("\n") + "\n")
        .map_err(|error| io_failure("failed to write apt's options".into(), &error))?;
    let ended = Program::new("mmdebstrap", "mmdebstrap")
        .args(["--mode=root", "--format=directory", "--architectures=amd64", "--verbose"])
        // Package lists are needed again, and removed at the end.
        .arg("--skip=cleanup/apt")
        .arg(format!("--aptopt={}", options.display()))
        .arg(format!("--variant={}", plan.variant))
        .arg(format!("--include={}", plan.bootstrap_packages.join(",")))
        .arg(&plan.codename)
        .arg(tree)
        .arg(&sources)
        .env("SOURCE_DATE_EPOCH", plan.epoch.to_string())
        .env("DEBIAN_FRONTEND", "noninteractive")
        // What it makes for itself must go with the scratch directory, even if it is killed.
        .env("TMPDIR", scratch)
        // Kernel packages would generate the initial RAM file system twice; it is done once, after them.
        .env("INITRD", "No")
        .envs(&plan.environment)
        .logged();
    ended.map_err(|error| super::packages::install_failed(error, "install packages"))
}
