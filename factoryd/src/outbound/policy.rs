//! Where connections may go.

use super::address::{is_public, plain};
use super::{Error, Location};
use ipnet::IpNet;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use url::Host;

/// Something that may be reached though it is not public: what `--outbound-allow` takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allowed {
    /// A host by its name, in lower case, whatever its addresses are.
    Host(String),
    /// An address or a network.
    Network(IpNet),
}

/// Text that names no host, address or network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no host, address or network")]
pub struct InvalidAllowed(String);

/// Decides where connections may go.
#[derive(Debug, Clone)]
pub struct Policy {
    unrestricted: bool,
    allow: Vec<Allowed>,
}

impl FromStr for Allowed {
    type Err = InvalidAllowed;

    fn from_str(text: &str) -> Result<Self, InvalidAllowed> {
        let invalid = || InvalidAllowed(text.chars().take(100).collect());
        if let Ok(network) = text.parse::<IpNet>() {
            return Ok(Self::Network(network));
        }
        // As in a URL, so that both are written alike: brackets, upper case, international names.
        match Host::parse(text.trim_end_matches('.')) {
            _ if text.contains('/') => Err(invalid()),
            Ok(Host::Domain(name)) => Ok(Self::Host(name)),
            Ok(Host::Ipv4(address)) => Ok(Self::Network(IpNet::from(IpAddr::from(address)))),
            Ok(Host::Ipv6(address)) => Ok(Self::Network(IpNet::from(IpAddr::from(address)))),
            Err(_) => {
                text.parse::<IpAddr>().map(|one| Self::Network(one.into())).map_err(|_| invalid())
            }
        }
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(name) => f.write_str(name),
            Self::Network(network) => write!(f, "{network}"),
        }
    }
}

impl Policy {
    /// Permits public addresses, and what is in the list.
    pub fn public(allow: Vec<Allowed>) -> Self {
        Self { unrestricted: false, allow }
    }

    /// Permits everything.
    pub fn unrestricted() -> Self {
        Self { unrestricted: true, allow: Vec::new() }
    }

    /// Tells whether a connection to this address is permitted, for who asked for `host`.
    pub fn permits(&self, host: &str, address: IpAddr) -> bool {
        self.unrestricted || is_public(address) || self.names(host) || self.covers(address)
    }

    /// Refuses a URL where that can be told without looking anything up.
    ///
    /// # Errors
    /// If its host is an address that may not be reached, or a name of this machine.
    pub fn judge(&self, location: &Location) -> Result<(), Error> {
        let host = location.host();
        let refused = match location.address() {
            Some(address) => !self.permits(host, address),
            None => is_loopback_name(host) && !self.unrestricted && !self.names(host),
        };
        if refused { Err(Error::Address { host: host.to_owned() }) } else { Ok(()) }
    }

    fn names(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.');
        self.allow
            .iter()
            .any(|one| matches!(one, Allowed::Host(name) if name.eq_ignore_ascii_case(host)))
    }

    fn covers(&self, address: IpAddr) -> bool {
        let is_in = |address: IpAddr| {
            self.allow
                .iter()
                .any(|one| matches!(one, Allowed::Network(net) if net.contains(&address)))
        };
        is_in(address) || is_in(plain(address))
    }
}

/// Names that every system resolves to itself (RFC 6761).
fn is_loopback_name(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host == "localhost" || host == "localhost.localdomain" || host.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowing(entries: &[&str]) -> Policy {
        Policy::public(entries.iter().map(|entry| entry.parse().unwrap()).collect())
    }

    fn judged(policy: &Policy, url: &str) -> bool {
        policy.judge(&Location::parse(url).unwrap()).is_ok()
    }

    #[test]
    fn a_host_that_is_this_machine_in_disguise_is_refused_before_anything_is_looked_up() {
        let policy = allowing(&[]);
        for url in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0177.0.0.1/",
            "http://0x7f.1/",
            "http://127.0.0.1./",
            "http://0/",
            "http://[::1]/",
            "http://[::]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://[0:0:0:0:0:ffff:a9fe:a9fe]/",
            "http://[64:ff9b::7f00:1]/",
            "http://[fe80::1]/",
            "http://localhost/",
            "http://localhost./",
            "http://LocalHost:8080/",
            "http://a.localhost/",
            "http://localhost.localdomain/",
            "http://example.org@127.0.0.1/",
            "http://169.254.169.254/x",
            "http://example.org:80@10.0.0.1/",
            "http://１２７.0.0.1/",
            "http://127。0。0。1/",
            "http:\\\\127.0.0.1\\",
            "http://168.63.129.16/",
            "https://[fd00:ec2::254]/",
        ] {
            assert!(!judged(&policy, url), "{url}");
        }
        for url in [
            "http://example.org/",
            "http://8.8.8.8/",
            "https://[2600::1]:8443/x",
            "http://127.0.0.1.example.org/",
        ] {
            assert!(judged(&policy, url), "{url}");
        }
    }

    #[test]
    fn what_is_allowed_by_name_address_or_network_can_be_reached() {
        let policy = allowing(&["Mirror.corp.", "10.1.0.0/16", "127.0.0.1", "[::1]", "fd00::/8"]);
        for (host, address, expected) in [
            ("mirror.corp", "192.168.7.7", true),
            ("MIRROR.corp.", "192.168.7.7", true),
            ("a.mirror.corp", "192.168.7.7", false),
            ("x", "10.1.2.3", true),
            ("x", "10.2.0.1", false),
            ("x", "127.0.0.1", true),
            ("x", "127.0.0.2", false),
            ("x", "::ffff:127.0.0.1", true),
            ("x", "64:ff9b::10.1.2.3", true),
            ("x", "::1", true),
            ("x", "fd12::1", true),
            ("x", "fe80::1", false),
        ] {
            assert_eq!(
                policy.permits(host, address.parse().unwrap()),
                expected,
                "{host} {address}"
            );
        }
        assert!(judged(&policy, "http://10.1.2.3:99/"));
        assert!(!judged(&policy, "http://localhost/"), "a name is not its address");
        assert!(judged(&allowing(&["localhost"]), "http://localhost:1/"));
    }

    #[test]
    fn what_names_nothing_is_refused() {
        for text in ["", "a b", "10.0.0.0/33", "mirror/8", "http://x", "a/b"] {
            assert!(text.parse::<Allowed>().is_err(), "{text}");
        }
        assert_eq!("fe80::1".parse::<Allowed>().unwrap().to_string(), "fe80::1/128");
    }
}
