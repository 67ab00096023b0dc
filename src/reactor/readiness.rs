//! What the system said about one direction of a source, and what came of it.
//!
//! ```text
//! told   tick (56 bits) | assumed | urgent | gone | error | write closed | read closed | writable | readable
//! taken  tick
//! unused how often a wait returned it since the last operation
//! ```
//! The system tells of *edges*: that a source became readable, once. So readiness stands until an operation would have
//! blocked, and whoever found that out takes it back. An event may come between the operation and the taking back:
//! every event counts the **tick** up, and taking back names the tick that was seen *before* the operation. A direction is
//! ready unless the tick that was told is the one that was taken back.
//!
//! # Who writes
//! Each word is stored whole, and read-modify-writes are spared: a request over a socket passes here twice.
//! - **told**: events, one at a time, under the lock of those who wait.
//! - **taken**: whoever operates. Of several the last one stays, which may be an older tick over a younger one. Then an
//!   operation more finds out what the other had found already; what nobody found is never believed.
//!
//! A tick is never used again: 56 bits outlast the machine.
//!
//! # What lasts
//! | bits | taken back by |
//! |---|---|
//! | readable, writable | an operation that would block, or that left nothing to move |
//! | closed, error, urgent | an operation that would block: then the source is open after all (a datagram socket after an error) |
//! | gone | nobody: the end of the reactor |
//!
//! # Assumed readiness
//! A new source is assumed to be ready, which spares an event where its first operation succeeds. Operations act on an
//! assumption; waits do not, since the registration itself causes an event if the source is ready.
//!
//! # Readiness that nobody uses
//! A caller that waits and then operates on the descriptor by itself never takes readiness back, so its next wait would
//! return at once, again and again. The waits are counted, and after [`UNUSED`] of them the system is asked.
//!
//! # Closed sources
//! A source that is closed has no further edge to tell of its end: an operation that merely moved less than it could
//! leaves a closed direction ready. So does a read where urgent data has come, since it ends there and not with the data.
//! Bits that were not taken back are told again with the next event.

use crate::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::fmt;

const READABLE: u64 = 1;
const WRITABLE: u64 = 1 << 1;
const READ_CLOSED: u64 = 1 << 2;
const WRITE_CLOSED: u64 = 1 << 3;
const ERROR: u64 = 1 << 4;
const GONE: u64 = 1 << 5;
const URGENT: u64 = 1 << 6;
const ASSUMED: u64 = 1 << 7;
const TICK: u64 = 1 << 8;
const BITS: u64 = TICK - 1;

/// What an operation that moved less than it could does not disprove: nothing further will be told of a direction that
/// is closed, nor of what stands behind urgent data.
const LASTING: u64 = BITS & !(READABLE | WRITABLE | ASSUMED);

/// Waits that may return the same readiness, without an operation in between, before the system is asked.
pub(crate) const UNUSED: u32 = 8;

/// The two sides of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Read,
    Write,
}

impl Direction {
    pub(super) const BOTH: [Self; 2] = [Self::Read, Self::Write];

    /// What lets an operation of this direction be tried.
    fn ready(self) -> u64 {
        match self {
            Self::Read => READABLE | URGENT | READ_CLOSED | ERROR | GONE,
            Self::Write => WRITABLE | WRITE_CLOSED | ERROR | GONE,
        }
    }
}

/// What one event says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Facts(u64);

impl Facts {
    /// Both directions are assumed to be ready: an operation finds out.
    pub(crate) const ASSUMED: Self = Self(READABLE | WRITABLE | ASSUMED);
    /// A connection that is being made: not writable before it is connected, then as any new source.
    pub(crate) const CONNECTING: Self = Self(READABLE | ASSUMED);
    /// The reading side was shut.
    pub(crate) const READ_CLOSED: Self = Self(READ_CLOSED);
    /// The reactor is gone.
    pub(crate) const GONE: Self = Self(GONE);

    pub(super) fn of(event: &mio::event::Event) -> Self {
        let bit = |set: bool, bit: u64| if set { bit } else { 0 };
        Self(
            bit(event.is_readable(), READABLE)
                | bit(event.is_writable(), WRITABLE)
                | bit(event.is_read_closed(), READ_CLOSED)
                | bit(event.is_write_closed(), WRITE_CLOSED)
                | bit(event.is_error(), ERROR)
                | bit(event.is_priority(), URGENT),
        )
    }

    /// Those of one direction, if there are any.
    pub(super) fn about(self, direction: Direction) -> Option<Self> {
        let bits = self.0 & direction.ready();
        (bits != 0).then_some(Self(bits | self.0 & ASSUMED))
    }
}

/// One look at a direction that is ready: an operation may be tried.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen(u64);

impl Seen {
    /// The reactor is gone: nothing is told of this source any more.
    pub(crate) fn is_gone(self) -> bool {
        self.0 & GONE != 0
    }

    /// The peer sends no more, or this direction was shut.
    pub(crate) fn is_read_closed(self) -> bool {
        self.0 & READ_CLOSED != 0
    }

    /// Nothing more can be written.
    pub(crate) fn is_write_closed(self) -> bool {
        self.0 & WRITE_CLOSED != 0
    }

    /// The source has an error to report.
    pub(crate) fn is_error(self) -> bool {
        self.0 & ERROR != 0
    }

    /// The peer sent urgent data.
    pub(crate) fn is_urgent(self) -> bool {
        self.0 & URGENT != 0
    }
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = ["readable", "writable", "read closed", "write closed", "error", "gone", "urgent", "assumed"];
        let set = names.iter().enumerate().filter(|(bit, _)| self.0 & (1 << bit) != 0).map(|(_, name)| name);
        f.debug_list().entries(set).finish()?;
        write!(f, " at tick {}", self.0 / TICK)
    }
}

/// The words of one direction.
pub(super) struct Readiness {
    told: AtomicU64,
    taken: AtomicU64,
    unused: AtomicU32,
}

impl Readiness {
    pub(super) fn new(facts: Option<Facts>) -> Self {
        let told = facts.map_or(0, |facts| TICK | facts.0);
        Self { told: AtomicU64::new(told), taken: AtomicU64::new(0), unused: AtomicU32::new(0) }
    }

    /// What was told, unless it was taken back.
    #[inline]
    pub(super) fn look(&self) -> Option<Seen> {
        // Acquire: pairs with `raise`. What the event tells of happened before it.
        let told = self.told.load(Ordering::Acquire);
        // Relaxed: whatever tick is read here was taken back, and no other question is asked of it.
        let ready = told & !BITS != self.taken.load(Ordering::Relaxed) || told & GONE != 0;
        ready.then_some(Seen(told))
    }

    /// As [`look`](Self::look), unless it is an assumption.
    #[inline]
    pub(super) fn look_told(&self) -> Option<Seen> {
        self.look().filter(|seen| seen.0 & ASSUMED == 0)
    }

    /// Counts a wait that returns this direction as ready. True once in [`UNUSED`] calls without an operation.
    ///
    /// Relaxed, and not one step: of two waits at a time one may not be counted, which only defers the question.
    #[inline]
    pub(super) fn count_unused(&self) -> bool {
        let unused = self.unused.load(Ordering::Relaxed) + 1;
        self.unused.store(unused % UNUSED, Ordering::Relaxed);
        unused == UNUSED
    }

    /// An operation is about to be done.
    #[inline]
    pub(super) fn used(&self) {
        if self.unused.load(Ordering::Relaxed) != 0 {
            self.unused.store(0, Ordering::Relaxed);
        }
    }

    /// Takes note of an event. One at a time: whoever calls holds the lock of those who wait.
    #[inline]
    pub(super) fn raise(&self, facts: Facts) {
        let before = self.told.load(Ordering::Relaxed);
        // Relaxed: one that is missed here leaves bits that an operation has to disprove once more.
        let disproved = before & !BITS == self.taken.load(Ordering::Relaxed);
        let kept = before & if disproved { GONE } else { BITS & !ASSUMED };
        // Release: pairs with `look`.
        self.told.store(((before & !BITS) + TICK) | kept | facts.0, Ordering::Release);
    }

    /// Takes it back, after an operation that would have blocked, unless an event came after `seen`.
    #[inline]
    pub(super) fn clear(&self, seen: Seen) {
        // Relaxed: it publishes nothing but itself.
        self.taken.store(seen.0 & !BITS, Ordering::Relaxed);
    }

    /// Takes it back after an operation that moved all there was, unless an event came after `seen`. A direction that is
    /// closed stays ready, and so does one with urgent data.
    #[inline]
    pub(super) fn clear_open(&self, seen: Seen) {
        if seen.0 & LASTING == 0 {
            self.clear(seen);
        }
    }
}

/// What events say, for tests and models: events themselves come from the system only.
#[cfg(test)]
impl Facts {
    /// Nothing yet.
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const READABLE: Self = Self(READABLE);
    pub(crate) const WRITABLE: Self = Self(WRITABLE);
    pub(crate) const LAST_WORDS: Self = Self(READABLE | READ_CLOSED);
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn told(facts: Facts) -> (Readiness, Seen) {
        let readiness = Readiness::new(Some(facts));
        let seen = readiness.look().expect("it was told");
        (readiness, seen)
    }

    #[test]
    fn a_clear_leaves_what_came_after_the_look() {
        let (readiness, before) = told(Facts::READABLE);
        readiness.raise(Facts::READABLE);
        readiness.clear(before);
        let after = readiness.look().expect("the event came after the look");
        assert_eq!(format!("{after:?}"), "[\"readable\"] at tick 2");
        readiness.clear(after);
        assert_eq!(readiness.look(), None);
    }

    #[test]
    fn who_clears_late_costs_an_operation_and_loses_nothing() {
        let (readiness, before) = told(Facts::READABLE);
        readiness.raise(Facts::READABLE);
        let after = readiness.look().expect("it was told");
        readiness.clear(after);
        readiness.clear(before);
        assert_eq!(readiness.look(), Some(after));
        readiness.clear(after);
        assert_eq!(readiness.look(), None);
    }

    #[test]
    fn nothing_told_is_nothing_ready() {
        let readiness = Readiness::new(None);
        assert_eq!(readiness.look(), None);
        readiness.raise(Facts::WRITABLE);
        assert_eq!(format!("{:?}", readiness.look()), "Some([\"writable\"] at tick 1)");
    }

    #[test]
    fn what_is_closed_or_urgent_outlasts_a_short_read_but_not_one_that_would_block() {
        for lasting in [Facts::LAST_WORDS, Facts(READABLE | URGENT), Facts(READABLE | ERROR)] {
            let (readiness, seen) = told(lasting);
            readiness.clear_open(seen);
            assert_eq!(readiness.look(), Some(seen), "{lasting:?}");
            readiness.raise(Facts::READABLE);
            let again = readiness.look().expect("it was told");
            readiness.clear_open(again);
            assert_eq!(readiness.look(), Some(again), "{lasting:?} is told again");
            readiness.clear(again);
            assert_eq!(readiness.look(), None, "{lasting:?}");
            readiness.raise(Facts::READABLE);
            readiness.clear_open(readiness.look().expect("it was told"));
            assert_eq!(readiness.look(), None, "{lasting:?} was disproved");
        }
    }

    #[test]
    fn an_assumption_is_for_operations_and_ends_with_the_first_event() {
        let (readiness, seen) = told(Facts::ASSUMED.about(Direction::Read).expect("both directions"));
        assert_eq!(readiness.look_told(), None);
        readiness.raise(Facts::READABLE);
        let event = readiness.look_told().expect("an event came");
        assert_ne!(event, seen);
        readiness.clear_open(event);
        assert_eq!(readiness.look(), None);
        assert_eq!(Facts::CONNECTING.about(Direction::Write), None);
        let (readiness, seen) = told(Facts::CONNECTING);
        readiness.clear_open(seen);
        assert_eq!(readiness.look(), None, "a short read disproves an assumption");
    }

    #[test]
    fn waits_without_an_operation_are_counted() {
        let (readiness, _) = told(Facts::READABLE);
        let asked = |readiness: &Readiness| (0..3 * UNUSED).filter(|_| readiness.count_unused()).count();
        assert_eq!(asked(&readiness), 3);
        for _ in 0..3 * UNUSED {
            assert!(!readiness.count_unused());
            readiness.used();
        }
    }

    #[test]
    fn the_end_of_the_reactor_is_never_taken_back() {
        let (readiness, seen) = told(Facts::GONE);
        readiness.clear(seen);
        readiness.clear_open(seen);
        assert_eq!(readiness.look(), Some(seen));
        readiness.raise(Facts::READABLE);
        let after = readiness.look().expect("it is gone");
        readiness.clear(after);
        assert!(readiness.look().is_some_and(Seen::is_gone));
    }
}
