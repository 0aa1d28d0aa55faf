//! How long it takes from the launch of a plugin to its first answers: `cargo bench -p factoryd --bench plugin_launch`.
//!
//! One start is: fork and exec, handshake, connection, health check (the first RPC), Describe. Each start is of a new host
//! and ends with a stop, which is not measured.

use anyhow::{Context, ensure};
use factoryd::plugin::{Host, Options};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const STARTS: usize = 50;
const PLUGIN: &str = "mock-os";

fn main() -> anyhow::Result<()> {
    let executables = build()?;
    let runtime = tokio::runtime::Runtime::new()?;
    println!("launch of {PLUGIN} to its first answers, {STARTS} starts each");
    for (name, auto_mtls) in [("plain", false), ("mutual TLS", true)] {
        let mut times = runtime.block_on(measure(&executables, auto_mtls))?;
        times.sort();
        let (median, p95) = (times[STARTS / 2], times[STARTS * 95 / 100]);
        println!("  {name:10} median {median:.2?}, p95 {p95:.2?}, least {:.2?}", times[0]);
    }
    Ok(())
}

async fn measure(executables: &Path, auto_mtls: bool) -> anyhow::Result<Vec<Duration>> {
    let sockets = tempfile::tempdir()?;
    let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins").join(PLUGIN);
    let mut options = Options::new(vec![plugins], sockets.path().to_owned());
    options.executable_directories = vec![executables.to_owned()];
    options.launcher = env!("CARGO_BIN_EXE_factoryd").into();
    options.auto_mtls = auto_mtls;
    let mut times = Vec::with_capacity(STARTS);
    for _ in 0..STARTS {
        let host = Host::new(options.clone())?;
        let begun = Instant::now();
        host.describe(PLUGIN).await?;
        times.push(begun.elapsed());
        host.stop(Duration::from_secs(5)).await?;
    }
    Ok(times)
}

/// Builds the plugin as this program was built, and answers where it is.
fn build() -> anyhow::Result<PathBuf> {
    let executable = std::env::current_exe()?;
    let directory = executable.ancestors().nth(2).context("cargo puts benches into deps")?;
    let status = Command::new(env!("CARGO"))
        .args(["build", "--locked", "--quiet", "--release", "-p", "factory-plugin-mock-os"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()?;
    ensure!(status.success(), "cargo could not build the plugin");
    Ok(directory.to_owned())
}
