//! One source that the reactor watches: its readiness, and who waits for it.
//!
//! # Who waits
//! For each direction
//! - **a slot** for the `poll_` calls: the waker given last is the one that is woken, as the contract of such calls has it;
//! - **a list** for futures, each under a number of its own, so that any number of tasks may wait for one socket. An
//!   event wakes all of its direction; who finds nothing left waits again. As a rule there is one, who has a place outside
//!   of the vector.
//!
//! # Why no event is lost
//! The waiter puts its waker in place under the lock and then looks at the readiness once more. The event raises the
//! readiness and takes the wakers under the same lock. Either the waiter held the lock first, and its waker is taken; or
//! the event did, and the waiter's second look sees what it raised. The lock keeps events apart, too.
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
    /// By direction.
    readiness: [Readiness; 2],
    waiters: Mutex<Waiters>,
    /// How many wait in the lists, for those who leave: written under the lock, read without it.
    listed: AtomicUsize,
}

struct Waiters {
    /// By direction.
    sides: [Side; 2],
    /// The number of the next one in a list.
    next: u64,
}

/// Those of one direction.
struct Side {
    slot: Option<Waker>,
    /// Who came while the list was empty.
    first: Option<Waiter>,
    /// Who came later, in that order.
    others: Vec<Waiter>,
}

struct Waiter {
    number: u64,
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
        Self {
            readiness: Direction::BOTH.map(|direction| Readiness::new(facts.about(direction))),
            waiters: Mutex::new(Waiters { sides: [Side::new(), Side::new()], next: 0 }),
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

    /// Waits for a direction to be ready.
    #[inline]
    pub(crate) fn poll_ready(&self, direction: Direction, cx: &Context<'_>, place: &mut Place) -> Poll<Seen> {
        match self.look(direction) {
            Some(seen) => Poll::Ready(seen),
            None => self.wait(direction, cx.waker(), place),
        }
    }

    fn wait(&self, direction: Direction, waker: &Waker, place: &mut Place) -> Poll<Seen> {
        let waker = waker.clone();
        let replaced = {
            let mut waiters = self.waiters.lock();
            let replaced = waiters.place(direction, waker, place);
            self.count(&waiters);
            replaced
        };
        drop(replaced);
        self.look(direction).map_or(Poll::Pending, Poll::Ready)
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

    /// Whoever waited in the list does so no more.
    ///
    /// As a rule an event has taken its waker already, and the list is empty: no lock then. Relaxed: the leaver's own
    /// entry was counted in before, so a zero is younger than that, and whoever wrote it had found the entry gone.
    #[inline]
    pub(crate) fn leave(&self, place: &mut Place) {
        if let Place::List(number) = place
            && let Some(number) = number.take()
            && self.listed.load(Ordering::Relaxed) > 0
        {
            self.leave_slow(number);
        }
    }

    fn leave_slow(&self, number: u64) {
        let left = {
            let mut waiters = self.waiters.lock();
            let left = waiters.sides.iter_mut().find_map(|side| side.remove(number));
            self.count(&waiters);
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
                waiters.sides[direction as usize].take(woken);
            }
        }
        self.count(&waiters);
    }

    /// To be called under the lock, as its argument has it.
    fn count(&self, waiters: &Waiters) {
        let listed = waiters.sides.iter().map(Side::listed).sum();
        self.listed.store(listed, Ordering::Relaxed);
    }
}

impl Waiters {
    /// Returns the waker that was replaced, to be dropped after the lock.
    fn place(&mut self, direction: Direction, waker: Waker, place: &mut Place) -> Option<Waker> {
        let side = &mut self.sides[direction as usize];
        let Place::List(number) = place else {
            return side.slot.replace(waker);
        };
        if let Some(waiter) = number.and_then(|number| side.find(number)) {
            return Some(std::mem::replace(&mut waiter.waker, waker));
        }
        side.add(Waiter { number: self.next, waker });
        *number = Some(self.next);
        self.next += 1;
        None
    }
}

impl Side {
    const fn new() -> Self {
        Self { slot: None, first: None, others: Vec::new() }
    }

    fn listed(&self) -> usize {
        usize::from(self.first.is_some()) + self.others.len()
    }

    fn add(&mut self, waiter: Waiter) {
        // Who came first is woken first: nobody gets ahead of those in the vector.
        if self.listed() == 0 {
            self.first = Some(waiter);
        } else {
            self.others.push(waiter);
        }
    }

    fn find(&mut self, number: u64) -> Option<&mut Waiter> {
        self.first.iter_mut().chain(&mut self.others).find(|waiter| waiter.number == number)
    }

    fn remove(&mut self, number: u64) -> Option<Waiter> {
        let first = self.first.take_if(|waiter| waiter.number == number);
        first.or_else(|| {
            let at = self.others.iter().position(|waiter| waiter.number == number)?;
            // The others keep their order.
            Some(self.others.remove(at))
        })
    }

    /// Moves all wakers to `woken`.
    fn take(&mut self, woken: &mut Vec<Waker>) {
        if let Some(waker) = self.slot.take() {
            woken.push(waker);
        }
        if let Some(waiter) = self.first.take() {
            woken.push(waiter.waker);
        }
        if !self.others.is_empty() {
            woken.extend(self.others.drain(..).map(|waiter| waiter.waker));
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [read, write] = Direction::BOTH.map(|direction| self.look(direction));
        f.debug_struct("Source").field("read", &read).field("write", &write).finish()
    }
}
