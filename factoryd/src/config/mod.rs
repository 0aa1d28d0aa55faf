//! Settings: one file, the environment and flags, in that order of strength, become everyone's options, checked before
//! anything is opened. All that is wrong with them is told at once, where it was said.
//!
//! Adding a setting takes three lines, here for `[jobs] concurrent_builds`:
//! 1. a flag with its environment variable, in `arguments`; clap keeps it raw, so it is an `Option<OsString>`
//!    (`Vec<OsString>` if it can be repeated), and help says what the default is:
//!    `#[arg(long, value_name = "N", env = "FACTORY_CONCURRENT_BUILDS")] concurrent_builds: Option<OsString>`
//! 2. its key in the file with the flag's field and the default, in `settings`:
//!    `from.or("jobs.concurrent_builds", "concurrent_builds", usual)` (or `optional`, `or_else`, `list_or`); the
//!    type that it is read as says how it is written, see `value`. Whatever is wrong with a value that is well-formed,
//!    or with several together, is told by `from.refuse(key, …)`;
//! 3. a value for the tests, in `tests::samples`: they fail for a setting without one.
//!
//! Settings of one plugin stand in a table of its name, which only a file can have: `limits` has such.
//!
//! That is all: unknown keys, origins, `factoryd config show` and the translation of messages follow from these lines.

mod access;
mod arguments;
mod command;
mod document;
mod file;
mod given;
mod limits;
mod original;
mod outbound;
mod packages;
mod places;
mod problem;
mod sandbox;
mod settings;
mod show;
mod sources;
#[cfg(test)]
mod tests;
mod tls;
mod translate;
mod value;

pub use access::AccessArguments;
pub use arguments::{DaemonArguments, SharedArguments};
pub use command::{ConfigVerb, DaemonCommand, DaemonVerb};
pub use given::Flags;
pub use outbound::OutboundArguments;
pub use problem::Error;
pub use show::{settings_json, settings_table};
pub use sources::{Origin, Setting};
pub use tls::TlsArguments;
pub use translate::{Translation, translate};
pub use value::LogFilter;

use self::file::Files;
use self::given::Given;
use self::sources::Sources;
use crate::domain::RetentionRule;
use crate::{
    access as callers, callbacks, distribution, jobs, outbound as way_out, plugin, rest, store,
    tdl, transport,
};
use std::net::SocketAddr;
use std::path::PathBuf;

/// What a factory in this process is made of.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where images are kept.
    pub store: store::Options,
    /// Where plugins are found, and how they are started.
    pub plugins: plugin::Options,
    /// From where plugins may be installed.
    pub packages: distribution::Options,
    /// How much is done at once.
    pub jobs: jobs::Options,
    /// What may be reached.
    pub outbound: way_out::Options,
    /// How strict it is with templates.
    pub templates: tdl::Options,
    /// How callbacks are delivered.
    pub callbacks: callbacks::Options,
    /// The file of what is added to target images, if there is one.
    pub target_content: Option<PathBuf>,
    /// The directory of secrets that are only named, if there is one.
    pub secrets: Option<PathBuf>,
    /// Whether a crash may leave a core.
    pub core_dumps: bool,
}

/// What a daemon is made of.
#[derive(Debug, Clone)]
pub struct DaemonConfig {
    /// The factory it serves.
    pub factory: Config,
    /// Where it listens; port 0 for any free port.
    pub listen: SocketAddr,
    /// Where it serves REST, if it does; port 0 for any free port.
    pub rest: Option<SocketAddr>,
    /// Who may call.
    pub access: callers::Options,
    /// Whether and how it speaks TLS.
    pub tls: transport::Options,
    /// What REST clients may cost.
    pub rest_options: rest::Options,
    /// Which images are deleted by themselves.
    pub retention: RetentionRule,
}

/// Settings that were read, and nothing is wrong with them.
#[derive(Debug, Clone)]
pub struct Resolved<C> {
    /// What they make.
    pub config: C,
    /// How much is logged.
    pub log: LogFilter,
    /// Each of them, with who said it.
    pub settings: Vec<Setting>,
    /// What is lost of a file in the form of Image Factory's; one line each.
    pub warnings: Vec<String>,
}

impl DaemonCommand {
    /// Takes addresses that a service manager listens on already. They are stronger than what is typed, and must be as good.
    pub fn on_sockets(mut self, grpc: Option<SocketAddr>, rest: Option<SocketAddr>) -> Self {
        self.flags.given.set_socket("listen", grpc);
        self.flags.given.set_socket("rest", rest);
        self
    }

    /// Reads all settings of a daemon.
    ///
    /// # Errors
    /// All that is wrong with them.
    pub fn resolve(&self) -> Result<Resolved<DaemonConfig>, Error> {
        resolve(&self.flags.given, "info", settings::daemon)
    }
}

impl Flags<SharedArguments> {
    /// Reads the settings of a factory in this process; `usual` is how much it logs. The daemon's own are not read.
    ///
    /// # Errors
    /// All that is wrong with them.
    pub fn resolve(&self, usual: &str) -> Result<Resolved<Config>, Error> {
        resolve(&self.given, usual, settings::shared)
    }

    /// Reads how strict a factory in this process would be with templates.
    ///
    /// # Errors
    /// If what is said of that makes no sense, or the file can't be read.
    pub fn templates(&self) -> Result<tdl::Options, Error> {
        let mut from = sources(&self.given, Files::All);
        let templates = settings::templates(&mut from);
        from.finish(&settings::keys()).map(|_| templates)
    }

    /// Reads how much is logged, for a process that has no factory; a file is read if it is named.
    ///
    /// # Errors
    /// If that makes no sense.
    pub fn log(&self, usual: &str) -> Result<LogFilter, Error> {
        let mut from = sources(&self.given, Files::Named);
        let log = settings::log(&mut from, usual);
        from.finish(&settings::keys()).map(|_| log)
    }
}

fn resolve<C>(
    given: &Given,
    usual: &str,
    read: impl FnOnce(&mut Sources) -> C,
) -> Result<Resolved<C>, Error> {
    let mut from = sources(given, Files::All);
    let log = settings::log(&mut from, usual);
    let config = read(&mut from);
    let warnings = from.warnings();
    Ok(Resolved { config, log, settings: from.finish(&settings::keys())?, warnings })
}

fn sources(given: &Given, files: Files) -> Sources {
    match file::document(given, files) {
        Ok(document) => Sources::new(given.clone(), document, Vec::new()),
        Err(problems) => Sources::new(given.clone(), None, problems),
    }
}
