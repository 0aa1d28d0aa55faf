//! From names to addresses that may be connected to.

use super::Policy;
use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Looks names up.
#[async_trait]
pub trait Lookup: Send + Sync {
    /// Answers the addresses of a host.
    ///
    /// # Errors
    /// If there is none, or nobody can be asked.
    async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// Asks the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemLookup;

#[async_trait]
impl Lookup for SystemLookup {
    async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((host, 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    }
}

/// A host whose addresses the policy does not permit.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{host} has no address that may be reached")]
pub(super) struct Refused {
    pub(super) host: String,
}

/// Lets only those addresses through that the policy permits: the client connects to these and to no others.
pub(super) struct Guard {
    pub(super) policy: Arc<Policy>,
    pub(super) lookup: Arc<dyn Lookup>,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let (policy, lookup) = (self.policy.clone(), self.lookup.clone());
        Box::pin(async move {
            let host = name.as_str();
            let mut addresses = lookup.lookup(host).await?;
            addresses.retain(|address| policy.permits(host, *address));
            if addresses.is_empty() {
                return Err(Refused { host: host.to_owned() }.into());
            }
            let addresses = addresses.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(addresses) as Addrs)
        })
    }
}
