//! Capabilities: root without most of what root may.

use rustix::io::Errno;
use rustix::thread::{CapabilitySet, remove_capability_from_bounding_set};
use std::io;

/// Leaves these to the process and to what it executes.
pub(super) fn keep(kept: &[u32]) -> io::Result<()> {
    for number in 0..u64::BITS {
        if kept.contains(&number) {
            continue;
        }
        let one = CapabilitySet::from_bits_retain(1 << number);
        match remove_capability_from_bounding_set(one) {
            // The kernel knows no more of them.
            Err(Errno::INVAL) => break,
            other => other?,
        }
    }
    Ok(())
}
