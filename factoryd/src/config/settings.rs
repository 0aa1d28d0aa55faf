//! Every setting: its key in the file, its flag, its default, and what it becomes.
//!
//! A function per table of the file. A key that no line here reads is refused in a file.

use super::access;
use super::arguments::DaemonArguments;
use super::given::Given;
use super::limits;
use super::outbound;
use super::packages::packages;
use super::places;
use super::sandbox;
use super::sources::Sources;
use super::tls;
use super::value::LogFilter;
use super::{Config, DaemonConfig};
use crate::domain::RetentionRule;
use crate::filesystem::Bytes;
use crate::{callbacks, jobs, outbound as way_out, plugin, rest, store, tdl};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// Answers every key that a file may have.
pub(super) fn keys() -> Vec<&'static str> {
    let mut nothing = Sources::new(Given::nothing::<DaemonArguments>(), None, Vec::new());
    log(&mut nothing, "off");
    daemon(&mut nothing);
    nothing.keys()
}

/// Reads how much is logged.
pub(super) fn log(from: &mut Sources, usual: &str) -> LogFilter {
    from.or("log", "log", LogFilter::usual(usual))
}

/// Reads what makes a factory. In the process of a command line it works for its own user, and may do what that user may.
pub(super) fn shared(from: &mut Sources) -> Config {
    let root = from.or_else("store", "store", places::store).unwrap_or_else(|| {
        let hint = "give --store, or set HOME".to_owned();
        from.refuse("store", "there is no place for the store", Some(hint));
        PathBuf::new()
    });
    let packages = packages(from, &root);
    let installed = packages.directory.clone();
    let named = plugin_directories(from);
    let directories = Some(installed).filter(|it| it.is_dir()).into_iter().chain(named).collect();
    let mut plugins = plugin::Options::new(directories, plugin::Options::default_runtime_dir());
    plugins.executable_directories = places::executables();
    plugins.limits = limits::read(from);
    plugins.pins = sandbox::pins(from, &root);
    plugins.sandbox = sandbox::sandbox(from);
    plugins.reattach = from.optional("reattach", "reattach");
    let templates = templates(from);
    let outbound = way_out::Options { trusting: true, ..way_out::Options::default() };
    let secrets = from.or_else("secrets.directory", "secrets_dir", places::secrets);
    plugins.secret = secrets.iter().cloned().chain([root.clone()]).collect();
    Config {
        store: store::Options { root },
        plugins,
        packages,
        templates,
        jobs: jobs(from),
        outbound,
        callbacks: callbacks::Options::default(),
        target_content: from.or_else("target_content", "target_content", places::target_content),
        secrets,
        core_dumps: from.or("core_dumps", "core_dumps", false),
    }
}

/// Reads how strict to be with templates.
pub(super) fn templates(from: &mut Sources) -> tdl::Options {
    let require_root_password = from.or("require_root_password", "require_root_password", false);
    tdl::Options { require_root_password }
}

/// Reads what makes a daemon.
pub(super) fn daemon(from: &mut Sources) -> DaemonConfig {
    let shared = shared(from);
    let factory = Config {
        outbound: outbound::read(from),
        callbacks: outbound::callbacks(from),
        jobs: jobs::Options { takes_up: true, ..shared.jobs.clone() },
        ..shared
    };
    let listen = from.or("grpc.listen", "listen", SocketAddr::from(([127, 0, 0, 1], 8076)));
    let rest = from.optional("rest.listen", "rest");
    let addresses: Vec<SocketAddr> = rest.into_iter().chain([listen]).collect();
    let tls = tls::read(from, &factory.store.root, &addresses);
    let access = access::read(from);
    access.check(from, "grpc.listen", Some(listen), tls.source.is_some());
    access.check(from, "rest.listen", rest, tls.source.is_some());
    let retention = retention(from);
    let (access, rest_options) = (access.callers, rest_options(from));
    DaemonConfig { factory, listen, rest, access, tls, rest_options, retention }
}

fn jobs(from: &mut Sources) -> jobs::Options {
    let usual = jobs::Options::default();
    let builds = NonZeroUsize::new(usual.concurrent_builds_max).unwrap_or(NonZeroUsize::MIN);
    let builds = from.or("jobs.concurrent_builds", "concurrent_builds", builds);
    let waiting = NonZeroUsize::new(usual.waiting_max).unwrap_or(NonZeroUsize::MIN);
    jobs::Options {
        concurrent_builds_max: builds.get(),
        waiting_max: from.or("jobs.waiting_max", "waiting_max", waiting).get(),
        disk: disk(from, usual.disk),
        cancel_grace: from.or("jobs.cancel_grace", "cancel_grace", usual.cancel_grace),
        drain_deadline: from.or("jobs.drain_deadline", "drain_deadline", usual.drain_deadline),
        retries: from.or("jobs.retries", "retries", usual.retries),
        ..usual
    }
}

/// Reads which images a daemon deletes by itself.
fn retention(from: &mut Sources) -> RetentionRule {
    RetentionRule {
        keep_last: from
            .optional("retention.keep_last", "retain_last")
            .map(|count: u32| count as usize),
        older_than: from.optional("retention.older_than", "retain_for"),
        name: from.optional("retention.name", "retain_name"),
        tag: from.optional("retention.tag", "retain_tag"),
    }
}

fn disk(from: &mut Sources, usual: jobs::DiskOptions) -> jobs::DiskOptions {
    let percent = NonZeroUsize::new(usual.overcommit as usize).unwrap_or(NonZeroUsize::MIN);
    let percent = from.or("jobs.disk_overcommit", "disk_overcommit", percent);
    jobs::DiskOptions {
        free_min: from.or("jobs.disk_free_min", "disk_free_min", Bytes(usual.free_min)).0,
        estimate: from.or("jobs.disk_estimate", "disk_estimate", Bytes(usual.estimate)).0,
        overcommit: u32::try_from(percent.get()).unwrap_or(u32::MAX),
    }
}

fn rest_options(from: &mut Sources) -> rest::Options {
    let usual = rest::Options::default();
    let connections = NonZeroUsize::new(usual.connections_max).unwrap_or(NonZeroUsize::MIN);
    let connections = from.or("rest.connections_max", "rest_connections", connections);
    let header_deadline =
        from.or("rest.header_deadline", "rest_header_deadline", usual.header_deadline);
    if header_deadline.is_zero() {
        from.refuse("rest.header_deadline", "this leaves clients no time at all", None);
    }
    rest::Options { connections_max: connections.get(), header_deadline }
}

fn plugin_directories(from: &mut Sources) -> Vec<PathBuf> {
    let directories = from.list_or("plugins", "plugins", places::plugins);
    existing(from, "plugins", "plugin directory", directories)
}

/// Answers the directories, absolute, for plugins run in directories of their own. Each must be there.
pub(super) fn existing(
    from: &mut Sources,
    key: &str,
    what: &str,
    directories: Vec<PathBuf>,
) -> Vec<PathBuf> {
    let mut absolute = Vec::with_capacity(directories.len());
    for directory in directories {
        match directory.canonicalize() {
            Ok(path) if path.is_dir() => absolute.push(path),
            _ => from.refuse(key, format!("{what} {} does not exist", directory.display()), None),
        }
    }
    absolute
}
