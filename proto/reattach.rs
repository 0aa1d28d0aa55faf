//! Plugins that somebody else started, such as a debugger: where they are. The form is go-plugin's, as Terraform has it in
//! `TF_REATTACH_PROVIDERS`: one JSON object, by the plugins' names.

use crate::handshake::{APP_VERSION, Address};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where plugins are that run already, by name.
pub type ReattachConfig = BTreeMap<String, Reattach>;

/// Where a plugin is that runs already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Reattach {
    /// `grpc`.
    pub protocol: String,
    /// The version of the contract that it speaks; go-plugin leaves it out of some versions.
    #[serde(default)]
    pub protocol_version: u32,
    /// Its process. It is never signalled; its end is noticed.
    pub pid: u32,
    /// Whether it lives on when the factory ends, as all of them do here.
    #[serde(default)]
    pub test: bool,
    /// Where it listens, without TLS.
    pub addr: ReattachAddress,
}

/// Where a plugin listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ReattachAddress {
    /// `unix` or `tcp`.
    pub network: String,
    /// The path of the socket, or host and port.
    pub string: String,
}

/// Why a plugin can't be attached to.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is no such JSON.
    #[error(
        "it is not JSON of the form {{\"NAME\": {{\"Protocol\": \"grpc\", \"Pid\": 1, \"Addr\": {{\"Network\": \"unix\", \"String\": \"/path\"}}}}}}: {0}"
    )]
    Json(#[from] serde_json::Error),
    /// It does not speak gRPC.
    #[error("plugin {name} speaks {protocol}, but only grpc is known")]
    Protocol {
        /// The plugin.
        name: String,
        /// What it speaks.
        protocol: String,
    },
    /// It speaks another version of the contract.
    #[error("plugin {name} speaks contract version {version}, but {APP_VERSION} is known")]
    Version {
        /// The plugin.
        name: String,
        /// What it speaks.
        version: u32,
    },
    /// It listens neither on a socket nor on TCP.
    #[error("plugin {name} listens on {network}, but must on unix or tcp")]
    Network {
        /// The plugin.
        name: String,
        /// Where it listens.
        network: String,
    },
}

/// Reads where plugins are.
///
/// # Errors
/// If it is something else, or a plugin can't be spoken to.
pub fn parse(text: &str) -> Result<ReattachConfig, Error> {
    let config: ReattachConfig = serde_json::from_str(text)?;
    for (name, reattach) in &config {
        let Reattach { protocol, protocol_version: version, addr, .. } = reattach;
        let name = || name.clone();
        if protocol != "grpc" {
            return Err(Error::Protocol { name: name(), protocol: protocol.clone() });
        }
        if ![0, APP_VERSION].contains(version) {
            return Err(Error::Version { name: name(), version: *version });
        }
        if !["unix", "tcp"].contains(&addr.network.as_str()) {
            return Err(Error::Network { name: name(), network: addr.network.clone() });
        }
    }
    Ok(config)
}

impl Reattach {
    /// Describes a plugin in this process that listens there.
    pub fn here(pid: u32, address: &Address) -> Self {
        let (network, string) = match address {
            Address::Unix(path) => ("unix", path.display().to_string()),
            Address::Tcp(address) => ("tcp", address.clone()),
        };
        Self {
            protocol: "grpc".to_owned(),
            protocol_version: APP_VERSION,
            pid,
            test: true,
            addr: ReattachAddress { network: network.to_owned(), string },
        }
    }

    /// Answers where it listens.
    pub fn address(&self) -> Address {
        match self.addr.network.as_str() {
            "tcp" => Address::Tcp(self.addr.string.clone()),
            _ => Address::Unix(self.addr.string.clone().into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `plugin.ServeTestConfig` of go-plugin prints it.
    const OF_GO: &str = r#"{"kvm":{"Protocol":"grpc","ProtocolVersion":1,"Pid":3382870,"Test":true,
        "Addr":{"Network":"unix","String":"/tmp/plugin713096927"}}}"#;

    #[test]
    fn the_form_is_that_of_go_plugin() {
        let config = parse(OF_GO).unwrap();
        let address = Address::Unix("/tmp/plugin713096927".into());
        assert_eq!(config["kvm"].address(), address);
        assert_eq!(config["kvm"], Reattach::here(3_382_870, &address));
        let again = serde_json::to_string(&config).unwrap();
        assert_eq!(parse(&again).unwrap(), config);
    }

    #[test]
    fn what_can_not_be_spoken_to_is_refused_by_name() {
        for (old, new, told) in [
            ("grpc", "netrpc", "plugin kvm speaks netrpc, but only grpc is known"),
            ("n\":1", "n\":7", "plugin kvm speaks contract version 7, but 1 is known"),
            ("unix", "ip", "plugin kvm listens on ip, but must on unix or tcp"),
        ] {
            assert_eq!(parse(&OF_GO.replacen(old, new, 1)).unwrap_err().to_string(), told);
        }
        assert!(parse("[]").unwrap_err().to_string().starts_with("it is not JSON of the form"));
    }
}
