//! What this machine can take away from a process.

use super::container::can_map_subordinates;
use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, Ruleset, RulesetAttr,
    Scope,
};
use rustix::thread::CapabilitySet;
use std::fmt;
use std::path::Path;

/// Something that a kernel may have, or a user may have the right to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Feature {
    /// Files by path (Linux 5.13).
    Landlock,
    /// TCP by port (Linux 6.7).
    LandlockNetwork,
    /// Signals and abstract sockets within the sandbox (Linux 6.12).
    LandlockScope,
    /// Filters of system calls (Linux 3.5).
    Seccomp,
    /// Sockets in the file system by path (Landlock of a kernel after 7.0).
    LandlockUnix,
    /// Networks of a plugin's own; takes root.
    NetworkNamespace,
    /// User namespaces for plugins that make some; takes root, or subordinate ids and the programs that map them.
    UserNamespace,
}

impl Feature {
    /// All there are.
    pub const ALL: [Self; 7] = [
        Self::Landlock,
        Self::LandlockNetwork,
        Self::LandlockScope,
        Self::LandlockUnix,
        Self::Seccomp,
        Self::NetworkNamespace,
        Self::UserNamespace,
    ];

    /// Answers the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Landlock => "landlock",
            Self::LandlockNetwork => "landlock-network",
            Self::LandlockScope => "landlock-scope",
            Self::LandlockUnix => "landlock-unix",
            Self::Seccomp => "seccomp",
            Self::NetworkNamespace => "network-namespace",
            Self::UserNamespace => "user-namespace",
        }
    }

    /// Says what is missing without it, and what it takes.
    pub fn missing(self) -> &'static str {
        match self {
            Self::Landlock => {
                "files can't be kept from plugins: that takes Linux 5.13 with Landlock"
            }
            Self::LandlockNetwork => "TCP ports can't be kept from plugins: that takes Linux 6.7",
            Self::LandlockScope => {
                "plugins can signal other processes of this user: only Linux 6.12 prevents that"
            }
            Self::Seccomp => "system calls can't be kept from plugins: the kernel has no seccomp",
            Self::LandlockUnix => {
                "plugins can connect to sockets in the file system, as far as these let their user in: only a kernel with \
                 Landlock 9 prevents that"
            }
            Self::NetworkNamespace => "plugins can't have networks of their own: that takes root",
            Self::UserNamespace => {
                "a plugin that makes user namespaces can't have one around it: that takes root, or newuidmap and a range of \
                 65536 ids in /etc/subuid and /etc/subgid"
            }
        }
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What this machine can take away from a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    features: Vec<Feature>,
    /// Whether this process may do what root may.
    pub privileged: bool,
}

impl Machine {
    /// Makes a machine that can just this.
    pub fn with(features: &[Feature], privileged: bool) -> Self {
        Self { features: features.to_vec(), privileged }
    }

    /// Asks the kernel.
    pub fn probe() -> Self {
        let privileged = is_privileged();
        let has = |feature: &Feature| match feature {
            Feature::Landlock => {
                landlock(|ruleset| ruleset.handle_access(AccessFs::from_all(ABI::V1)))
            }
            Feature::LandlockNetwork => {
                landlock(|ruleset| ruleset.handle_access(AccessNet::from_all(ABI::V4)))
            }
            Feature::LandlockScope => landlock(|ruleset| ruleset.scope(BitFlags::<Scope>::all())),
            Feature::LandlockUnix => {
                landlock(|ruleset| ruleset.handle_access(AccessFs::ResolveUnix))
            }
            Feature::Seccomp => Path::new("/proc/sys/kernel/seccomp/actions_avail").exists(),
            Feature::NetworkNamespace => privileged && Path::new("/proc/self/ns/net").exists(),
            Feature::UserNamespace => {
                Path::new("/proc/self/ns/user").exists() && (privileged || can_map_subordinates())
            }
        };
        Self { features: Feature::ALL.into_iter().filter(has).collect(), privileged }
    }

    /// Tells whether it can do that.
    pub fn has(&self, feature: Feature) -> bool {
        self.features.contains(&feature)
    }

    /// Answers what it can't do.
    pub fn lacks(&self) -> Vec<Feature> {
        Feature::ALL.into_iter().filter(|feature| !self.has(*feature)).collect()
    }
}

fn landlock(ask: impl FnOnce(Ruleset) -> Result<Ruleset, landlock::RulesetError>) -> bool {
    let ruleset = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    ask(ruleset).and_then(Ruleset::create).is_ok()
}

fn is_privileged() -> bool {
    let sets = rustix::thread::capabilities(None);
    let needed = CapabilitySet::SYS_ADMIN | CapabilitySet::SETPCAP;
    sets.is_ok_and(|sets| sets.effective.contains(needed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_all_that_is_not_there() {
        let machine = Machine::with(&[Feature::Seccomp, Feature::Landlock], false);
        assert!(machine.has(Feature::Seccomp));
        let lacks = machine.lacks();
        let expected = [
            Feature::LandlockNetwork,
            Feature::LandlockScope,
            Feature::LandlockUnix,
            Feature::NetworkNamespace,
            Feature::UserNamespace,
        ];
        assert_eq!(lacks, expected);
        assert!(Machine::with(&Feature::ALL, true).lacks().is_empty());
    }
}
