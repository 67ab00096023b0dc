//! A hierarchical timer wheel, as pure data without clock, lock or waker.
//!
//! # The picture
//! Time is cut into [`Ticks`] and the bits of a tick number into groups, one a level: two wide ones and as many narrow ones
//! as 64 bits need, so no deadline is too far to have its place. With ticks of 2^12 ns (4.1 us):
//!
//! ```text
//!   tick       .. | bits 26..32 | bits 20..26 | bits 10..20 | bits 0..10 |
//!   level            3             2             1             0
//!   slots           64            64          1024          1024           one list of timers a slot
//!   reaches         4.9 h         4.6 min       4.3 s         4.2 ms
//! ```
//!
//! Wide levels for most timers save what is expensive with a million of them: each move to a lower level is a cache
//! miss.
//!
//! A timer stands at the level of the **highest group in which its tick differs from `now`**, in the slot that this
//! group names. While `now` moves on, timers come down: when it enters a slot of level L, the timers of that slot now
//! agree with it in group L, and each moves to a lower level or is due.
//!
//! ```text
//! timers  by key: the payload, and where the entry stands
//! lists   the entries of each slot, in blocks
//! ```
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

mod lists;
mod timers;

pub(crate) use timers::Key;

use lists::{Entry, Lists};
use timers::Timers;

/// Levels of [`WIDE_BITS`] each; the others have [`NARROW_BITS`].
const WIDE: u32 = 2;
const WIDE_BITS: u32 = 10;
const NARROW_BITS: u32 = 6;
/// Levels: as many as the 64 bits of the finest tick number need.
const LEVELS: u32 = WIDE + (u64::BITS - WIDE * WIDE_BITS).div_ceil(NARROW_BITS);
/// Words of 64 bits that hold the occupancy of a wide level; a narrow one has a single word.
const WIDE_WORDS: usize = 1 << (WIDE_BITS - NARROW_BITS);
/// Words that hold the occupancy of all levels, one behind the other. A slot has the number of its bit.
const WORDS: usize = WIDE as usize * WIDE_WORDS + (LEVELS - WIDE) as usize;
/// The list of timers that were due when they were inserted; it stands behind those of the slots.
const DUE: usize = WORDS * 64;

/// The lowest bit of a tick number that a level decides.
fn shift(level: u32) -> u32 {
    if level <= WIDE { level * WIDE_BITS } else { WIDE * WIDE_BITS + (level - WIDE) * NARROW_BITS }
}

/// The level that decides a bit of a tick number.
fn level_of_bit(bit: u32) -> u32 {
    if bit < shift(WIDE) { bit / WIDE_BITS } else { WIDE + (bit - shift(WIDE)) / NARROW_BITS }
}

/// The first word of a level's occupancy, and how many there are.
fn words(level: u32) -> (usize, usize) {
    let level = level as usize;
    match level.checked_sub(WIDE as usize) {
        None => (level * WIDE_WORDS, WIDE_WORDS),
        Some(narrow) => (WIDE as usize * WIDE_WORDS + narrow, 1),
    }
}

/// The level of a slot.
fn level_of_slot(slot: usize) -> u32 {
    let word = slot / 64;
    let level = if word < WIDE as usize * WIDE_WORDS {
        word / WIDE_WORDS
    } else {
        word - WIDE as usize * WIDE_WORDS + WIDE as usize
    };
    level as u32
}

/// The resolution of the timers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticks {
    /// Binary logarithm of the nanoseconds in a tick.
    shift: u32,
}

impl Ticks {
    /// 4.1 us: a fraction of what the system's own timers are late by.
    pub(crate) const COARSE: Self = Self { shift: 12 };
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

/// The result of an [`advance`](Wheel::advance).
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Advance {
    /// Everything due was yielded.
    Complete,
    /// The limit was reached; the same call again continues.
    Limited,
}

/// Timers whose entries were removed, but not their payloads, inside one call.
///
/// They are scattered over memory: taking them in a loop that does nothing else overlaps the cache misses.
struct Due {
    indices: [u32; 32],
    len: usize,
}

impl Due {
    fn new() -> Self {
        Self { indices: [0; 32], len: 0 }
    }
}

/// Timers by deadline, each with a payload `P`. Moments are `u64` nanoseconds.
pub(crate) struct Wheel<P> {
    ticks: Ticks,
    /// The present, in ticks.
    now: u64,
    /// Bit L: level L has an occupied slot.
    levels: u32,
    /// The bit of each slot: it is occupied.
    occupied: [u64; WORDS],
    /// The slot that `now` entered last, until it was found empty (rule 4).
    open: Option<usize>,
    lists: Lists,
    timers: Timers<P>,
}

impl<P> Wheel<P> {
    /// Creates an empty wheel at time 0.
    pub(crate) fn new(ticks: Ticks) -> Self {
        Self {
            ticks,
            now: 0,
            levels: 0,
            occupied: [0; WORDS],
            open: None,
            lists: Lists::new(DUE + 1),
            timers: Timers::new(),
        }
    }

    /// Returns the number of pending timers.
    pub(crate) fn len(&self) -> usize {
        self.timers.len()
    }

    /// Adds a timer. O(1).
    pub(crate) fn insert(&mut self, deadline: u64, payload: P) -> Key {
        let tick = self.ticks.of_deadline(deadline).max(self.now);
        let list = self.list_of(tick);
        self.occupy(list);
        self.timers.insert(payload, |index| self.lists.append(list, Entry { tick, index }))
    }

    /// Removes a timer; `None` if it has fired or was removed. O(1).
    pub(crate) fn remove(&mut self, key: Key) -> Option<P> {
        let (index, place) = self.timers.find(key)?;
        let emptied = self.lists.remove(place);
        self.vacate(emptied);
        self.timers.take(index)
    }

    /// Changes the deadline of a timer; false if it has fired or was removed. O(1).
    pub(crate) fn reset(&mut self, key: Key, deadline: u64) -> bool {
        let Some((index, place)) = self.timers.find(key) else {
            return false;
        };
        let emptied = self.lists.remove(place);
        self.vacate(emptied);
        self.place(Entry { tick: self.ticks.of_deadline(deadline).max(self.now), index });
        true
    }

    /// Returns the payload of a pending timer.
    pub(crate) fn payload_mut(&mut self, key: Key) -> Option<&mut P> {
        self.timers.payload_mut(key)
    }

    /// Replaces every payload by a copy of `with` and returns the previous ones.
    ///
    /// The timers stay pending.
    pub(crate) fn take_payloads(&mut self, with: &P) -> Vec<P>
    where
        P: Clone,
    {
        self.timers.payloads_mut().map(|payload| std::mem::replace(payload, with.clone())).collect()
    }

    /// Returns the time for the next [`advance`](Self::advance).
    ///
    /// It is never later than the time at which the next timer fires. It is earlier only if a far timer moves down a
    /// level, at most once per level and timer. O(1).
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        if self.ready_list().is_some() {
            return Some(self.ticks.moment_of(self.now));
        }
        self.next_slot().map(|(_, start)| self.ticks.moment_of(start))
    }

    /// Returns the time at which a timer with this deadline fires.
    ///
    /// That is `deadline`, rounded up to a tick.
    pub(crate) fn moment_of_deadline(&self, deadline: u64) -> u64 {
        self.ticks.moment_of(self.ticks.of_deadline(deadline))
    }

    /// Moves the present to `now` and passes every due timer to `out`, in order.
    ///
    /// At most `limit` timers are fired or moved to a lower level. A `now` before the present counts as the present.
    pub(crate) fn advance(&mut self, now: u64, limit: usize, mut out: impl FnMut(P)) -> Advance {
        let mut due = Due::new();
        let advance = self.collect(now, limit, &mut due, &mut out);
        self.yield_all(&mut due, &mut out);
        advance
    }

    /// The same, but the last few are only noted as due.
    fn collect(&mut self, now: u64, limit: usize, due: &mut Due, out: &mut impl FnMut(P)) -> Advance {
        let target = self.ticks.of_present(now).max(self.now);
        let mut left = limit;
        loop {
            while let Some(list) = self.ready_list() {
                if left == 0 {
                    return Advance::Limited;
                }
                left = self.take_from(list, left, due, out);
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
        self.open.into_iter().chain([DUE]).find(|list| !self.lists.is_empty(*list))
    }

    /// Takes up to `left` timers, at least one, from the first block of a ready list, and notes them as due or brings them
    /// down. How many may still be taken after that.
    fn take_from(&mut self, list: usize, mut left: usize, due: &mut Due, out: &mut impl FnMut(P)) -> usize {
        let Some(block) = self.lists.first(list) else { return left };
        let mut nth = 0;
        while left != 0
            && let Some(entry) = self.lists.take(block, &mut nth)
        {
            left -= 1;
            if entry.tick > self.now {
                self.place(entry);
                continue;
            }
            if due.len == due.indices.len() {
                self.yield_all(due, out);
            }
            due.indices[due.len] = entry.index;
            due.len += 1;
        }
        let emptied = self.lists.finish(block);
        self.vacate(emptied);
        left
    }

    /// Yields what was noted as due.
    fn yield_all(&mut self, due: &mut Due, out: &mut impl FnMut(P)) {
        for index in &due.indices[..std::mem::take(&mut due.len)] {
            if let Some(payload) = self.timers.take(*index) {
                out(payload);
            }
        }
    }

    /// The occupied slot that `now` enters next (rule 2), and its first tick.
    fn next_slot(&self) -> Option<(usize, u64)> {
        if self.levels == 0 {
            return None;
        }
        let level = self.levels.trailing_zeros();
        let (first, count) = words(level);
        let words = &self.occupied[first..first + count];
        let word = words.iter().position(|word| *word != 0)?;
        let in_level = word as u32 * u64::BITS + words[word].trailing_zeros();
        // The groups above: nothing, for the top level.
        let above = self.now & u64::MAX.checked_shl(shift(level + 1)).unwrap_or(0);
        Some((first * 64 + in_level as usize, above | u64::from(in_level) << shift(level)))
    }

    /// The list in which a timer of this tick belongs (rule 1).
    fn list_of(&self, tick: u64) -> usize {
        let differs = tick ^ self.now;
        if differs == 0 {
            return DUE;
        }
        let level = level_of_bit(differs.ilog2());
        let (first, count) = words(level);
        first * 64 + (tick >> shift(level)) as usize % (count * 64)
    }

    /// Puts a timer that is in no list into that of its tick.
    fn place(&mut self, entry: Entry) {
        let list = self.list_of(entry.tick);
        self.occupy(list);
        let place = self.lists.append(list, entry);
        self.timers.set_place(entry.index, place);
    }

    /// A timer is going to be in this list.
    fn occupy(&mut self, list: usize) {
        if list != DUE {
            self.occupied[list / 64] |= 1 << (list % 64);
            self.levels |= 1 << level_of_slot(list);
        }
    }

    /// There is no timer in this list any more.
    fn vacate(&mut self, emptied: Option<usize>) {
        let Some(list) = emptied.filter(|list| *list != DUE) else { return };
        self.occupied[list / 64] &= !(1 << (list % 64));
        let level = level_of_slot(list);
        let (first, count) = words(level);
        if self.occupied[first..first + count].iter().all(|word| *word == 0) {
            self.levels &= !(1 << level);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
