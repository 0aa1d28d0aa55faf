//! How much goes wrong in a run.

use crate::chance::Chance;

/// How much goes wrong in a run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plan {
    /// The power goes once in so many places; never if 0.
    pub(crate) crash_one_in: u64,
    /// So often at most.
    pub(crate) crashes_max: u64,
    /// The disk is full from some place on, once in so many.
    pub(crate) full_one_in: u64,
    /// Whether others take what is given up of the store's reserve.
    pub(crate) greedy: bool,
    /// The clock jumps once in so many looks at it.
    pub(crate) jump_one_in: u64,
    /// A plugin's operation ends badly once in so many.
    pub(crate) bad_one_in: u64,
    /// Calls take up to so long, in milliseconds.
    pub(crate) slow_max: u64,
    /// Whether a second factory works on the same store.
    pub(crate) second: bool,
    /// A factory beside another stops, dies or is taken for dead once in so many places.
    pub(crate) mishap_one_in: u64,
}

impl Plan {
    pub(crate) fn new(chance: &mut Chance) -> Self {
        let pick = |chance: &mut Chance, from: &[u64]| *chance.pick(from).unwrap();
        Self {
            crash_one_in: pick(chance, &[0, 40, 100, 200, 400, 800]),
            crashes_max: chance.between(1, 5),
            full_one_in: pick(chance, &[0, 0, 50, 200]),
            greedy: chance.one_in(2),
            jump_one_in: pick(chance, &[0, 10, 50]),
            bad_one_in: pick(chance, &[0, 3, 6]),
            slow_max: pick(chance, &[1, 20, 200]),
            second: chance.one_in(3),
            mishap_one_in: pick(chance, &[60, 200, 600]),
        }
    }
}
