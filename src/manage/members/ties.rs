//! What the parts of a member know of their owner, and tell it: its cell, its closure, the futures that the owner runs for itself.

use super::Members;
use super::seat::Closure;
use crate::error::TaskError;
use crate::runtime::Watch;
use crate::sync::{Arc, Weak};
use crate::task::raw::{Body, Kind};
use crate::toolkit::{CancelToken, WaitCancelled};
use crate::util::slab::Key;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Wake, Waker};

/// What the cell of a member knows.
pub(super) struct Membership {
    pub(super) members: Arc<Members>,
    pub(super) key: Key,
}

impl Watch for Membership {
    fn starts(&self) {
        self.members.begins(self.key);
    }

    fn moved(&self) -> bool {
        self.members.moved(self.key)
    }

    fn ended(&self) {
        self.members.ended(self.key);
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
    pub(super) members: Arc<Members>,
    pub(super) closure: Arc<Closure>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        if self.closure.note_gone() {
            self.members.free_slot();
        }
    }
}

/// Ties an owner to a token: the token's cancellation is that of all members.
pub(super) struct Tie {
    token: CancelToken,
    /// Registered with the token; dropped, it leaves.
    _wait: WaitCancelled,
}

impl Tie {
    /// Cancels the members at once if the token is cancelled already; those who come later are looked at one by one.
    pub(super) fn new(members: &Arc<Members>, token: &CancelToken) -> Self {
        let waker = Waker::from(Arc::new(OnCancel(Arc::downgrade(members))));
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
struct OnCancel(Weak<Members>);

impl Wake for OnCancel {
    fn wake(self: Arc<Self>) {
        if let Some(members) = self.0.upgrade() {
            members.cancel_all();
        }
    }
}
