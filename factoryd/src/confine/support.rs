//! What this machine and this user have to confine plugins with.

use rustix::thread::{CapabilitySet, capabilities};

/// Tells whether this process may make namespaces without a user namespace around them.
pub fn can_make_namespaces() -> bool {
    capabilities(None).is_ok_and(|ours| ours.effective.contains(CapabilitySet::SYS_ADMIN))
}
