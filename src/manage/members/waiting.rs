//! Who is next: three levels, each first in, first out.
//!
//! Which level is next is the rule of all queues with levels ([`PriorityPicker`]): what [`Priority`] promises for ready tasks holds
//! for those who wait.
//!
//! A member that leaves, or is given another level, leaves its *ticket* behind; the owner's table says by the number of the
//! turn which ticket of a member counts.

use crate::manage::fifo::Fifo;
use crate::task::{LEVELS, Priority, PriorityPicker};
use crate::util::slab::Key;

/// A place in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    pub(super) key: Key,
    /// Unlike that of any other ticket.
    pub(super) turn: u64,
    pub(super) level: Priority,
}

/// The members that are not launched.
#[derive(Debug)]
pub(super) struct Waiting {
    levels: [Fifo<Ticket>; LEVELS],
    passes: PriorityPicker,
    turns: u64,
}

impl Waiting {
    pub(super) fn new() -> Self {
        Self { levels: std::array::from_fn(|_| Fifo::new()), passes: PriorityPicker::default(), turns: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.levels.iter().map(Fifo::len).sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.levels.iter().all(Fifo::is_empty)
    }

    /// Queues a member behind all others of its level.
    pub(super) fn push(&mut self, key: Key, level: Priority) -> Ticket {
        self.turns += 1;
        let ticket = Ticket { key, turn: self.turns, level };
        self.levels[level.index()].push(ticket);
        ticket
    }

    /// Takes the ticket of the member whose turn it is, among those that `count`.
    pub(super) fn pop(&mut self, count: impl Fn(&Ticket) -> bool) -> Option<Key> {
        let chosen = self.passes.take(self.levels.each_ref().map(|level| !level.is_empty()))?;
        self.levels[chosen].pop(count).map(|ticket| ticket.key)
    }

    /// Notes that a ticket counts no more.
    pub(super) fn leave(&mut self, level: Priority, count: impl Fn(&Ticket) -> bool) {
        self.levels[level.index()].leave(count);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::util::slab::Slab;
    use proptest::prelude::*;

    fn served(waiting: &mut Waiting) -> Vec<u32> {
        std::iter::from_fn(|| waiting.pop(|_| true)).map(Key::index).collect()
    }

    #[test]
    fn higher_levels_first_and_within_a_level_in_order() {
        let (mut keys, mut waiting) = (Slab::new(), Waiting::new());
        for level in [Priority::Background, Priority::UserVisible, Priority::UserBlocking].into_iter().cycle().take(6) {
            waiting.push(keys.insert(()), level);
        }
        assert_eq!(served(&mut waiting), [2, 5, 1, 4, 0, 3]);
    }

    #[test]
    fn nobody_is_passed_over_for_ever() {
        let (mut keys, mut waiting) = (Slab::new(), Waiting::new());
        waiting.push(keys.insert(()), Priority::Background);
        waiting.push(keys.insert(()), Priority::UserVisible);
        for _ in 0..50 {
            waiting.push(keys.insert(()), Priority::UserBlocking);
        }
        let order = served(&mut waiting);
        assert_eq!((order[8], order[32]), (1, 0));
    }

    proptest! {
        #[test]
        fn behaves_as_three_lists(steps in proptest::collection::vec((0_u8..5, any::<usize>(), 0_usize..3), 0..400)) {
            let (mut table, mut waiting) = (Slab::<Ticket>::new(), Waiting::new());
            let mut model: [Vec<Key>; LEVELS] = Default::default();
            for (what, choice, level) in steps {
                let all: Vec<Key> = model.iter().flatten().copied().collect();
                let chosen = all.get(choice.checked_rem(all.len()).unwrap_or_default()).copied();
                match (what, chosen) {
                    (0 | 1, _) => {
                        let blank = Ticket { key: Slab::new().insert(()), turn: 0, level: Priority::default() };
                        let key = table.insert(blank);
                        *table.get_mut(key).unwrap() = waiting.push(key, Priority::ALL[level]);
                        model[level].push(key);
                    }
                    (2, Some(key)) => {
                        let ticket = table.remove(key).unwrap();
                        waiting.leave(ticket.level, |other| table.get(other.key) == Some(other));
                        model.iter_mut().for_each(|level| level.retain(|other| *other != key));
                    }
                    (3, Some(key)) => {
                        let before = *table.get(key).unwrap();
                        *table.get_mut(key).unwrap() = waiting.push(key, Priority::ALL[level]);
                        waiting.leave(before.level, |other| table.get(other.key) == Some(other));
                        model.iter_mut().for_each(|level| level.retain(|other| *other != key));
                        model[level].push(key);
                    }
                    _ => match waiting.pop(|ticket| table.get(ticket.key) == Some(ticket)) {
                        None => prop_assert!(all.is_empty()),
                        Some(key) => {
                            let ticket = table.remove(key).unwrap();
                            prop_assert_eq!(model[ticket.level.index()].remove(0), key);
                        }
                    },
                }
                prop_assert_eq!(waiting.len(), model.iter().map(Vec::len).sum::<usize>());
                prop_assert_eq!(waiting.is_empty(), model.iter().all(Vec::is_empty));
            }
        }
    }
}
