//! What the system said about one source, in one word.
//!
//! ```text
//! tick (24 bits) | urgent | gone | error | write closed | read closed | writable | readable
//! ```
//! The system tells of *edges*: that a source became readable, once. So readiness stands until an operation would have
//! blocked, and whoever found that out takes it back. An event may come between the operation and the taking back:
//! every event counts the **tick** up, and [`Readiness::clear`] does nothing unless the tick is still the one that was
//! seen *before* the operation.
//!
//! | bits | set by | taken back by |
//! |---|---|---|
//! | readable, urgent, writable, error | an event | an operation that would block, or that left nothing to move |
//! | read closed, write closed | an event | an operation that would block: then the source is open after all (a datagram socket after an error) |
//! | gone | the end of the reactor | nobody |
//!
//! A source that is closed has no further edge to tell of its end: an operation that merely moved less than it could
//! leaves a closed direction ready. So does a read where urgent data has come, since it ends there and not with the data.

use crate::sync::atomic::{AtomicU32, Ordering};
use std::fmt;

const READABLE: u32 = 1;
const WRITABLE: u32 = 1 << 1;
const READ_CLOSED: u32 = 1 << 2;
const WRITE_CLOSED: u32 = 1 << 3;
const ERROR: u32 = 1 << 4;
const GONE: u32 = 1 << 5;
const URGENT: u32 = 1 << 6;
/// One tick. It wraps within its 24 bits: nobody sleeps through 16 million events between a look and a clear.
const TICK: u32 = 1 << 8;
const BITS: u32 = TICK - 1;

/// The two sides of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Read,
    Write,
}

impl Direction {
    /// What lets an operation of this direction be tried.
    fn ready(self) -> u32 {
        match self {
            Self::Read => READABLE | URGENT | READ_CLOSED | ERROR | GONE,
            Self::Write => WRITABLE | WRITE_CLOSED | ERROR | GONE,
        }
    }

    /// What an operation of this direction that would block disproves.
    fn disproved(self) -> u32 {
        self.ready() & !GONE
    }

    /// What an operation that moved less than it could does not disprove: nothing further will be told of a direction
    /// that is closed, nor of what stands behind urgent data.
    fn lasting(self) -> u32 {
        match self {
            Self::Read => URGENT | READ_CLOSED | ERROR | GONE,
            Self::Write => WRITE_CLOSED | ERROR | GONE,
        }
    }
}

/// What one event says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Facts(u32);

impl Facts {
    /// Nothing yet.
    pub(crate) const NONE: Self = Self(0);
    /// May be read and written, as far as anyone knows: an operation finds out.
    pub(crate) const OPEN: Self = Self(READABLE | WRITABLE);
    /// The reactor is gone.
    pub(crate) const GONE: Self = Self(GONE);

    pub(super) fn of(event: &mio::event::Event) -> Self {
        let bit = |set: bool, bit: u32| if set { bit } else { 0 };
        Self(
            bit(event.is_readable(), READABLE)
                | bit(event.is_writable(), WRITABLE)
                | bit(event.is_read_closed(), READ_CLOSED)
                | bit(event.is_write_closed(), WRITE_CLOSED)
                | bit(event.is_error(), ERROR)
                | bit(event.is_priority(), URGENT),
        )
    }

    pub(super) fn concern(self, direction: Direction) -> bool {
        self.0 & direction.ready() != 0
    }
}

/// One look at the readiness of a source.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen(u32);

impl Seen {
    /// An operation of this direction may be tried.
    pub(crate) fn is_ready(self, direction: Direction) -> bool {
        self.0 & direction.ready() != 0
    }

    /// The reactor is gone: nothing is told of this source any more.
    pub(crate) fn is_gone(self) -> bool {
        self.0 & GONE != 0
    }
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = ["readable", "writable", "read closed", "write closed", "error", "gone", "urgent"];
        let set = names.iter().enumerate().filter(|(bit, _)| self.0 & (1 << bit) != 0).map(|(_, name)| name);
        f.debug_list().entries(set).finish()?;
        write!(f, " at tick {}", self.0 / TICK)
    }
}

/// The word.
pub(super) struct Readiness(AtomicU32);

impl Readiness {
    pub(super) fn new(facts: Facts) -> Self {
        Self(AtomicU32::new(facts.0))
    }

    /// Acquire: pairs with `raise`. What the event tells of happened before it.
    pub(super) fn look(&self) -> Seen {
        Seen(self.0.load(Ordering::Acquire))
    }

    /// Takes note of an event.
    pub(super) fn raise(&self, facts: Facts) {
        let raised = |word: u32| (word | facts.0).wrapping_add(TICK);
        // Release: pairs with `look`.
        let _before = self.0.fetch_update(Ordering::AcqRel, Ordering::Relaxed, |word| Some(raised(word)));
    }

    /// Takes a direction back, after an operation that would have blocked, unless an event came after `seen`.
    pub(super) fn clear(&self, seen: Seen, direction: Direction) {
        self.take_back(seen, direction.disproved());
    }

    /// Takes a direction back after an operation that moved all there was, unless an event came after `seen`. A
    /// direction that is closed stays ready, and so does one with urgent data.
    pub(super) fn clear_open(&self, seen: Seen, direction: Direction) {
        if seen.0 & direction.lasting() == 0 {
            self.take_back(seen, direction.disproved());
        }
    }

    fn take_back(&self, seen: Seen, bits: u32) {
        let cleared = |word: u32| (word & !BITS == seen.0 & !BITS).then_some(word & !bits);
        // Relaxed: it publishes nothing, and whoever reads the word after it still acquires what was raised before it, for a
        // read-modify-write goes on with the release that it found.
        let _before = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, cleared);
    }
}

/// What events say, for tests and models: events themselves come from the system only.
#[cfg(test)]
impl Facts {
    pub(crate) const READABLE: Self = Self(READABLE);
    pub(crate) const WRITABLE: Self = Self(WRITABLE);
    pub(crate) const LAST_WORDS: Self = Self(READABLE | READ_CLOSED);
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use Direction::{Read, Write};

    fn at_tick(tick: u32, facts: Facts) -> Readiness {
        Readiness::new(Facts(facts.0 | (tick * TICK)))
    }

    #[test]
    fn the_tick_wraps_and_leaves_the_bits_alone() {
        let last = (1 << 24) - 1;
        let readiness = at_tick(last, Facts::WRITABLE);
        let before = readiness.look();
        readiness.raise(Facts::READABLE);
        let after = readiness.look();
        assert_eq!(format!("{after:?}"), "[\"readable\", \"writable\"] at tick 0");
        readiness.clear(before, Read);
        assert!(readiness.look().is_ready(Read), "the event came after the look");
        readiness.clear(after, Read);
        assert_eq!(format!("{:?}", readiness.look()), "[\"writable\"] at tick 0");
    }

    #[test]
    fn a_clear_takes_back_its_direction_only() {
        let readiness = at_tick(5, Facts::OPEN);
        readiness.clear(readiness.look(), Write);
        let seen = readiness.look();
        assert!(seen.is_ready(Read) && !seen.is_ready(Write));
    }

    #[test]
    fn what_is_closed_or_urgent_outlasts_a_short_read_but_not_one_that_would_block() {
        for lasting in [Facts::LAST_WORDS, Facts(READABLE | URGENT), Facts(READABLE | ERROR)] {
            let readiness = at_tick(5, lasting);
            readiness.clear_open(readiness.look(), Read);
            assert!(readiness.look().is_ready(Read), "{lasting:?}");
            readiness.clear(readiness.look(), Read);
            assert!(!readiness.look().is_ready(Read), "{lasting:?}");
        }
    }

    #[test]
    fn the_end_of_the_reactor_is_never_taken_back() {
        let readiness = at_tick(5, Facts::GONE);
        for direction in [Read, Write] {
            readiness.clear(readiness.look(), direction);
            readiness.clear_open(readiness.look(), direction);
            assert!(readiness.look().is_ready(direction) && readiness.look().is_gone());
        }
    }
}
