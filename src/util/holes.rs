//! The free indices of a vector, of which the one nearest to the last is used.
//!
//! A set of small numbers as a tree of bitmaps: bit N of the lowest level says that N is in the set, and a bit of each higher
//! level that 64 bits below are not all zero. So the places of a vector that was emptied in any order are handed out in
//! the order of memory: a list of them, threaded through the vector, would lead from one miss of the cache to the next,
//! each waited for before the one after it is known.

/// A set of numbers.
pub(crate) struct Holes {
    /// The levels, from the lowest up to one of a single word.
    levels: Vec<Vec<u64>>,
    /// The word of the lowest level that is checked first.
    near: usize,
}

impl Holes {
    pub(crate) const fn new() -> Self {
        Self { levels: Vec::new(), near: 0 }
    }

    /// Adds a number. The next ones taken are near it.
    #[inline]
    pub(crate) fn add(&mut self, number: u32) {
        let word = number as usize / 64;
        match self.levels.first_mut().and_then(|lowest| lowest.get_mut(word)) {
            // Where the word has bits already, the levels above know.
            Some(bits) if *bits != 0 => *bits |= 1 << (number % 64),
            _ => self.add_slow(number as usize),
        }
        self.near = word;
    }

    fn add_slow(&mut self, number: usize) {
        let mut at = number;
        for level in 0.. {
            if self.levels.len() == level {
                // Another level: what was the highest one until now may have bits.
                let below = self.levels.last().is_some_and(|words| words[0] != 0);
                self.levels.push(vec![u64::from(below)]);
            }
            let words = &mut self.levels[level];
            if words.len() <= at / 64 {
                words.resize(at / 64 + 1, 0);
            }
            words[at / 64] |= 1 << (at % 64);
            if words.len() == 1 {
                // The highest: another one is made for a second word alone.
                return;
            }
            at /= 64;
        }
    }

    /// Removes a number: one near the last, else the lowest.
    #[inline]
    pub(crate) fn take(&mut self) -> Option<u32> {
        let lowest = self.levels.first_mut()?;
        let bits = &mut lowest[self.near];
        let bit = bits.trailing_zeros();
        let rest = *bits & bits.wrapping_sub(1);
        if rest == 0 {
            return self.take_slow();
        }
        *bits = rest;
        Some(self.near as u32 * 64 + bit)
    }

    /// Removes a number from a word that is empty or becomes empty.
    fn take_slow(&mut self) -> Option<u32> {
        if self.levels[0][self.near] == 0 {
            self.near = 0;
            for words in self.levels.iter().rev() {
                let bits = words[self.near];
                if bits == 0 {
                    return None; // Only in the highest: a bit there says that there is one below.
                }
                self.near = self.near * 64 + bits.trailing_zeros() as usize;
            }
            // The last step led to a bit of the lowest level.
            self.near /= 64;
        }
        let bit = self.levels[0][self.near].trailing_zeros();
        let mut at = self.near * 64 + bit as usize;
        for words in &mut self.levels {
            words[at / 64] &= !(1 << (at % 64));
            if words[at / 64] != 0 {
                break;
            }
            at /= 64;
        }
        Some(self.near as u32 * 64 + bit)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn behave_as_a_set(ops in prop::collection::vec(prop::option::weighted(0.6, (any::<u32>(), 0u32..28)), 0..300)) {
            let mut holes = Holes::new();
            let mut model = BTreeSet::new();
            for op in ops {
                if let Some((number, shift)) = op {
                    let number = number >> 4 >> shift;
                    holes.add(number);
                    model.insert(number);
                } else {
                    match holes.take() {
                        Some(number) => prop_assert!(model.remove(&number)),
                        None => prop_assert!(model.is_empty()),
                    }
                }
            }
            let mut left: Vec<_> = std::iter::from_fn(|| holes.take()).collect();
            left.sort_unstable();
            prop_assert_eq!(left, model.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn those_of_a_vector_come_in_the_order_of_memory() {
        let mut holes = Holes::new();
        for nth in 0..10_000u32 {
            holes.add(nth * 7919 % 10_000); // A prime: each number once.
        }
        let taken: Vec<_> = std::iter::from_fn(|| holes.take()).collect();
        let jumps = taken.windows(2).filter(|pair| pair[1] != pair[0] + 1).count();
        assert_eq!((taken.len(), jumps), (10_000, 2), "there, back to the lowest, and past there");
        holes.add(77);
        assert_eq!((holes.take(), holes.take()), (Some(77), None));
    }
}
