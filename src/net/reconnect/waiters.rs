//! Those who wait for something that concerns all of them.

use crate::util::catch::guarded;
use crate::util::slab::{Key, Slab};
use std::task::Waker;

/// Wakers of futures that wait. It stands under a lock; its wakers are foreign code, which runs after the lock.
#[derive(Default)]
pub(super) struct Waiters(Slab<Waker>);

impl Waiters {
    /// Puts a waker in, or in the place of the one that this future has there. Returns what it replaced, to be dropped
    /// after the lock.
    pub(super) fn place(&mut self, place: &mut Option<Key>, waker: Waker) -> Option<Waker> {
        match place.and_then(|place| self.0.get_mut(place)) {
            Some(mine) => Some(std::mem::replace(mine, waker)),
            None => {
                *place = Some(self.0.insert(waker));
                None
            }
        }
    }

    /// A future waits no more. Returns its waker, to be dropped after the lock.
    pub(super) fn leave(&mut self, place: Option<Key>) -> Option<Waker> {
        self.0.remove(place?)
    }

    /// Moves all out; the keys of those who wait find nothing then.
    pub(super) fn take_all(&mut self, woken: &mut Vec<Waker>) {
        for index in 0..self.0.end() {
            woken.extend(self.0.remove_at(index));
        }
    }
}

/// Wakes all. Never call it under a lock.
pub(super) fn wake(woken: impl IntoIterator<Item = Waker>) {
    for waker in woken {
        guarded(|| waker.wake());
    }
}
