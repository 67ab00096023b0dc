//! Who waits until one more may come in.
//!
//! A waiter looks and registers under the lock. Room comes about by an end, a launch or a larger size; after each of these
//! there is a pump, and whoever ends the pump takes the wakers under the lock under which it is free again. So a waiter
//! either sees the room, or its waker is taken.

use super::Members;
use super::join::take_all;
use super::state::{Door, State};
use crate::sync::Arc;
use crate::util::slab::Key;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// Ready once somebody may come in, or nobody ever will.
pub(crate) struct Room {
    members: Arc<Members>,
    /// Where our waker stands. Stale once they were taken to be woken.
    place: Option<Key>,
}

impl Room {
    pub(in crate::manage) fn new(members: &Arc<Members>) -> Self {
        Self { members: Arc::clone(members), place: None }
    }
}

impl Members {
    /// Nothing to wait for: there is room, or there never will be.
    fn is_decided(&self, state: &State) -> bool {
        !state.is_full(self.rules.queue_limit) || state.door != Door::Open || self.handle.is_closed()
    }

    /// Those who are to look again, to be woken outside of the lock: all of them, since one that is woken may not want
    /// the place any more.
    #[must_use]
    pub(super) fn take_hopeful(&self, state: &mut State) -> Vec<Waker> {
        if state.hopeful.is_empty() || !self.is_decided(state) {
            return Vec::new();
        }
        take_all(&mut state.hopeful)
    }
}

impl Future for Room {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        // Declared before the guard, so dropped after it: whichever waker is left over dies outside the lock.
        let mut waker = cx.waker().clone();
        let mut state = this.members.state.lock();
        if this.members.is_decided(&state) {
            return Poll::Ready(());
        }
        match this.place.and_then(|place| state.hopeful.get_mut(place)) {
            Some(known) => std::mem::swap(known, &mut waker),
            None => this.place = Some(state.hopeful.insert(waker)),
        }
        Poll::Pending
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            let waker = self.members.state.lock().hopeful.remove(place);
            drop(waker);
        }
    }
}
