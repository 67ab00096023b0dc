//! Who waits for the end of all members.

use super::Members;
use crate::sync::Arc;
use crate::util::slab::Key;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

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
