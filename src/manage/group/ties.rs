//! What the parts of a member know of their group, and tell it: its cell, its closure, the group's own futures.

use super::members::{Closure, Group};
use crate::error::TaskError;
use crate::runtime::Watch;
use crate::sync::{Arc, Weak};
use crate::task::raw::{Body, Kind};
use crate::toolkit::{CancelToken, WaitCancelled};
use crate::util::slab::Key;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Wake, Waker};

/// What the cell of a member knows of its group.
pub(super) struct Membership {
    pub(super) group: Arc<Group>,
    pub(super) key: Key,
}

impl Watch for Membership {
    fn starts(&self) {
        self.group.begins(self.key);
    }

    fn ended(&self) {
        self.group.ended(self.key);
    }
}

/// The body of a member that runs on the pool.
pub(super) struct Seated<B> {
    pub(super) body: B,
    /// After the body, so that it goes after it.
    pub(super) slot: Slot,
}

impl<B: Body + Unpin> Body for Seated<B> {
    type Output = B::Output;
    const KIND: Kind = Kind::Closure;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<B::Output, TaskError>> {
        match self.slot.closure.refusal() {
            Some(error) => Poll::Ready(Err(TaskError::from_error(error))),
            None => Pin::new(&mut self.body).poll(cx),
        }
    }
}

/// Stands beside the body of a member: tells when that is gone.
pub(super) struct Slot {
    pub(super) group: Arc<Group>,
    pub(super) closure: Arc<Closure>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        if self.closure.note_gone() {
            self.group.free_slot();
        }
    }
}

/// The pump, taken over by the reactor: launches a few at each poll.
pub(super) struct Pump(pub(super) Option<Arc<Group>>);

impl Future for Pump {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.0.as_ref().is_none_or(Group::pump_some) {
            self.0 = None;
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        // Shut down before the end: then every launch is quick, and this thread does the rest.
        if let Some(group) = self.0.take() {
            group.state.lock().pumping = false;
            group.pump();
        }
    }
}

/// Tells the group that its runtime is shut down.
pub(super) struct Sentinel(pub(super) Weak<Group>);

impl Drop for Sentinel {
    fn drop(&mut self) {
        if let Some(group) = self.0.upgrade() {
            group.pump();
        }
    }
}

/// Ties a group to a token: the token's cancellation is the group's.
pub(super) struct Tie {
    token: CancelToken,
    /// Registered with the token; dropped, it leaves.
    _wait: WaitCancelled,
}

impl Tie {
    /// Cancels the members at once if the token is cancelled already; those who come later are looked at one by one.
    pub(super) fn new(group: &Arc<Group>, token: &CancelToken) -> Self {
        let waker = Waker::from(Arc::new(OnCancel(Arc::downgrade(group))));
        let mut wait = token.cancelled();
        if Pin::new(&mut wait).poll(&mut Context::from_waker(&waker)).is_ready() {
            waker.wake();
        }
        Self { token: token.clone(), _wait: wait }
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.token.is_cancelled()
    }

    pub(super) fn token(&self) -> CancelToken {
        self.token.clone()
    }
}

/// The waker of a tie.
struct OnCancel(Weak<Group>);

impl Wake for OnCancel {
    fn wake(self: Arc<Self>) {
        if let Some(group) = self.0.upgrade() {
            group.cancel_all();
        }
    }
}
