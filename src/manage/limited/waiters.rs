//! Waiting for a condition of the set: that it is idle, or that it has room.
//!
//! A waiter checks its condition and registers under one lock. Each change of the set is followed by
//! [`launch_ready`](LimitedSet::launch_ready), which finally takes the wakers whose condition holds, under the lock. So
//! a waiter either sees the change, or its waker is taken.

use super::{Inner, LimitedSet};
use crate::error::TaskError;
use crate::park;
use crate::runtime::{drives_any, inside};
use crate::sync::{Arc, HAS_THREADS};
use crate::task::CancelHandle;
use crate::util::slab::{Key, Slab};
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// A condition to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::manage) enum Condition {
    /// Every member has ended, and no closure of one is still running.
    Idle,
    /// A permit is available, or will never be.
    Capacity,
    /// The task of every member has ended, and every future was dropped.
    ///
    /// Closures may still be running.
    Ended,
}

/// The wakers of the waiters.
#[derive(Default)]
pub(super) struct Waiters([Slab<Waker>; 3]);

/// A future that is ready once the condition holds.
///
/// All waiters of a condition are woken together. A dropped waiter removes its waker: a program may wait briefly again
/// and again.
pub(crate) struct Waiter {
    set: Arc<LimitedSet>,
    condition: Condition,
    /// The key of our waker. Stale once it was taken to be woken.
    key: Option<Key>,
}

impl Waiter {
    pub(in crate::manage) fn new(set: &Arc<LimitedSet>, condition: Condition) -> Self {
        Self { set: Arc::clone(set), condition, key: None }
    }
}

impl Future for Waiter {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        // Declared before the guard, so dropped after it: an unused waker is dropped outside the lock.
        let mut waker = cx.waker().clone();
        let mut inner = this.set.inner.lock();
        if this.set.holds(&inner, this.condition) {
            return Poll::Ready(());
        }
        let waiters = &mut inner.waiters.0[this.condition as usize];
        match this.key.and_then(|key| waiters.get_mut(key)) {
            Some(known) => std::mem::swap(known, &mut waker),
            None => this.key = Some(waiters.insert(waker)),
        }
        Poll::Pending
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            let waker = self.set.inner.lock().waiters.0[self.condition as usize].remove(key);
            drop(waker);
        }
    }
}

impl LimitedSet {
    fn holds(&self, inner: &Inner, condition: Condition) -> bool {
        match condition {
            Condition::Idle => inner.members.is_empty(),
            Condition::Ended => inner.members.len() == inner.limiter.left_running(),
            Condition::Capacity => {
                let limiter = &inner.limiter;
                !limiter.is_full(self.rules.queue_limit) || limiter.is_closed() || self.handle.is_closed()
            }
        }
    }

    /// Takes the wakers whose condition holds, to be woken outside of the lock.
    #[must_use]
    pub(super) fn take_ready(&self, inner: &mut Inner) -> Vec<Waker> {
        let mut ready = Vec::new();
        for condition in [Condition::Idle, Condition::Capacity, Condition::Ended] {
            if !inner.waiters.0[condition as usize].is_empty() && self.holds(inner, condition) {
                let waiters = &mut inner.waiters.0[condition as usize];
                // In place, so that a waiter's old key finds nothing, even among later waiters.
                ready.extend((0..waiters.end()).filter_map(|index| waiters.remove_at(index)));
            }
        }
        ready
    }

    /// Blocks this thread until the set is idle, at most for `timeout`.
    ///
    /// Returns `None` if it is not idle.
    pub(in crate::manage) fn wait(self: &Arc<Self>, timeout: Option<Duration>) -> Option<Result<(), TaskError>> {
        if self.must_not_wait() {
            return Some(Err(TaskError::WouldDeadlock));
        }
        park::block_on(pin!(Waiter::new(self, Condition::Idle)), timeout).map(Ok)
    }

    fn must_not_wait(&self) -> bool {
        let inner = self.inner.lock();
        // Reactor threads are checked separately: a member being submitted has no cancel handle to ask.
        let mut controls = inner.members.iter().filter_map(|(_, member)| member.control.as_ref());
        !inner.members.is_empty() && (!HAS_THREADS || drives_any() || controls.any(CancelHandle::must_not_wait))
    }

    /// Returns true in the closure of a member.
    pub(in crate::manage) fn is_inside(&self) -> bool {
        let Some(own) = inside() else { return false };
        let inner = self.inner.lock();
        inner.members.iter().any(|(_, member)| member.control.as_ref().is_some_and(|control| control.id() == own))
    }
}
