//! Starts the plugins of a directory and says what they are: `plugin_host RUNTIME_DIR PLUGIN_DIR [EXECUTABLE_DIR]`.
//!
//! For who writes a plugin: its log and what is wrong with it show here. Ends when standard input does.

use anyhow::Context;
use factoryd::confine;
use factoryd::plugin::{Host, Options};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use tokio::io::AsyncReadExt;

fn main() -> anyhow::Result<ExitCode> {
    // The init of the plugins is this program too.
    match confine::main_if_asked() {
        Some(code) => Ok(code),
        None => host().map(|()| ExitCode::SUCCESS),
    }
}

#[tokio::main]
async fn host() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let runtime_dir = arguments.next().context("the first argument is a directory for sockets")?;
    let plugins = arguments.next().context("the second argument is a directory of plugins")?;
    let mut options = Options::new(vec![plugins], runtime_dir);
    options.executable_directories.extend(arguments);
    let host = Host::new(options)?;
    for plugin in host.plugins() {
        let description = host.describe(&plugin.name).await?;
        let pid =
            host.plugins().into_iter().find(|it| it.name == plugin.name).and_then(|it| it.pid);
        let pid = pid.context("it ended")?;
        println!("{} {} runs as process {pid}", description.name, description.version);
    }
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    host.stop(Duration::from_secs(10)).await?;
    Ok(())
}
