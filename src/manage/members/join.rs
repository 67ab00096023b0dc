//! Who waits for the end of all members.

use super::Members;
use crate::error::TaskError;
use crate::park;
use crate::runtime::{drives_any, inside};
use crate::sync::Arc;
use crate::task::CancelHandle;
use crate::util::catch::guarded;
use crate::util::slab::{Key, Slab};
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// Waits for the end of all members. One that gives up takes its waker along: a program may wait for a little while
/// again and again.
pub(crate) struct Join {
    members: Arc<Members>,
    /// Where our waker stands among the joiners. Stale once they were taken to be woken.
    place: Option<Key>,
}

impl Join {
    pub(in crate::manage) fn new(members: &Arc<Members>) -> Self {
        Self { members: Arc::clone(members), place: None }
    }
}

impl Future for Join {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        // Declared before the guard, so dropped after it: whichever waker is left over dies outside the lock.
        let mut waker = cx.waker().clone();
        let mut state = this.members.state.lock();
        if state.members.is_empty() {
            return Poll::Ready(());
        }
        match this.place.and_then(|place| state.joiners.get_mut(place)) {
            Some(known) => std::mem::swap(known, &mut waker),
            None => this.place = Some(state.joiners.insert(waker)),
        }
        Poll::Pending
    }
}

impl Drop for Join {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            let waker = self.members.state.lock().joiners.remove(place);
            drop(waker);
        }
    }
}

impl Members {
    /// Blocks this thread until all are over, at most for `timeout`. `None`: some are not.
    pub(in crate::manage) fn wait(self: &Arc<Self>, timeout: Option<Duration>) -> Option<Result<(), TaskError>> {
        if self.must_not_wait() {
            return Some(Err(TaskError::WouldDeadlock));
        }
        park::block_on(pin!(Join::new(self)), timeout).map(Ok)
    }

    fn must_not_wait(&self) -> bool {
        let state = self.state.lock();
        // Reactor threads are asked for apart: a member that is just being made has no control to ask.
        let mut controls = state.members.iter().filter_map(|(_, member)| member.control.as_ref());
        !state.members.is_empty() && (drives_any() || controls.any(CancelHandle::must_not_wait))
    }

    /// True in the closure of a member.
    pub(in crate::manage) fn is_inside(&self) -> bool {
        let Some(own) = inside() else { return false };
        let state = self.state.lock();
        state.members.iter().any(|(_, member)| member.control.as_ref().is_some_and(|control| control.id() == own))
    }
}

/// Wakes those who were taken, under no lock.
pub(super) fn wake_all(wakers: Vec<Waker>) {
    for waker in wakers {
        guarded(|| waker.wake());
    }
}

/// Takes the wakers of all who wait. In place: a key that somebody still has finds nothing then, also among those who come
/// later.
pub(super) fn take_all(joiners: &mut Slab<Waker>) -> Vec<Waker> {
    (0..joiners.end()).filter_map(|index| joiners.remove_at(index)).collect()
}
