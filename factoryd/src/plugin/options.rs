//! What a [`Host`](super::Host) can be told.

use super::pins;
use super::reattach::ReattachSource;
use crate::confine::{self, PluginLimits};
use crate::sandbox;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// What a [`Host`](super::Host) can be told.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where `NAME.info` files are: in the directory itself or one level below. Of two files with one name the first
    /// counts.
    pub directories: Vec<PathBuf>,
    /// Where else executables may be, such as the directory of the daemon's own.
    pub executable_directories: Vec<PathBuf>,
    /// Where sockets go. Made if absent, mode 0700; must be short, since a socket's path is at most 107 bytes.
    pub runtime_dir: PathBuf,
    /// The program that watches over each plugin, by `main_if_asked`: `factoryd`, `factory`, or any whose `main` asks
    /// that first. As a rule this very program.
    pub launcher: PathBuf,
    /// Whether each plugin has a PID namespace of its own, which takes the right to make one.
    pub pid_namespace: bool,
    /// Whether each start of a plugin has a control group, where one can be had.
    pub control_groups: bool,
    /// What each plugin and all below it may take, where control groups can limit it.
    pub limits: PluginLimits,
    /// Whether the connection to a plugin is mutual TLS.
    pub auto_mtls: bool,
    /// The least important level of a plugin's log lines that is kept: `trace debug info warn error`.
    pub log_level: String,
    /// Environment variables for plugins, beside the few that are always handed on.
    pub environment: Vec<(OsString, OsString)>,
    /// Which plugins are not launched, because somebody else has started them, such as a debugger.
    pub reattach: Option<ReattachSource>,
    /// Which plugins may run.
    pub pins: pins::Options,
    /// What is kept from them.
    pub sandbox: sandbox::Options,
    /// Where operations work: below it each plugin has directories of its own .
    pub workspace: Option<PathBuf>,
    /// What is nobody's but the factory's, such as its store: files and directories that no plugin is given.
    pub secret: Vec<PathBuf>,
    /// How long things may take.
    pub timing: Timing,
}

/// How long things may take.
#[derive(Debug, Clone)]
pub struct Timing {
    /// From the launch to the handshake line.
    pub start_timeout: Duration,
    /// A short call: health, cancel, acknowledge.
    pub call_timeout: Duration,
    /// The call that asks a plugin what it is.
    pub describe_timeout: Duration,
    /// The call that asks a plugin to judge a request.
    pub validate_timeout: Duration,
    /// How long a plugin with running operations may be silent before its health is checked.
    pub quiet_max: Duration,
    /// From the request to end until SIGTERM, and from there until SIGKILL.
    pub stop_grace: Duration,
    /// After a broken connection: how long the exit of the process is waited for before the connection is blamed.
    pub exit_wait: Duration,
    /// The first pause between two restarts; doubles.
    pub backoff_first: Duration,
    /// The longest pause between two restarts.
    pub backoff_max: Duration,
}

impl Options {
    /// Makes options with defaults for everything but where things are.
    pub fn new(directories: Vec<PathBuf>, runtime_dir: PathBuf) -> Self {
        Self {
            directories,
            executable_directories: Vec::new(),
            runtime_dir,
            launcher: PathBuf::from("/proc/self/exe"),
            pid_namespace: confine::can_make_namespaces(),
            control_groups: true,
            limits: PluginLimits::default(),
            auto_mtls: true,
            log_level: "info".to_owned(),
            environment: Vec::new(),
            reattach: None,
            pins: pins::Options::default(),
            sandbox: sandbox::Options::default(),
            workspace: None,
            secret: Vec::new(),
            timing: Timing::default(),
        }
    }

    /// Answers the usual place for sockets: below the user's runtime directory, else below the temporary one.
    pub fn default_runtime_dir() -> PathBuf {
        match std::env::var_os("XDG_RUNTIME_DIR") {
            Some(dir) if !dir.is_empty() => PathBuf::from(dir).join("factory"),
            _ => {
                let user = rustix::process::getuid().as_raw();
                std::env::temp_dir().join(format!("factory-{user}"))
            }
        }
    }
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            start_timeout: Duration::from_secs(60),
            call_timeout: Duration::from_secs(10),
            describe_timeout: Duration::from_secs(10),
            validate_timeout: Duration::from_secs(30),
            quiet_max: Duration::from_secs(30),
            stop_grace: Duration::from_secs(5),
            exit_wait: Duration::from_secs(3),
            backoff_first: Duration::from_millis(500),
            backoff_max: Duration::from_secs(30),
        }
    }
}
