//! A flag that goes up once, and who waits for it: the protocol between a signal handler and the rest of the program.
//!
//! A handler may do next to nothing: it raises the flag, then rings a bell (writes a byte into a pipe; dropped if the
//! pipe is full, for then it is ringing already). One attendant hears the bell and wakes whoever waits.
//!
//! # Why no signal is lost
//! - **Handler and attendant.** The handler raises the flag *first* and rings *second*; the attendant clears the bell
//!   *first* and looks at the flag *second*. A ring that is cleared together with an earlier one is of a handler that has
//!   raised the flag by then, so the look that follows sees it. The other way round on either side, the attendant could
//!   look at a flag that is down, clear the ring that told of it, and wait for ever.
//! - **Attendant and waiter.** The waiter puts its waker in place under the lock, then looks at the flag once more. The
//!   attendant has seen the flag up before it takes the wakers under the lock. Either it takes that waker, or the waiter's
//!   second look sees the flag.
//!
//! The flag never goes down, so any number of signals is as good as one: a flood costs a look each time that the bell
//! is heard, and nothing grows.

use crate::sync::Mutex;
use crate::util::catch::guarded;
use crate::util::slab::{Key, Slab};
use std::task::{Context, Poll, Waker};

/// The flag itself: an atomic of the standard library where a signal handler raises it, one that is checked in the model.
pub(crate) trait Flag {
    /// Release at least: pairs with `is_raised`.
    fn raise(&self);
    /// Acquire at least: whoever sees it up sees what was written before it was raised.
    fn is_raised(&self) -> bool;
}

/// What the attendant of a latch listens to.
pub(crate) trait Bell {
    /// Waits until it has been rung and silences it. False: nobody can ring it any more.
    fn clear(&mut self) -> bool;
}

/// The flag with its waiters.
pub(crate) struct Latch<F> {
    flag: F,
    /// Taken as a whole, and only once the flag is up: keys of an earlier list find a waiter of a later one only when that
    /// one's second look sees the flag anyway.
    waiters: Mutex<Slab<Waker>>,
}

impl<F: Flag> Latch<F> {
    pub(crate) fn new(flag: F) -> Self {
        Self { flag, waiters: Mutex::new(Slab::new()) }
    }

    /// What a handler raises.
    #[cfg(all(loom, test))]
    pub(crate) fn flag(&self) -> &F {
        &self.flag
    }

    /// One load.
    pub(crate) fn is_raised(&self) -> bool {
        self.flag.is_raised()
    }

    /// Raises the flag outside of any signal handler, where the waiters can be woken at once.
    pub(crate) fn raise(&self) {
        self.flag.raise();
        self.wake_all();
    }

    /// Wakes the waiters when a handler has raised the flag; returns when the bell is gone. `woken` is called each time
    /// after that.
    pub(crate) fn attend(&self, mut bell: impl Bell, woken: impl Fn()) {
        while bell.clear() {
            if self.is_raised() {
                self.wake_all();
                woken();
            }
        }
    }

    /// Waits for the flag. Whoever was given a place must [`leave`](Self::leave) it.
    pub(crate) fn poll_raised(&self, cx: &Context<'_>, place: &mut Option<Key>) -> Poll<()> {
        if self.is_raised() {
            return Poll::Ready(());
        }
        let waker = cx.waker().clone();
        let replaced = {
            let mut waiters = self.waiters.lock();
            match place.and_then(|key| waiters.get_mut(key)) {
                Some(known) => Some(std::mem::replace(known, waker)),
                None => {
                    *place = Some(waiters.insert(waker));
                    None
                }
            }
        };
        // After the lock: the drop of a waker is foreign code.
        drop(replaced);
        if self.is_raised() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Takes back the waker of whoever waits no more.
    pub(crate) fn leave(&self, place: &mut Option<Key>) {
        if let Some(key) = place.take() {
            let left = self.waiters.lock().remove(key);
            drop(left);
        }
    }

    fn wake_all(&self) {
        let mut waiting = std::mem::take(&mut *self.waiters.lock());
        for index in 0..waiting.end() {
            if let Some(waker) = waiting.remove_at(index) {
                guarded(|| waker.wake());
            }
        }
    }
}
