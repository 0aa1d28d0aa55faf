//! Which requests were made already: none is taken twice.

use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashSet};

/// How many requests of one client are remembered. More within the window are refused: about 3 300 a second, and 60 MiB.
const REMEMBERED_MAX: usize = 1_000_000;

/// A nonce, shortened: 128 bits, so that no two of a window are ever the same by chance.
pub(super) type Short = [u8; 16];

/// The nonces of one client within the window, by the second that their requests name.
#[derive(Debug)]
pub(super) struct Nonces {
    by_second: BTreeMap<u64, HashSet<Short>>,
    count: usize,
    max: usize,
}

/// Why a nonce is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotNew {
    /// It was there before.
    Seen,
    /// There is no room to remember it.
    Full,
}

impl Default for Nonces {
    fn default() -> Self {
        Self { by_second: BTreeMap::new(), count: 0, max: REMEMBERED_MAX }
    }
}

impl Nonces {
    /// Remembers a nonce; forgets those before `oldest`, whose requests are too old to come again.
    pub(super) fn remember(
        &mut self,
        second: u64,
        nonce: Short,
        oldest: u64,
    ) -> Result<(), NotNew> {
        self.forget(oldest);
        let known = self.by_second.get(&second).is_some_and(|nonces| nonces.contains(&nonce));
        if known {
            return Err(NotNew::Seen);
        }
        if self.max <= self.count {
            return Err(NotNew::Full);
        }
        self.by_second.entry(second).or_default().insert(nonce);
        self.count += 1;
        Ok(())
    }

    fn forget(&mut self, oldest: u64) {
        while let Some(first) = self.by_second.first_entry()
            && *first.key() < oldest
        {
            self.count -= first.remove().len();
        }
    }
}

/// Shortens a nonce.
pub(super) fn short(nonce: &str) -> Short {
    let digest = Sha256::digest(nonce.as_bytes());
    let mut short = Short::default();
    short.copy_from_slice(&digest[..16]);
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_new_once_in_a_second() {
        let mut nonces = Nonces::default();
        assert_eq!(nonces.remember(10, short("a"), 0), Ok(()));
        assert_eq!(nonces.remember(10, short("a"), 0), Err(NotNew::Seen));
        assert_eq!(nonces.remember(11, short("a"), 0), Ok(()));
        assert_eq!(nonces.remember(10, short("b"), 0), Ok(()));
        assert_eq!(nonces.count, 3);
    }

    #[test]
    fn what_can_not_come_again_is_forgotten_and_nothing_else() {
        let mut nonces = Nonces::default();
        nonces.remember(10, short("a"), 0).unwrap();
        nonces.remember(11, short("a"), 0).unwrap();
        nonces.remember(20, short("a"), 11).unwrap();
        assert_eq!(nonces.count, 2);
        assert_eq!(nonces.remember(11, short("a"), 11), Err(NotNew::Seen));
    }

    #[test]
    fn memory_has_a_limit_and_a_full_one_takes_nothing() {
        let mut nonces = Nonces { max: 2, ..Nonces::default() };
        nonces.remember(10, short("a"), 0).unwrap();
        nonces.remember(10, short("b"), 0).unwrap();
        assert_eq!(nonces.remember(10, short("c"), 0), Err(NotNew::Full));
        assert_eq!(nonces.remember(10, short("a"), 0), Err(NotNew::Seen));
        assert_eq!(nonces.remember(12, short("c"), 11), Ok(()));
    }
}
