//! A set and a token that cancel each other.

use super::LimitedSet;
use crate::sync::{Arc, Weak};
use crate::toolkit::{CancelToken, WaitCancelled};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Wake, Waker};

/// A link that cancels the members when the token is cancelled.
pub(super) struct CancelLink {
    token: CancelToken,
    /// Registered with the token until it is dropped.
    _wait: WaitCancelled,
}

impl CancelLink {
    /// Creates a link.
    ///
    /// It cancels the members immediately if the token is already cancelled. Later members are checked one by one.
    pub(super) fn new(set: &Arc<LimitedSet>, token: &CancelToken) -> Self {
        let waker = Waker::from(Arc::new(OnCancel(Arc::downgrade(set))));
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

/// The waker of a link.
struct OnCancel(Weak<LimitedSet>);

impl Wake for OnCancel {
    fn wake(self: Arc<Self>) {
        if let Some(set) = self.0.upgrade() {
            set.cancel_members();
        }
    }
}
