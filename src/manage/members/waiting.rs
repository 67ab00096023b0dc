//! Who is next: three levels, each first in, first out.
//!
//! The most urgent level is served first. A lower one waits, but never for ever: once [`PASSES`] members of the levels above
//! were served while it had one, it is served. These are the numbers that [`Priority`] promises for ready tasks.
//!
//! A member that leaves, or is given another level, leaves its *ticket* behind; the owner's table says by the number of the
//! turn which ticket of a member counts.

use crate::manage::fifo::Fifo;
use crate::task::Priority;
use crate::util::slab::Key;

const LEVELS: usize = Priority::ALL.len();

/// Members of higher levels that may be served while one of this level waits. (Nothing is above the first.)
const PASSES: [u32; LEVELS] = [u32::MAX, 8, 32];

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
    levels: [Level; LEVELS],
    turns: u64,
}

#[derive(Debug)]
struct Level {
    tickets: Fifo<Ticket>,
    /// Members of higher levels that were served since the last of this one, while it had some.
    passed: u32,
}

impl Waiting {
    pub(super) fn new() -> Self {
        let levels = std::array::from_fn(|_| Level { tickets: Fifo::new(), passed: 0 });
        Self { levels, turns: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.levels.iter().map(|level| level.tickets.len()).sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.levels.iter().all(|level| level.tickets.is_empty())
    }

    /// Queues a member behind all others of its level.
    pub(super) fn push(&mut self, key: Key, level: Priority) -> Ticket {
        self.turns += 1;
        let ticket = Ticket { key, turn: self.turns, level };
        self.levels[index(level)].tickets.push(ticket);
        ticket
    }

    /// Takes the ticket of the member whose turn it is, among those that `count`.
    pub(super) fn pop(&mut self, count: impl Fn(&Ticket) -> bool) -> Option<Key> {
        let chosen = self.choose()?;
        for (level, passes) in self.levels.iter_mut().zip(PASSES).skip(chosen + 1) {
            level.passed = if level.tickets.is_empty() { 0 } else { (level.passed + 1).min(passes) };
        }
        let level = &mut self.levels[chosen];
        level.passed = 0;
        level.tickets.pop(count).map(|ticket| ticket.key)
    }

    /// The lowest level that was passed over often enough, else the highest that has a member.
    fn choose(&self) -> Option<usize> {
        let has = |index: &usize| !self.levels[*index].tickets.is_empty();
        let due = |index: &usize| has(index) && self.levels[*index].passed >= PASSES[*index];
        (0..LEVELS).rev().find(due).or_else(|| (0..LEVELS).find(has))
    }

    /// Notes that a ticket counts no more.
    pub(super) fn leave(&mut self, level: Priority, count: impl Fn(&Ticket) -> bool) {
        self.levels[index(level)].tickets.leave(count);
    }
}

fn index(level: Priority) -> usize {
    match level {
        Priority::UserBlocking => 0,
        Priority::UserVisible => 1,
        Priority::Background => 2,
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
                            prop_assert_eq!(model[index(ticket.level)].remove(0), key);
                        }
                    },
                }
                prop_assert_eq!(waiting.len(), model.iter().map(Vec::len).sum::<usize>());
                prop_assert_eq!(waiting.is_empty(), model.iter().all(Vec::is_empty));
            }
        }
    }
}
