//! The flags: what they are called and what help says of them.
//!
//! Their values are not read here; [`settings`](super::settings) does, from all sources at once.

use super::access::AccessArguments;
use super::limits::LimitArguments;
use super::outbound::OutboundArguments;
use super::packages::PackageArguments;
use super::sandbox::SandboxArguments;
use super::tls::TlsArguments;
use clap::Args;
use std::ffi::OsString;

/// The flags of every factory, in a daemon or in the process of a command line.
#[derive(Debug, Clone, Args)]
pub struct SharedArguments {
    /// Read settings from this TOML file; flags and FACTORY_* variables are stronger. Default: /etc/factory/factory.toml,
    /// if it is there.
    #[arg(long, value_name = "FILE", env = "FACTORY_CONFIG")]
    config: Option<OsString>,
    #[command(flatten)]
    store: StoreArguments,
    /// Refuse templates without os/rootpw, which may be empty. Default: false; such an image's root account is locked.
    #[arg(
        long,
        value_name = "BOOLEAN",
        env = "FACTORY_REQUIRE_ROOT_PASSWORD",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        hide_short_help = true
    )]
    require_root_password: Option<OsString>,
    /// Add what this file (Image Factory's target_content.xml) has for a target to every image for it. Default:
    /// /etc/factory/target_content.xml, if it is there.
    #[arg(long, value_name = "FILE", env = "FACTORY_TARGET_CONTENT", hide_short_help = true)]
    target_content: Option<OsString>,
    /// Take secrets that requests only name (`secret:NAME`) from the files of this directory. Only its owner may write in it,
    /// and read them. Default: /etc/factory/secrets, if it is there.
    #[arg(long, value_name = "DIR", env = "FACTORY_SECRETS_DIR", hide_short_help = true)]
    secrets_dir: Option<OsString>,
    /// Let a crash of the factory or of a plugin leave a core, for debugging: it has secrets in it. Default: false.
    #[arg(
        long,
        value_name = "BOOLEAN",
        env = "FACTORY_CORE_DUMPS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        hide_short_help = true
    )]
    core_dumps: Option<OsString>,
    /// Use plugins that run already, such as under a debugger, instead of launching them: JSON as `PLUGIN debug` prints it, or a
    /// file that has it. They are not confined, and never ended. Default: none.
    #[arg(long, value_name = "FILE|JSON", env = "FACTORY_REATTACH", hide_short_help = true)]
    reattach: Option<OsString>,
    #[command(flatten)]
    sandbox: SandboxArguments,
    #[command(flatten)]
    packages: PackageArguments,
    #[command(flatten)]
    jobs: JobsArguments,
    #[command(flatten)]
    limits: LimitArguments,
    /// Log this much to standard error: off, error, warn, info, debug, trace, or a filter such as `factoryd::plugin=debug`.
    #[arg(long, value_name = "LEVEL", env = "FACTORY_LOG")]
    log: Option<OsString>,
}

/// Where images are kept and plugins are found.
#[derive(Debug, Clone, Args)]
struct StoreArguments {
    /// Keep images in this directory. Default: /var/lib/factory for root, else ~/.local/share/factory.
    #[arg(long, value_name = "DIR", env = "FACTORY_STORE")]
    store: Option<OsString>,
    /// Look for plugins (NAME.info) in this directory and one level below; repeat it for more. Default: the source tree
    /// around this program, lib/factory/plugins beside its bin, /usr/lib/factory/plugins and /etc/factory/plugins.d, where they exist.
    /// What `factory plugin install` put into the store comes before them in any case.
    #[arg(long, value_name = "DIR", env = "FACTORY_PLUGINS", value_delimiter = ':')]
    plugins: Vec<OsString>,
}

/// How much is done at once.
#[derive(Debug, Clone, Args)]
struct JobsArguments {
    /// Build so many images at once; more wait. Default: as many as there are processors.
    #[arg(long, value_name = "N", env = "FACTORY_CONCURRENT_BUILDS", hide_short_help = true)]
    concurrent_builds: Option<OsString>,
    /// Let so many images wait to be built; more are refused. Default: 1000.
    #[arg(long, value_name = "N", env = "FACTORY_WAITING_MAX", hide_short_help = true)]
    waiting_max: Option<OsString>,
    /// Begin no build that would leave less than this free on the store's file system. Default: 256MiB.
    #[arg(long, value_name = "SIZE", env = "FACTORY_DISK_FREE_MIN", hide_short_help = true)]
    disk_free_min: Option<OsString>,
    /// Reserve so much room for a base image of which nothing is known; 0: none. Default: 1GiB.
    #[arg(long, value_name = "SIZE", env = "FACTORY_DISK_ESTIMATE", hide_short_help = true)]
    disk_estimate: Option<OsString>,
    /// Promise so many percent of the free room to builds. Default: 100.
    #[arg(long, value_name = "PERCENT", env = "FACTORY_DISK_OVERCOMMIT", hide_short_help = true)]
    disk_overcommit: Option<OsString>,
    /// Leave a plugin this long to clean up after a cancellation. Default: 10s.
    #[arg(long, value_name = "TIME", env = "FACTORY_CANCEL_GRACE", hide_short_help = true)]
    cancel_grace: Option<OsString>,
    /// Wait this long for builds to end when the factory ends. Default: 30s.
    #[arg(long, value_name = "TIME", env = "FACTORY_DRAIN_DEADLINE", hide_short_help = true)]
    drain_deadline: Option<OsString>,
    /// Begin a step again so often by itself after its plugin crashed. Default: 1.
    #[arg(long, value_name = "N", env = "FACTORY_RETRIES", hide_short_help = true)]
    retries: Option<OsString>,
}

/// Which images the daemon deletes by itself.
#[derive(Debug, Clone, Args)]
struct RetentionArguments {
    /// Delete images every hour, and keep so many complete ones of each name, kind and target (see `factory prune --help` for what
    /// stays in any case). Default: none is deleted.
    #[arg(long, value_name = "N", env = "FACTORY_RETAIN_LAST", hide_short_help = true)]
    retain_last: Option<OsString>,
    /// Delete images every hour that were made longer ago than this, such as 30d. Default: none is deleted.
    #[arg(long, value_name = "AGE", env = "FACTORY_RETAIN_FOR", hide_short_help = true)]
    retain_for: Option<OsString>,
    /// Delete only images with this name, in which `*` stands for any text. Default: any.
    #[arg(long, value_name = "PATTERN", env = "FACTORY_RETAIN_NAME", hide_short_help = true)]
    retain_name: Option<OsString>,
    /// Delete only images with this tag. Default: any.
    #[arg(long, value_name = "TAG", env = "FACTORY_RETAIN_TAG", hide_short_help = true)]
    retain_tag: Option<OsString>,
}

/// The flags of the daemon.
#[derive(Debug, Clone, Args)]
pub struct DaemonArguments {
    #[command(flatten)]
    shared: SharedArguments,
    #[command(flatten)]
    retention: RetentionArguments,
    /// Listen on this address; port 0 takes any free port. One that other machines reach needs TLS, or --plain-text.
    /// Default: 127.0.0.1:8076.
    #[arg(long, value_name = "ADDR", env = "FACTORY_LISTEN")]
    listen: Option<OsString>,
    /// Serve the REST API, version 2, on this address too, by the same rules. Default: it is not served.
    #[arg(long, value_name = "ADDR", env = "FACTORY_REST")]
    rest: Option<OsString>,
    /// Serve so many REST connections at once; more wait. Default: 512.
    #[arg(long, value_name = "N", env = "FACTORY_REST_CONNECTIONS", hide_short_help = true)]
    rest_connections: Option<OsString>,
    /// Give a REST client this long for the head of a request. Default: 30s.
    #[arg(long, value_name = "TIME", env = "FACTORY_REST_HEADER_DEADLINE", hide_short_help = true)]
    rest_header_deadline: Option<OsString>,
    #[command(flatten)]
    access: AccessArguments,
    #[command(flatten)]
    tls: TlsArguments,
    #[command(flatten)]
    outbound: OutboundArguments,
}
