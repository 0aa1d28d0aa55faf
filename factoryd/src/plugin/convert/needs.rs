//! What a plugin needs, over gRPC.

use crate::domain::{Needs, Network};
use factory_proto::plugin_v1::{self as proto, needs};

/// Reads what a plugin needs.
pub(in crate::plugin) fn needs(said: proto::Needs) -> Needs {
    Needs {
        network: network(said.network()),
        devices: said.devices,
        hosts: said.hosts,
        read_paths: said.read_paths,
        write_paths: said.write_paths,
        user_namespaces: said.user_namespaces,
        tools: said.tools.into_iter().map(|tool| tool.program).collect(),
        credentials: said.credentials,
    }
}

fn network(said: needs::Network) -> Network {
    match said {
        needs::Network::Unspecified | needs::Network::None => Network::None,
        needs::Network::Loopback => Network::Loopback,
        needs::Network::Hosts => Network::Hosts,
        needs::Network::Any => Network::Any,
    }
}
