//! One seed for many random generators.
//!
//! Each user draws its own seed, in the order of the calls (SplitMix64: a counter, well mixed). So one user's random
//! numbers do not affect the others.

use crate::sync::plain::{AtomicU64, Ordering};

/// The distance of two steps: 2^64 divided by the golden ratio, made odd.
///
/// So no state repeats before all have occurred.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// A sequence of seeds from one seed.
#[derive(Debug)]
pub(crate) struct Seeds(AtomicU64);

impl Seeds {
    pub(crate) fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// Returns the next seed.
    pub(crate) fn draw(&self) -> u64 {
        // Relaxed: each caller gets its own number, and publishes nothing.
        mix(self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP))
    }
}

fn mix(state: u64) -> u64 {
    let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_splitmix64() {
        // The published test vector for the seed 1234567.
        let seeds = Seeds::new(1_234_567);
        let drawn: Vec<_> = (0..3).map(|_| seeds.draw()).collect();
        assert_eq!(drawn, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }
}
