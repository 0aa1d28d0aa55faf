//! The command that launches a plugin's init: its environment and its directory are the plugin's.

use crate::confine;
use factory_proto::handshake;
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

/// What a plugin's environment takes over from ours. Anything else stays here: an environment is no place for secrets,
/// and a plugin should behave the same whoever started the daemon.
const INHERITED: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "XDG_RUNTIME_DIR",
    "XDG_CACHE_HOME",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "SOURCE_DATE_EPOCH",
    "RUST_BACKTRACE",
];

/// What a launch needs to know.
pub(in crate::plugin) struct Launch<'a> {
    /// The program that can be an init.
    pub(in crate::plugin) launcher: &'a Path,
    /// The directory of this start: working directory, and where the socket goes.
    pub(in crate::plugin) directory: &'a Path,
    /// Our certificate (PEM), which asks for mutual TLS.
    pub(in crate::plugin) certificate_pem: Option<&'a str>,
    /// More variables.
    pub(in crate::plugin) environment: &'a [(OsString, OsString)],
}

/// Makes the command.
pub(in crate::plugin) fn command(launch: &Launch<'_>) -> Command {
    let mut command = Command::new(launch.launcher);
    command
        .arg(confine::ARGUMENT)
        .env_clear()
        .envs(INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
        .envs(launch.environment.iter().map(|(name, value)| (name, value)))
        .env(handshake::COOKIE_KEY, handshake::COOKIE_VALUE)
        .env(handshake::VERSIONS, handshake::APP_VERSION.to_string())
        .env(handshake::SOCKET_DIR, launch.directory)
        .envs(handshake::TCP_PORTS)
        // A file that Python put beside a plugin's would be none of those that were installed.
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .envs(launch.certificate_pem.map(|pem| (handshake::CLIENT_CERT, pem)))
        .current_dir(launch.directory);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_is_what_is_listed_and_nothing_else() {
        let more = [("COLOUR".into(), "blue".into()), (handshake::COOKIE_KEY.into(), "x".into())];
        let launch = Launch {
            launcher: Path::new("/bin/true"),
            directory: Path::new("/run/f"),
            certificate_pem: Some("PEM"),
            environment: &more,
        };
        let command = command(&launch);
        let set: Vec<(&str, &str)> = command
            .get_envs()
            .filter_map(|(name, value)| Some((name.to_str()?, value?.to_str()?)))
            .filter(|(name, _)| !INHERITED.contains(name))
            .collect();
        assert_eq!(
            set,
            [
                ("COLOUR", "blue"),
                (handshake::COOKIE_KEY, handshake::COOKIE_VALUE),
                (handshake::CLIENT_CERT, "PEM"),
                ("PLUGIN_MAX_PORT", "25000"),
                ("PLUGIN_MIN_PORT", "10000"),
                (handshake::VERSIONS, "1"),
                (handshake::SOCKET_DIR, "/run/f"),
                ("PYTHONDONTWRITEBYTECODE", "1"),
            ]
        );
        assert!(INHERITED.contains(&"PATH"));
        // What is between the daemon and its service manager.
        for ours in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "LISTEN_FDS", "LISTEN_PID"] {
            assert!(!INHERITED.contains(&ours), "{ours}");
        }
    }
}
