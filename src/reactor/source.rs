//! One source that the reactor watches: its readiness, and who waits for it.
//!
//! # Who waits
//! - **Two slots**, one a direction, for the `poll_` calls: the waker given last is the one that is woken, as the
//!   contract of such calls has it.
//! - **A list** for futures, each under a number of its own, so that any number of tasks may wait for one socket. An
//!   event wakes all of its direction; who finds nothing left waits again.
//!
//! # Why no event is lost
//! The waiter puts its waker in place under the lock and then looks at the readiness once more. The event raises the
//! readiness and then takes the wakers under the lock. Either the waiter held the lock first, and its waker is taken;
//! or the event did, and the waiter's second look sees what it raised.
//!
//! # Wakers
//! A waker is foreign code: it is cloned before the lock, moved under it, woken and dropped after it.

use super::readiness::{Direction, Facts, Readiness, Seen};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicUsize, Ordering};
use std::fmt;
use std::task::{Context, Poll, Waker};

/// One source.
pub(crate) struct Source {
    readiness: Readiness,
    waiters: Mutex<Waiters>,
    /// How many wait in the list, for those who leave: written under the lock, read without it.
    listed: AtomicUsize,
}

struct Waiters {
    /// By direction.
    slots: [Option<Waker>; 2],
    list: Vec<Waiter>,
    /// The number of the next one in the list.
    next: u64,
}

struct Waiter {
    number: u64,
    direction: Direction,
    waker: Waker,
}

/// Where a waker is put.
#[derive(Debug)]
pub(crate) enum Place {
    /// Into the slot of its direction; the one before it is forgotten.
    Slot,
    /// Into the list, beside the others, under the number that it got there. Whoever has one must
    /// [`leave`](Source::leave) it.
    List(Option<u64>),
}

impl Source {
    pub(crate) fn new(facts: Facts) -> Self {
        let waiters = Waiters { slots: [None, None], list: Vec::new(), next: 0 };
        Self { readiness: Readiness::new(facts), waiters: Mutex::new(waiters), listed: AtomicUsize::new(0) }
    }

    /// What is known now.
    pub(crate) fn look(&self) -> Seen {
        self.readiness.look()
    }

    /// Waits for a direction to be ready.
    pub(crate) fn poll_ready(&self, direction: Direction, cx: &Context<'_>, place: &mut Place) -> Poll<Seen> {
        let seen = self.look();
        if seen.is_ready(direction) {
            return Poll::Ready(seen);
        }
        let waker = cx.waker().clone();
        let replaced = {
            let mut waiters = self.waiters.lock();
            let replaced = waiters.place(direction, waker, place);
            self.listed.store(waiters.list.len(), Ordering::Relaxed);
            replaced
        };
        drop(replaced);
        let seen = self.look();
        if seen.is_ready(direction) { Poll::Ready(seen) } else { Poll::Pending }
    }

    /// An operation would have blocked: `seen` was looked at before it.
    pub(crate) fn would_block(&self, seen: Seen, direction: Direction) {
        self.readiness.clear(seen, direction);
    }

    /// An operation moved all there was: `seen` was looked at before it.
    pub(crate) fn drained(&self, seen: Seen, direction: Direction) {
        self.readiness.clear_open(seen, direction);
    }

    /// Whoever waited in the list does so no more.
    ///
    /// As a rule an event has taken its waker already, and the list is empty: no lock then. Relaxed: the leaver's own
    /// entry was counted in before, so a zero is younger than that, and whoever wrote it had found the entry gone.
    pub(crate) fn leave(&self, place: &mut Place) {
        if let Place::List(number) = place
            && let Some(number) = number.take()
            && self.listed.load(Ordering::Relaxed) > 0
        {
            let left = {
                let mut waiters = self.waiters.lock();
                let left = waiters.remove(number);
                self.listed.store(waiters.list.len(), Ordering::Relaxed);
                left
            };
            drop(left);
        }
    }

    /// Takes note of an event, and moves the wakers of those whom it concerns to `woken`, to be woken under no lock.
    pub(crate) fn event(&self, facts: Facts, woken: &mut Vec<Waker>) {
        self.readiness.raise(facts);
        let mut waiters = self.waiters.lock();
        for direction in [Direction::Read, Direction::Write] {
            if facts.concern(direction) {
                woken.extend(waiters.slots[direction as usize].take());
            }
        }
        if !waiters.list.is_empty() {
            let concerned = waiters.list.extract_if(.., |waiter| facts.concern(waiter.direction));
            woken.extend(concerned.map(|waiter| waiter.waker));
            self.listed.store(waiters.list.len(), Ordering::Relaxed);
        }
    }
}

impl Waiters {
    /// Returns the waker that was replaced, to be dropped after the lock.
    fn place(&mut self, direction: Direction, waker: Waker, place: &mut Place) -> Option<Waker> {
        let Place::List(number) = place else {
            return self.slots[direction as usize].replace(waker);
        };
        let known = number.and_then(|number| self.list.iter_mut().find(|waiter| waiter.number == number));
        if let Some(waiter) = known {
            return Some(std::mem::replace(&mut waiter.waker, waker));
        }
        self.list.push(Waiter { number: self.next, direction, waker });
        *number = Some(self.next);
        self.next += 1;
        None
    }

    fn remove(&mut self, number: u64) -> Option<Waiter> {
        let at = self.list.iter().position(|waiter| waiter.number == number)?;
        // The others keep their order: who came first is woken first.
        Some(self.list.remove(at))
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Source").field(&self.look()).finish()
    }
}
