//! Futures that wait for bytes, and for a state. Dropping one changes nothing: what it did not take is still there.

use super::error::ReadError;
use super::shared::Shared;
use super::state::State;
use crate::net::inbox::Inbox;
use crate::sync::Arc;
use crate::util::slab::Key;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Waits until `take` finds what it takes.
pub(super) struct Reading<'a, F> {
    shared: &'a Shared,
    place: Option<Key>,
    take: F,
}

impl<'a, F> Reading<'a, F> {
    pub(super) fn new(shared: &'a Shared, take: F) -> Self {
        Self { shared, place: None, take }
    }
}

// The closure is only called, never pinned.
impl<F> Unpin for Reading<'_, F> {}

impl<T, F: FnMut(&mut Inbox) -> Result<Option<T>, ReadError>> Future for Reading<'_, F> {
    type Output = Result<T, ReadError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { shared, place, take } = self.get_mut();
        match shared.read(take, Some((place, cx))).transpose() {
            Some(taken) => Poll::Ready(taken),
            None => Poll::Pending,
        }
    }
}

impl<F> Drop for Reading<'_, F> {
    fn drop(&mut self) {
        self.shared.leave_readers(self.place);
    }
}

/// Waits for a state of which `is` has something to say.
pub(super) struct Watching<F> {
    shared: Arc<Shared>,
    place: Option<Key>,
    is: F,
}

impl<F> Watching<F> {
    pub(super) fn new(shared: &Arc<Shared>, is: F) -> Self {
        Self { shared: Arc::clone(shared), place: None, is }
    }
}

// As above.
impl<F> Unpin for Watching<F> {}

impl<T, F: Fn(&State) -> Option<T>> Future for Watching<F> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let Self { shared, place, is } = self.get_mut();
        shared.poll_state(&*is, place, cx)
    }
}

impl<F> Drop for Watching<F> {
    fn drop(&mut self) {
        self.shared.leave_watchers(self.place);
    }
}
