//! Ids of plugins' own.

use crate::seal::Ids;

/// The upper end of the ids that systemd sets aside for containers (its page "Users, Groups, UIDs and GIDs").
const FIRST: u32 = 0x6000_0000;
const RANGES: u32 = 0x1000;
const RANGE_LEN: u32 = 0x1_0000;

/// Answers the ids of a plugin: always the same, and as a rule no other plugin's.
pub(super) fn of(plugin: &str) -> Ids {
    // FNV-1a: nothing depends on it but that names spread.
    let hash = plugin
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    Ids::Foreign { first: FIRST + hash % RANGES * RANGE_LEN }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plugins_have_ranges_that_do_not_overlap_within_those_of_containers() {
        let first = |plugin| match of(plugin) {
            Ids::Foreign { first } => first,
            Ids::Subordinate => panic!(),
        };
        let (one, other) = (first("debian"), first("fedora"));
        assert!(RANGE_LEN <= one.abs_diff(other));
        for first in [one, other] {
            assert!((FIRST..=0x6fff_0000).contains(&first) && first % RANGE_LEN == 0);
        }
    }
}
