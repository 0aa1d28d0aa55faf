//! The options that `factory` and `factoryd` share, and what they become.

use super::access::AccessArguments;
use super::places;
use super::{Config, DaemonConfig, Error};
use crate::{jobs, plugin, store};
use clap::{Args, Parser};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Where images are kept and plugins are found.
#[derive(Debug, Clone, Default, Args)]
pub struct StoreArguments {
    /// Keep images in this directory. Default: /var/lib/factory for root, else ~/.local/share/factory.
    #[arg(long, global = true, value_name = "DIR", env = "FACTORY_STORE")]
    pub store: Option<PathBuf>,
    /// Look for plugins (NAME.info) in this directory and one level below; repeat it for more. Default: the source tree
    /// around this program, /usr/lib/factory/plugins and /etc/factory/plugins.d, where they exist.
    #[arg(long, global = true, value_name = "DIR", env = "FACTORY_PLUGINS", value_delimiter = ':')]
    pub plugins: Vec<PathBuf>,
}

/// How much is logged.
#[derive(Debug, Clone, Args)]
pub struct LogArguments {
    /// Log this much to standard error: off, error, warn, info, debug, trace, or a filter such as `factoryd::plugin=debug`.
    #[arg(long, global = true, value_name = "LEVEL", env = "FACTORY_LOG")]
    pub log: Option<String>,
}

/// Serves an image factory over gRPC, and over REST if asked to.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "factoryd",
    version,
    after_help = "\
Once it can be called, one line on standard output says where: `listening on 127.0.0.1:8076`.
With --rest a second one follows: `REST listening on 127.0.0.1:8075`.
SIGTERM or SIGINT ends it after its builds have been cleaned up; a second one ends it at once.

Exit codes: 0 ended on request, 1 failed while running, 2 the options are not valid, 4 can't start."
)]
pub struct DaemonArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// Listen on this loopback address; port 0 takes any free port.
    #[arg(long, value_name = "ADDR", env = "FACTORY_LISTEN", default_value = "127.0.0.1:8076")]
    listen: SocketAddr,
    /// Serve the REST API, version 2, on this loopback address too; port 0 takes any free port. Default: it is not served.
    #[arg(long, value_name = "ADDR", env = "FACTORY_REST")]
    rest: Option<SocketAddr>,
    #[command(flatten)]
    access: AccessArguments,
    #[command(flatten)]
    log: LogArguments,
}

impl StoreArguments {
    /// Answers the configuration.
    ///
    /// # Errors
    /// If there is no place for the store, or a named plugin directory does not exist.
    pub fn config(self) -> Result<Config, Error> {
        let root = self.store.or_else(places::store).ok_or(Error::NoStore)?;
        let directories = plugin_directories(self.plugins)?;
        let mut plugins = plugin::Options::new(directories, plugin::Options::default_runtime_dir());
        plugins.executable_directories = places::executables();
        let jobs = jobs::Options::default();
        Ok(Config { store: store::Options { root }, plugins, jobs })
    }
}

impl DaemonArguments {
    /// Answers how much is to be logged.
    pub fn log(&self) -> &LogArguments {
        &self.log
    }

    /// Answers the configuration.
    ///
    /// # Errors
    /// If the address is not a loopback address, and as [`StoreArguments::config`].
    pub fn config(self) -> Result<DaemonConfig, Error> {
        loopback("--listen", self.listen)?;
        self.rest.map_or(Ok(()), |rest| loopback("--rest", rest))?;
        let (listen, rest, access) = (self.listen, self.rest, self.access.options());
        Ok(DaemonConfig { factory: self.store.config()?, listen, rest, access })
    }
}

fn loopback(option: &'static str, address: SocketAddr) -> Result<(), Error> {
    if address.ip().is_loopback() { Ok(()) } else { Err(Error::NotLoopback { option, address }) }
}

/// What was named must be there; what is usual need not be. Absolute, for plugins run in directories of their own.
fn plugin_directories(named: Vec<PathBuf>) -> Result<Vec<PathBuf>, Error> {
    if named.is_empty() {
        return Ok(places::plugins());
    }
    named.into_iter().map(existing).collect()
}

fn existing(directory: PathBuf) -> Result<PathBuf, Error> {
    match directory.canonicalize() {
        Ok(absolute) if absolute.is_dir() => Ok(absolute),
        _ => Err(Error::NoPluginDirectory(directory)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn daemon(arguments: &[&str]) -> Result<DaemonConfig, Error> {
        let typed = ["factoryd", "--store", "/tmp/store"].iter().chain(arguments);
        DaemonArguments::try_parse_from(typed).unwrap().config()
    }

    #[test]
    fn a_daemon_without_access_control_stays_on_this_machine() {
        assert!(daemon(&["--listen", "127.0.0.1:0"]).is_ok());
        assert!(daemon(&["--listen", "[::1]:0"]).is_ok());
        let error = daemon(&["--listen", "0.0.0.0:8076"]).unwrap_err().to_string();
        assert!(error.starts_with("--listen 0.0.0.0:8076 is not a loopback address"), "{error}");
        assert!(daemon(&["--rest", "127.0.0.1:0"]).unwrap().rest.is_some());
        let error = daemon(&["--rest", "0.0.0.0:8075"]).unwrap_err().to_string();
        assert!(error.starts_with("--rest 0.0.0.0:8075 is not a loopback address"), "{error}");
    }

    #[test]
    fn plugin_directories_are_absolute_whatever_was_typed() {
        let config = daemon(&["--plugins", "src"]).unwrap();
        assert!(config.factory.plugins.directories[0].is_absolute());
    }

    #[test]
    fn a_plugin_directory_that_was_named_must_exist() {
        let error = daemon(&["--plugins", "/nonexistent/plugins"]).unwrap_err();
        assert_eq!(error.to_string(), "plugin directory /nonexistent/plugins does not exist");
    }
}
