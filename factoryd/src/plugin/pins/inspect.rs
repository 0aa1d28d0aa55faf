//! What a plugin says of itself on its command line: `PLUGIN describe`, JSON.

use crate::domain::{Needs, Network};
use serde::{Deserialize, Serialize};

/// What counts of it here.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::plugin) struct Described {
    /// Its version; empty if it says none.
    pub(in crate::plugin) version: String,
    /// What it needs; `None` if it does not say.
    pub(in crate::plugin) needs: Option<Needs>,
}

/// Reads it. What is no such JSON says nothing.
pub(in crate::plugin) fn read(printed: &[u8]) -> Described {
    let said: Said = serde_json::from_slice(printed).unwrap_or_default();
    Described { version: said.version, needs: said.needs.map(Needs::from) }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    version: String,
    needs: Option<SaidNeeds>,
}

/// Needs in the form of `PLUGIN describe`: the contract's field names.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct SaidNeeds {
    devices: Vec<String>,
    network: String,
    hosts: Vec<String>,
    read_paths: Vec<String>,
    write_paths: Vec<String>,
    user_namespaces: bool,
    tools: Vec<SaidTool>,
    credentials: bool,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct SaidTool {
    program: String,
}

/// Words of `factory.plugin.v1.Needs.Network`.
const NETWORKS: [(&str, Network); 4] = [
    ("NETWORK_NONE", Network::None),
    ("NETWORK_LOOPBACK", Network::Loopback),
    ("NETWORK_HOSTS", Network::Hosts),
    ("NETWORK_ANY", Network::Any),
];

impl From<SaidNeeds> for Needs {
    fn from(said: SaidNeeds) -> Self {
        let network = NETWORKS.iter().find(|(word, _)| *word == said.network);
        Self {
            devices: said.devices,
            network: network.map(|(_, network)| *network).unwrap_or_default(),
            hosts: said.hosts,
            read_paths: said.read_paths,
            write_paths: said.write_paths,
            user_namespaces: said.user_namespaces,
            tools: said.tools.into_iter().map(|tool| tool.program).collect(),
            credentials: said.credentials,
        }
    }
}

impl From<Needs> for SaidNeeds {
    fn from(needs: Needs) -> Self {
        let network = NETWORKS.iter().find(|(_, network)| *network == needs.network);
        Self {
            devices: needs.devices,
            network: network.map(|(word, _)| (*word).to_owned()).unwrap_or_default(),
            hosts: needs.hosts,
            read_paths: needs.read_paths,
            write_paths: needs.write_paths,
            user_namespaces: needs.user_namespaces,
            tools: needs.tools.into_iter().map(|program| SaidTool { program }).collect(),
            credentials: needs.credentials,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_sdk_prints_is_understood() {
        let printed = br#"{"name": "x", "version": "1.2", "needs": {"network": "NETWORK_ANY",
            "tools": [{"program": "tar", "debian_package": "tar"}], "user_namespaces": true}}"#;
        let described = read(printed);
        assert_eq!(described.version, "1.2");
        let needs = described.needs.unwrap();
        assert_eq!(needs.lines(), ["network any", "runs tar", "makes namespaces and mounts"]);
        assert_eq!(Needs::from(SaidNeeds::from(needs.clone())), needs);
    }

    #[test]
    fn what_is_no_description_says_nothing() {
        for printed in [&b"usage: x"[..], b"", b"{\"needs\": 1}", b"[]"] {
            assert_eq!(read(printed), Described::default());
        }
        assert_eq!(read(br#"{"version": "1"}"#).needs, None);
    }
}
