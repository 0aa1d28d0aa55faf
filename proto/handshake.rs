//! The launch: what the factory puts into a plugin's environment and standard input, and the one line it expects back.
//!
//! This is HashiCorp's go-plugin protocol, core version 1, gRPC only, so that a plugin written with `hashicorp/go-plugin`
//! works as it is. The bootstrap document on standard input is our addition; a plugin may leave it unread.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;

/// Environment variable that tells a plugin that a factory started it, and not a person.
pub const COOKIE_KEY: &str = "FACTORY_PLUGIN_MAGIC_COOKIE";
/// Its value. It protects from mistakes, not from attackers.
pub const COOKIE_VALUE: &str = "9f3c1b7e54a84dd0b3f2c86d1a7e90f5";
/// Environment variable: the contract versions that the factory speaks, separated by commas.
pub const VERSIONS: &str = "PLUGIN_PROTOCOL_VERSIONS";
/// Environment variable: the directory for the plugin's socket.
pub const SOCKET_DIR: &str = "PLUGIN_UNIX_SOCKET_DIR";
/// Environment variable: the factory's certificate (PEM), which asks for mutual TLS.
pub const CLIENT_CERT: &str = "PLUGIN_CLIENT_CERT";
/// Environment variables: the range of TCP ports, for plugins that can't use sockets.
pub const TCP_PORTS: [(&str, &str); 2] =
    [("PLUGIN_MIN_PORT", "10000"), ("PLUGIN_MAX_PORT", "25000")];

/// The version of go-plugin's own protocol.
pub const CORE_VERSION: u32 = 1;
/// The version of our contract: package `factory.plugin.v1`.
pub const APP_VERSION: u32 = 1;
/// The service name that a plugin reports as SERVING to `grpc.health.v1`.
pub const HEALTH_SERVICE: &str = "plugin";
/// A certificate field shorter than this is no certificate (go-plugin's rule).
const CERTIFICATE_LEN_MIN: usize = 50;

/// Where a plugin listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A unix socket.
    Unix(PathBuf),
    /// A TCP address.
    Tcp(String),
}

/// The line a plugin prints first: `CORE|APP|NETWORK|ADDRESS|grpc|CERTIFICATE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handshake {
    /// The contract version the plugin chose.
    pub app_version: u32,
    /// Where it listens.
    pub address: Address,
    /// Its certificate: base64 (standard alphabet, no padding) of the DER. `None`: no TLS.
    pub certificate: Option<String>,
}

/// Why a handshake line can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It has too few fields.
    #[error("it has fewer than 4 fields")]
    Fields,
    /// Another go-plugin protocol.
    #[error("core protocol version is `{0}`, but only {CORE_VERSION} is known")]
    Core(String),
    /// Not a contract version that the factory offered.
    #[error("the plugin speaks contract version `{0}`, but this factory speaks {APP_VERSION}")]
    App(String),
    /// Neither `unix` nor `tcp`.
    #[error("network is `{0}`, but must be `unix` or `tcp`")]
    Network(String),
    /// Not gRPC.
    #[error("protocol is `{0}`, but must be `grpc`")]
    Protocol(String),
}

impl Handshake {
    /// Reads a handshake line as go-plugin's own host does.
    ///
    /// # Errors
    /// If it is not one, or names a version, network or protocol that this factory does not speak.
    pub fn parse(line: &str) -> Result<Self, Error> {
        let fields: Vec<&str> = line.trim().split('|').collect();
        let [core, app, network, address, rest @ ..] = fields.as_slice() else {
            return Err(Error::Fields);
        };
        if core.parse() != Ok(CORE_VERSION) {
            return Err(Error::Core((*core).to_owned()));
        }
        if app.parse() != Ok(APP_VERSION) {
            return Err(Error::App((*app).to_owned()));
        }
        let address = match *network {
            "unix" => Address::Unix(address.into()),
            "tcp" => Address::Tcp((*address).to_owned()),
            other => return Err(Error::Network(other.to_owned())),
        };
        match rest.first().copied().unwrap_or("netrpc") {
            "grpc" => {}
            other => return Err(Error::Protocol(other.to_owned())),
        }
        let certificate = rest.get(1).map(|text| text.trim());
        let certificate = certificate.filter(|text| CERTIFICATE_LEN_MIN < text.len());
        Ok(Self { app_version: APP_VERSION, address, certificate: certificate.map(str::to_owned) })
    }

    /// Tells whether a line looks like a handshake at all, if perhaps a wrong one, and not like something printed before it.
    pub fn looks_like(line: &str) -> bool {
        let fields: Vec<&str> = line.trim().split('|').collect();
        let versions = fields.iter().take(2).all(|field| field.parse::<u32>().is_ok());
        versions && 4 <= fields.len()
    }
}

impl fmt::Display for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (network, address) = match &self.address {
            Address::Unix(path) => ("unix", path.display().to_string()),
            Address::Tcp(address) => ("tcp", address.clone()),
        };
        let certificate = self.certificate.as_deref().unwrap_or_default();
        write!(f, "{CORE_VERSION}|{}|{network}|{address}|grpc|{certificate}", self.app_version)
    }
}

/// The document the factory writes to a plugin's standard input, as one line. The stream then stays open; its end means
/// that the factory is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bootstrap {
    /// The version of this document: 1.
    pub schema_version: u32,
    /// This start of the plugin, unique.
    pub instance_id: String,
    /// A directory of this instance's own, for what must not outlive it.
    pub runtime_dir: PathBuf,
    /// The least important level of log lines that the factory keeps: `trace debug info warn error`.
    pub log_level: String,
    /// What the factory can do, as capability names.
    pub host_capabilities: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "1|1|unix|/run/f/plugin123|grpc|";

    #[test]
    fn a_line_survives_writing_and_reading() {
        for certificate in [None, Some("A".repeat(100))] {
            let handshake = Handshake {
                app_version: 1,
                address: Address::Unix("/run/f/plugin123".into()),
                certificate,
            };
            assert_eq!(Handshake::parse(&handshake.to_string()), Ok(handshake));
        }
    }

    #[test]
    fn more_fields_than_known_and_a_short_certificate_are_ignored() {
        let handshake = Handshake::parse("1|1|tcp|127.0.0.1:10000|grpc|short|true\n").unwrap();
        assert_eq!(handshake.certificate, None);
        assert_eq!(handshake.address, Address::Tcp("127.0.0.1:10000".into()));
    }

    #[test]
    fn what_is_not_spoken_is_refused_by_name() {
        for (line, error) in [
            ("hello", Error::Fields),
            ("2|1|unix|/s|grpc|", Error::Core("2".into())),
            ("1|7|unix|/s|grpc|", Error::App("7".into())),
            ("1|1|pipe|/s|grpc|", Error::Network("pipe".into())),
            ("1|1|unix|/s", Error::Protocol("netrpc".into())),
        ] {
            assert_eq!(Handshake::parse(line), Err(error));
        }
    }

    #[test]
    fn noise_is_told_from_a_handshake_that_is_wrong() {
        assert!(Handshake::looks_like(LINE));
        assert!(Handshake::looks_like("9|9|unix|/s|grpc|"));
        assert!(Handshake::looks_like("1|1|pipe|nowhere"));
        assert!(!Handshake::looks_like("loading | please wait"));
        assert!(!Handshake::looks_like(""));
    }
}
