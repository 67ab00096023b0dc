//! One source that the reactor watches: its readiness, and who waits for it.
//!
//! # Who waits
//! One list for each direction, in the order of arrival. An event wakes all of it and empties it; a waiter that finds
//! nothing left waits again. There are two kinds of waiters:
//! - **futures** have a number. They replace their waker under it, and leave when they are dropped.
//! - **`poll_` calls** have no place to keep a number, so nothing tells when one stops waiting. Each waker that asked is
//!   kept once, until the next event. Beyond [`POLLED`] of them the one that asked first is woken and removed: if it
//!   still waits, it asks again. So a caller that polls with a new waker each time uses a bounded amount of memory.
//!
//! The usual single waiter is stored outside of the vector.
//!
//! # Why no event is lost
//! The waiter puts its waker in place under the lock and then looks at the readiness once more. The event raises the
//! readiness and takes the wakers under the same lock. Either the waiter held the lock first, and its waker is taken; or
//! the event did, and the waiter's second look sees what it raised. The lock keeps events apart, too.
//!
//! # Wakers
//! A waker is foreign code: it is cloned before the lock, moved and compared under it, woken and dropped after it.

use super::readiness::{Direction, Facts, Readiness, Seen};
use super::sockets::wake;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::util::catch::guarded;
use std::fmt;
use std::num::NonZeroU64;
use std::task::{Context, Poll, Waker};

/// One source.
pub(crate) struct Source {
    /// By direction.
    readiness: [Readiness; 2],
    waiters: Mutex<Waiters>,
    /// How many futures wait, for those that leave: written under the lock, read without it.
    listed: AtomicUsize,
}

/// Wakers of `poll_` calls that are kept for one direction.
pub(crate) const POLLED: usize = 1024;

struct Waiters {
    /// By direction.
    sides: [Side; 2],
    /// The number of the next future.
    next: NonZeroU64,
    /// Futures in both lists.
    listed: usize,
}

/// The waiters of one direction.
struct Side {
    /// The waiter that came while the list was empty.
    first: Option<Waiter>,
    /// Those that came later, in order.
    others: Vec<Waiter>,
    /// How many of them are `poll_` calls.
    polled: usize,
}

struct Waiter {
    /// `None` for a `poll_` call.
    number: Option<NonZeroU64>,
    waker: Waker,
}

/// How a waiter is listed.
#[derive(Debug)]
pub(crate) enum Place {
    /// A `poll_` call: its waker stays until the next event.
    Polled,
    /// A future, with its number once it is listed. Its owner must [`leave`](Source::leave).
    Future(Option<NonZeroU64>),
}

impl Place {
    /// A future that does not wait yet.
    pub(crate) const fn new() -> Self {
        Self::Future(None)
    }
}

/// Wakers that a new waiter displaced.
#[derive(Default)]
struct Displaced {
    /// To be dropped.
    replaced: Option<Waker>,
    /// To be woken.
    evicted: Option<Waker>,
}

impl Source {
    pub(crate) fn new(facts: Facts) -> Self {
        Self {
            readiness: Direction::BOTH.map(|direction| Readiness::new(facts.about(direction))),
            waiters: Mutex::new(Waiters { sides: [Side::new(), Side::new()], next: NonZeroU64::MIN, listed: 0 }),
            listed: AtomicUsize::new(0),
        }
    }

    fn of(&self, direction: Direction) -> &Readiness {
        &self.readiness[direction as usize]
    }

    /// What is known now: something, if an operation may be tried.
    #[inline]
    pub(crate) fn look(&self, direction: Direction) -> Option<Seen> {
        self.of(direction).look()
    }

    /// Waits until an operation of this direction should be tried.
    #[inline]
    pub(crate) fn poll_ready(&self, direction: Direction, cx: &Context<'_>, place: &mut Place) -> Poll<Seen> {
        match self.look(direction) {
            Some(seen) => Poll::Ready(seen),
            None => {
                self.enlist(direction, cx.waker(), place);
                self.look(direction).map_or(Poll::Pending, Poll::Ready)
            }
        }
    }

    /// Waits until an event has told that this direction is ready. An assumption is not enough.
    pub(crate) fn poll_told(&self, direction: Direction, cx: &Context<'_>, place: &mut Place) -> Poll<Seen> {
        let readiness = self.of(direction);
        match readiness.look_told() {
            Some(seen) => Poll::Ready(seen),
            None => {
                self.enlist(direction, cx.waker(), place);
                readiness.look_told().map_or(Poll::Pending, Poll::Ready)
            }
        }
    }

    fn enlist(&self, direction: Direction, waker: &Waker, place: &mut Place) {
        let waker = waker.clone();
        let Displaced { replaced, evicted } = {
            let mut waiters = self.waiters.lock();
            let displaced = waiters.place(direction, waker, place);
            self.publish(&waiters);
            displaced
        };
        drop(replaced);
        if let Some(evicted) = evicted {
            // Its panic is its own: the caller that displaced it is another task.
            guarded(|| evicted.wake());
        }
    }

    /// Counts a wait that returns this direction as ready. True if the system is to be asked whether it still is.
    #[inline]
    pub(crate) fn count_unused(&self, direction: Direction) -> bool {
        self.of(direction).count_unused()
    }

    /// An operation is about to be done.
    #[inline]
    pub(crate) fn used(&self, direction: Direction) {
        self.of(direction).used();
    }

    /// An operation would have blocked: `seen` was looked at before it.
    #[inline]
    pub(crate) fn would_block(&self, seen: Seen, direction: Direction) {
        self.of(direction).clear(seen);
    }

    /// An operation moved all there was: `seen` was looked at before it.
    #[inline]
    pub(crate) fn drained(&self, seen: Seen, direction: Direction) {
        self.of(direction).clear_open(seen);
    }

    /// Removes a future that no longer waits.
    ///
    /// Usually an event has taken its waker already, and no future is listed: no lock then. Relaxed: the entry of the
    /// caller was counted before, so a zero is younger than that, and its writer had found the entry gone.
    #[inline]
    pub(crate) fn leave(&self, place: &mut Place) {
        if let Place::Future(number) = place
            && let Some(number) = number.take()
            && self.listed.load(Ordering::Relaxed) > 0
        {
            self.leave_slow(number);
        }
    }

    fn leave_slow(&self, number: NonZeroU64) {
        let left = {
            let mut waiters = self.waiters.lock();
            let left = waiters.sides.iter_mut().find_map(|side| side.remove(number));
            waiters.listed -= usize::from(left.is_some());
            self.publish(&waiters);
            left
        };
        drop(left);
    }

    /// Takes note of an event, and moves the wakers of those whom it concerns to `woken`, to be woken under no lock.
    pub(crate) fn event(&self, facts: Facts, woken: &mut Vec<Waker>) {
        let mut waiters = self.waiters.lock();
        for direction in Direction::BOTH {
            if let Some(facts) = facts.about(direction) {
                self.of(direction).raise(facts);
                let futures = waiters.sides[direction as usize].take(woken);
                waiters.listed -= futures;
            }
        }
        self.publish(&waiters);
    }

    /// Takes note of a fact that no event reports, and wakes the waiters that it concerns.
    pub(crate) fn notify(&self, facts: Facts) {
        let mut woken = Vec::new();
        self.event(facts, &mut woken);
        wake(&mut woken);
    }

    /// Must be called under the lock, as its argument shows.
    fn publish(&self, waiters: &Waiters) {
        self.listed.store(waiters.listed, Ordering::Relaxed);
    }
}

impl Waiters {
    fn place(&mut self, direction: Direction, waker: Waker, place: &mut Place) -> Displaced {
        let side = &mut self.sides[direction as usize];
        let number = match place {
            Place::Polled => return side.add_polled(waker),
            Place::Future(number) => number,
        };
        if let Some(waiter) = number.and_then(|number| side.find(number)) {
            let replaced = Some(std::mem::replace(&mut waiter.waker, waker));
            return Displaced { replaced, evicted: None };
        }
        *number = Some(self.next);
        side.add(Waiter { number: *number, waker });
        self.next = self.next.saturating_add(1);
        self.listed += 1;
        Displaced::default()
    }
}

impl Side {
    const fn new() -> Self {
        Self { first: None, others: Vec::new(), polled: 0 }
    }

    fn waiters(&mut self) -> impl DoubleEndedIterator<Item = &mut Waiter> {
        self.first.iter_mut().chain(&mut self.others)
    }

    fn add(&mut self, waiter: Waiter) {
        // The first place is for the first waiter alone, so that the order of the wakes is that of arrival.
        if self.first.is_none() && self.others.is_empty() {
            self.first = Some(waiter);
        } else {
            self.others.push(waiter);
        }
    }

    /// Adds the waker of a `poll_` call, unless it is there.
    fn add_polled(&mut self, waker: Waker) -> Displaced {
        // From behind: the one that polls again is usually one of the last.
        let known = self.waiters().rev().any(|waiter| waiter.number.is_none() && waiter.waker.will_wake(&waker));
        if known {
            return Displaced { replaced: Some(waker), evicted: None };
        }
        let evicted = if self.polled == POLLED { self.remove(None) } else { None };
        self.polled += usize::from(evicted.is_none());
        self.add(Waiter { number: None, waker });
        Displaced { replaced: None, evicted: evicted.map(|waiter| waiter.waker) }
    }

    fn find(&mut self, number: NonZeroU64) -> Option<&mut Waiter> {
        self.waiters().find(|waiter| waiter.number == Some(number))
    }

    /// Removes the waiter of this number, or the first `poll_` call. The others keep their order.
    fn remove(&mut self, number: impl Into<Option<NonZeroU64>>) -> Option<Waiter> {
        let number = number.into();
        let first = self.first.take_if(|waiter| waiter.number == number);
        first.or_else(|| {
            let at = self.others.iter().position(|waiter| waiter.number == number)?;
            Some(self.others.remove(at))
        })
    }

    /// Moves all wakers to `woken`, and returns how many of them were those of futures.
    fn take(&mut self, woken: &mut Vec<Waker>) -> usize {
        let before = woken.len();
        woken.extend(self.first.take().map(|waiter| waiter.waker));
        if !self.others.is_empty() {
            woken.extend(self.others.drain(..).map(|waiter| waiter.waker));
        }
        woken.len() - before - std::mem::take(&mut self.polled)
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [read, write] = Direction::BOTH.map(|direction| self.look(direction));
        f.debug_struct("Source").field("read", &read).field("write", &write).finish()
    }
}
