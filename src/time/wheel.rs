//! A hierarchical timer wheel: which timers are due, and when to look again. Pure data, without clock, lock or waker.
//!
//! # The picture
//! Time is cut into [`Ticks`] and a tick number into groups of eight bits, one a level, eight levels: 64 bits, so no
//! deadline is too far to have its place. With ticks of 2^14 ns (16.4 us):
//!
//! ```text
//!   tick       .. | bits 16..24 | bits 8..16 | bits 0..8 |
//!   level            2            1            0             256 slots each, one list of timers a slot
//!   reaches          4.6 min      1.07 s       4.2 ms
//! ```
//!
//! Wide levels cost 16 KB a wheel and save what is dear with a million timers: each coming-down of one is a miss of
//! the cache.
//!
//! A timer stands at the level of the **highest group in which its tick differs from `now`**, in the slot that this
//! group names. While `now` moves on, timers come down: when it enters a slot of level L, the timers of that slot now
//! agree with it in group L, and each moves to a lower level or is due.
//!
//! # Rules
//! 1. A timer at level L agrees with `now` in all groups above L and is greater in group L. So no slot is ever behind
//!    `now` or one rotation ahead, and no slot list mixes rotations.
//! 2. Hence everything at a lower level is due before anything at a higher one, and the next slot to enter is the
//!    lowest set bit of the lowest level that has one: a handful of words to look at, O(1).
//! 3. `now` moves only inside [`advance`](Wheel::advance), and from occupied slot to occupied slot: a jump over a year
//!    costs what the timers in it cost, not what the ticks cost. It never goes back.
//! 4. The slot that `now` entered last is `open` and taken apart from its head before anything else happens. A call
//!    that reaches its limit leaves the rest there. Nothing is ever added to an open slot (rule 1: its group equals
//!    that of `now`), timers that are cancelled meanwhile just leave it.
//! 5. Deadlines are rounded up to a tick and the present down: a timer may be late by up to one tick, never early.
//!    One that is due already when it comes waits in a list of its own, behind the open slot.
//!
//! Timers of one tick come out in the order in which they went in, unless a limit cut the coming-down of their slot in
//! two and one was inserted in between.
//!
//! The moment `u64::MAX` is the end of time: it counts as a tick of its own, so that `advance(u64::MAX)` yields all.

use crate::util::slab::{Key, Slab};
use std::num::NonZeroU16;

/// Bits of a tick number that one level decides.
const LEVEL_BITS: u32 = 8;
/// Slots in a level.
const SLOTS: usize = 1 << LEVEL_BITS;
/// Levels: as many as the 64 bits of the finest tick number need.
const LEVELS: usize = 8;
/// Words of 64 bits that hold the occupancy of one level.
const WORDS: usize = SLOTS / 64;
/// The list of timers that were due when they were inserted; it stands behind those of the slots.
const DUE: usize = LEVELS * SLOTS;
/// No timer: the end of a list.
const NIL: u32 = u32::MAX;

/// How finely time is cut.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticks {
    /// Binary logarithm of the nanoseconds in a tick.
    shift: u32,
}

impl Ticks {
    /// 16.4 us: a fraction of what the system's own timers are late by, and few enough to be cheap.
    pub(crate) const COARSE: Self = Self { shift: 14 };
    /// One nanosecond: for a clock that is moved by hand, where a sleep of a second ends after a second, not after that
    /// and the rest of a tick.
    pub(crate) const EXACT: Self = Self { shift: 0 };

    /// The tick of the moment `u64::MAX`.
    fn last(self) -> u64 {
        u64::MAX.div_ceil(1 << self.shift)
    }

    /// The first tick at which a timer with this deadline may be yielded.
    fn of_deadline(self, deadline: u64) -> u64 {
        deadline.div_ceil(1 << self.shift)
    }

    /// The last tick that has begun at this moment.
    fn of_present(self, now: u64) -> u64 {
        if now == u64::MAX { self.last() } else { now >> self.shift }
    }

    /// The moment at which a tick begins.
    fn moment_of(self, tick: u64) -> u64 {
        if tick >= self.last() { u64::MAX } else { tick << self.shift }
    }
}

/// Which list a timer is in. Not zero, so that a slab slot needs no tag of its own: 48 bytes with a `Waker` inside.
#[derive(Clone, Copy)]
struct ListId(NonZeroU16);

impl ListId {
    fn new(index: usize) -> Self {
        Self(NonZeroU16::MIN.saturating_add(index as u16))
    }

    fn index(self) -> usize {
        usize::from(self.0.get()) - 1
    }
}

struct Timer<P> {
    tick: u64,
    payload: P,
    prev: u32,
    next: u32,
    list: ListId,
}

/// A doubly linked list through the slab.
#[derive(Clone, Copy)]
struct List {
    head: u32,
    tail: u32,
}

/// What an [`advance`](Wheel::advance) left behind.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Advance {
    /// Everything due was yielded.
    Complete,
    /// The limit was reached; the same call again goes on where this one stopped.
    Limited,
}

/// Timers by deadline, each with a payload `P`. Moments are `u64` nanoseconds.
pub(crate) struct Wheel<P> {
    ticks: Ticks,
    /// The present, in ticks.
    now: u64,
    /// Bit L: level L has an occupied slot.
    levels: u32,
    /// For each level, bit S of its words: slot S is occupied.
    occupied: [[u64; WORDS]; LEVELS],
    /// On the heap, for 16 KB are too much to be moved over the stack of a small thread.
    lists: Box<[List]>,
    /// The slot that `now` entered last, until it was found empty (rule 4).
    open: Option<ListId>,
    timers: Slab<Timer<P>>,
}

impl<P> Wheel<P> {
    /// An empty wheel at moment 0.
    pub(crate) fn new(ticks: Ticks) -> Self {
        Self {
            ticks,
            now: 0,
            levels: 0,
            occupied: [[0; WORDS]; LEVELS],
            lists: vec![List { head: NIL, tail: NIL }; DUE + 1].into_boxed_slice(),
            open: None,
            timers: Slab::new(),
        }
    }

    /// Number of pending timers.
    pub(crate) fn len(&self) -> usize {
        self.timers.len()
    }

    /// Adds a timer. O(1).
    pub(crate) fn insert(&mut self, deadline: u64, payload: P) -> Key {
        let tick = self.ticks.of_deadline(deadline).max(self.now);
        let list = self.list_of(tick);
        let prev = self.lists[list.index()].tail;
        let key = self.timers.insert(Timer { tick, payload, prev, next: NIL, list });
        self.link(prev, key.index(), list);
        key
    }

    /// Takes a timer out; `None` if it was yielded or removed before. O(1).
    pub(crate) fn remove(&mut self, key: Key) -> Option<P> {
        let Timer { payload, prev, next, list, .. } = self.timers.remove(key)?;
        self.unlink(prev, next, list);
        Some(payload)
    }

    /// Gives a timer a new deadline; false if it was yielded or removed before. O(1).
    pub(crate) fn reset(&mut self, key: Key, deadline: u64) -> bool {
        let Some(Timer { prev, next, list, .. }) = self.timers.get(key) else {
            return false;
        };
        self.unlink(*prev, *next, *list);
        self.place(key.index(), self.ticks.of_deadline(deadline).max(self.now));
        true
    }

    /// The payload of a pending timer.
    pub(crate) fn payload_mut(&mut self, key: Key) -> Option<&mut P> {
        self.timers.get_mut(key).map(|timer| &mut timer.payload)
    }

    /// When to call [`advance`](Self::advance) next: never later than the moment at which the next timer is yielded,
    /// and earlier only where a far timer comes down a level, so at most once a level for each. O(1).
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        if self.ready_list().is_some() {
            return Some(self.ticks.moment_of(self.now));
        }
        self.next_slot().map(|(_, start)| self.ticks.moment_of(start))
    }

    /// The moment at which a timer with this deadline is yielded: `deadline`, rounded up to a tick.
    pub(crate) fn moment_of_deadline(&self, deadline: u64) -> u64 {
        self.ticks.moment_of(self.ticks.of_deadline(deadline))
    }

    /// Moves the present to `now` and hands every timer that is due to `out`, in the order of their ticks. At most
    /// `limit` timers are touched, yielded or brought down. A `now` before the present counts as the present.
    pub(crate) fn advance(&mut self, now: u64, limit: usize, mut out: impl FnMut(P)) -> Advance {
        let target = self.ticks.of_present(now).max(self.now);
        let mut left = limit;
        loop {
            while let Some(list) = self.ready_list() {
                if left == 0 {
                    return Advance::Limited;
                }
                left -= 1;
                self.take_head(list, &mut out);
            }
            match self.next_slot() {
                Some((slot, start)) if start <= target => {
                    self.now = start;
                    self.open = Some(slot);
                }
                _ => {
                    self.now = target;
                    self.open = None;
                    return Advance::Complete;
                }
            }
        }
    }

    /// The list to take timers from before `now` may move: the open slot, then what was inserted when due.
    fn ready_list(&self) -> Option<usize> {
        let open = self.open.map(ListId::index);
        open.into_iter().chain([DUE]).find(|list| self.lists[*list].head != NIL)
    }

    /// Yields the first timer of a ready list, or brings it down.
    fn take_head(&mut self, list: usize, out: &mut impl FnMut(P)) {
        let index = self.lists[list].head;
        let Timer { tick, prev, next, list, .. } = *self.timers.at(index);
        self.unlink(prev, next, list);
        if tick > self.now {
            self.place(index, tick);
        } else if let Some(timer) = self.timers.remove_at(index) {
            out(timer.payload);
        }
    }

    /// The occupied slot that `now` enters next (rule 2), and its first tick.
    fn next_slot(&self) -> Option<(ListId, u64)> {
        if self.levels == 0 {
            return None;
        }
        let level = self.levels.trailing_zeros();
        let words = &self.occupied[level as usize];
        let word = words.iter().position(|word| *word != 0)?;
        let slot = word as u32 * u64::BITS + words[word].trailing_zeros();
        let shift = level * LEVEL_BITS;
        // The group above: nothing, for the top level.
        let above = self.now & u64::MAX.checked_shl(shift + LEVEL_BITS).unwrap_or(0);
        Some((ListId::new(level as usize * SLOTS + slot as usize), above | u64::from(slot) << shift))
    }

    /// The list in which a timer of this tick belongs (rule 1).
    fn list_of(&self, tick: u64) -> ListId {
        let differs = tick ^ self.now;
        if differs == 0 {
            return ListId::new(DUE);
        }
        let level = differs.ilog2() / LEVEL_BITS;
        let slot = (tick >> (level * LEVEL_BITS)) as usize % SLOTS;
        ListId::new(level as usize * SLOTS + slot)
    }

    /// Puts an unlinked timer into the list of `tick`.
    fn place(&mut self, index: u32, tick: u64) {
        let list = self.list_of(tick);
        let prev = self.lists[list.index()].tail;
        let timer = self.timers.at_mut(index);
        (timer.tick, timer.list, timer.prev, timer.next) = (tick, list, prev, NIL);
        self.link(prev, index, list);
    }

    /// Makes a timer, which names `prev` as the one before it, the last of its list.
    fn link(&mut self, prev: u32, index: u32, list: ListId) {
        let list = list.index();
        self.lists[list].tail = index;
        if prev != NIL {
            self.timers.at_mut(prev).next = index;
            return;
        }
        self.lists[list].head = index;
        if list != DUE {
            self.occupied[list / SLOTS][list % SLOTS / 64] |= 1 << (list % 64);
            self.levels |= 1 << (list / SLOTS);
        }
    }

    /// Closes the gap that a timer between `prev` and `next` leaves in its list.
    fn unlink(&mut self, prev: u32, next: u32, list: ListId) {
        let list = list.index();
        match prev {
            NIL => self.lists[list].head = next,
            _ => self.timers.at_mut(prev).next = next,
        }
        match next {
            NIL => self.lists[list].tail = prev,
            _ => self.timers.at_mut(next).prev = prev,
        }
        if prev == NIL && next == NIL && list != DUE {
            let words = &mut self.occupied[list / SLOTS];
            words[list % SLOTS / 64] &= !(1 << (list % 64));
            if *words == [0; WORDS] {
                self.levels &= !(1 << (list / SLOTS));
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
