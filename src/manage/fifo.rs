//! A queue whose members may leave out of order.
//!
//! A member that leaves is removed from the owner's own table. Its key stays here as *stale*, is skipped when its turn
//! comes, and is swept when half of the queue is stale. So every call is O(1) amortised, and the memory is proportional
//! to the remaining members.

use std::collections::VecDeque;

/// The number of stale keys that are not worth a sweep.
const FEW: usize = 16;

/// A first-in first-out queue; keys are never queued twice.
#[derive(Debug)]
pub(super) struct Fifo<K> {
    keys: VecDeque<K>,
    stale: usize,
}

impl<K> Fifo<K> {
    pub(super) fn new() -> Self {
        Self { keys: VecDeque::new(), stale: 0 }
    }

    /// Returns the number of members that have not left.
    pub(super) fn len(&self) -> usize {
        self.keys.len() - self.stale
    }

    pub(super) fn push(&mut self, key: K) {
        self.keys.push_back(key);
    }

    /// Removes the oldest member that is still `there`.
    pub(super) fn pop(&mut self, there: impl Fn(&K) -> bool) -> Option<K> {
        loop {
            let key = self.keys.pop_front()?;
            if there(&key) {
                return Some(key);
            }
            self.stale -= 1;
        }
    }

    /// Records that one member has left: `there` is false for it from now on.
    pub(super) fn leave(&mut self, there: impl Fn(&K) -> bool) {
        self.stale += 1;
        if self.stale > FEW && self.stale * 2 > self.keys.len() {
            self.keys.retain(there);
            self.keys.shrink_to(self.keys.len() * 2 + FEW);
            self.stale = 0;
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn behaves_as_a_list_with_removal(steps in proptest::collection::vec((0_u8..4, any::<usize>()), 0..400)) {
            let mut fifo = Fifo::new();
            let mut model = BTreeSet::new();
            for (turn, (what, choice)) in steps.into_iter().enumerate() {
                match what {
                    0 | 1 => {
                        fifo.push(turn);
                        model.insert(turn);
                    }
                    2 if !model.is_empty() => {
                        let leaver = *model.iter().nth(choice % model.len()).unwrap();
                        model.remove(&leaver);
                        fifo.leave(|key| model.contains(key));
                    }
                    _ => prop_assert_eq!(fifo.pop(|key| model.contains(key)), model.pop_first()),
                }
                prop_assert_eq!(fifo.len(), model.len());
                prop_assert!(fifo.keys.len() <= 2 * model.len() + FEW + 1);
            }
        }
    }
}
