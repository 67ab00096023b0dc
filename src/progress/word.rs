//! The two words of the ring: their bits and their arithmetic, without storage or atomics.
//!
//! An **index** runs in `0..2 * physical`. So `head == tail` means empty, and a distance of `physical` means that every
//! slot is full, for any capacity (not only powers of two). An index names slot `index mod physical`.
//!
//! | word | index | flags |
//! |---|---|---|
//! | head | the oldest value | [`LOCK`] a thread moves values out; [`WAITING`] a sender sleeps, or is about to |
//! | tail | one past the newest published value | [`OFFERED`] the slot *at* the tail holds one more value |
//!
//! Every combination of the flags is valid.

use std::fmt;

/// Head flag: only its holder may move values out at the head, and advance it.
pub(super) const LOCK: usize = 1;
/// Head flag: a sender has registered a waker, to be woken once there is room.
pub(super) const WAITING: usize = 2;
/// Number of flag bits below the index of a head word.
const HEAD_SHIFT: u32 = 2;

/// Tail flag: the spare slot holds one value beyond the capacity, free to be taken or replaced.
const OFFERED: usize = 1;
/// Number of flag bits below the index of a tail word.
const TAIL_SHIFT: u32 = 1;

/// A decoded head word.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Head(pub(super) usize);

impl Head {
    #[inline(always)]
    pub(super) fn at(index: usize) -> Self {
        Self(index << HEAD_SHIFT)
    }

    #[inline(always)]
    pub(super) fn locked(self) -> Self {
        Self(self.0 | LOCK)
    }

    #[inline(always)]
    pub(super) fn index(self) -> usize {
        self.0 >> HEAD_SHIFT
    }

    #[inline(always)]
    pub(super) fn is_locked(self) -> bool {
        self.0 & LOCK != 0
    }

    #[inline(always)]
    pub(super) fn is_waiting(self) -> bool {
        self.0 & WAITING != 0
    }
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "head {}", self.index())?;
        f.write_str(if self.is_locked() { " | LOCK" } else { "" })?;
        f.write_str(if self.is_waiting() { " | WAITING" } else { "" })
    }
}

/// A decoded tail word.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Tail(pub(super) usize);

impl Tail {
    #[inline(always)]
    pub(super) fn at(index: usize) -> Self {
        Self(index << TAIL_SHIFT)
    }

    #[inline(always)]
    pub(super) fn offering(index: usize) -> Self {
        Self(index << TAIL_SHIFT | OFFERED)
    }

    #[inline(always)]
    pub(super) fn index(self) -> usize {
        self.0 >> TAIL_SHIFT
    }

    #[inline(always)]
    pub(super) fn is_offering(self) -> bool {
        self.0 & OFFERED != 0
    }
}

impl fmt::Debug for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tail {}{}", self.index(), if self.is_offering() { " | OFFERED" } else { "" })
    }
}

/// The arithmetic of indices for one capacity.
#[derive(Clone, Copy, Debug)]
pub(super) struct Geometry {
    /// The number of values that `report` and `send` may keep published.
    pub(super) capacity: usize,
    /// The number of slots: the capacity and the spare one.
    pub(super) physical: usize,
}

impl Geometry {
    /// The largest capacity, in values.
    ///
    /// Its indices fit beside the flags on every platform. A program that needs more should not use a progress ring for
    /// storage.
    pub(super) const MAX_CAPACITY: usize = 1 << 28;

    pub(super) fn new(capacity: usize) -> Self {
        debug_assert!((1..=Self::MAX_CAPACITY).contains(&capacity));
        Self { capacity, physical: capacity + 1 }
    }

    /// Returns the index `steps` after `index`; `steps` is at most `physical`.
    #[inline(always)]
    pub(super) fn advance(self, index: usize, steps: usize) -> usize {
        let sum = index + steps;
        if sum >= 2 * self.physical { sum - 2 * self.physical } else { sum }
    }

    /// Returns the number of steps from `from` to `to`, in `0..2 * physical`.
    #[inline(always)]
    pub(super) fn distance(self, from: usize, to: usize) -> usize {
        if to >= from { to - from } else { to + 2 * self.physical - from }
    }

    /// Returns the slot that an index names.
    #[inline(always)]
    pub(super) fn slot(self, index: usize) -> usize {
        if index >= self.physical { index - self.physical } else { index }
    }

    /// Returns one past the newest value that a drain may see: the tail, and an offered value after it.
    #[inline(always)]
    pub(super) fn visible_end(self, tail: Tail) -> usize {
        if tail.is_offering() { self.advance(tail.index(), 1) } else { tail.index() }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn debug_decodes_the_bits() {
        assert_eq!(format!("{:?}", Head(Head::at(3).locked().0 | WAITING)), "head 3 | LOCK | WAITING");
        assert_eq!(format!("{:?}", Head(Head::at(0).0 | WAITING)), "head 0 | WAITING");
        assert_eq!(format!("{:?}", Tail::offering(5)), "tail 5 | OFFERED");
        assert_eq!(format!("{:?}", Tail::at(5)), "tail 5");
    }

    #[test]
    fn the_largest_capacity_fits() {
        let geometry = Geometry::new(Geometry::MAX_CAPACITY);
        let last = 2 * geometry.physical - 1;
        assert_eq!(Head::at(last).index(), last);
        assert_eq!(Tail::offering(last).index(), last);
        assert_eq!(geometry.advance(last, 1), 0);
    }

    proptest! {
        #[test]
        fn distance_undoes_advance(capacity in 1_usize..50, from in 0_usize..100, steps in 0_usize..51) {
            let geometry = Geometry::new(capacity);
            let (from, steps) = (from % (2 * geometry.physical), steps % (geometry.physical + 1));
            let to = geometry.advance(from, steps);
            prop_assert_eq!(geometry.distance(from, to), steps);
            prop_assert_eq!(geometry.slot(to), (from + steps) % geometry.physical);
        }
    }
}
