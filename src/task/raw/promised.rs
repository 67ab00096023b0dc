//! A task without a body: the holder of a right provides its output.
//!
//! Its body has no size and counts as started from the beginning, so a cancellation ends it immediately, like a
//! closure. ACTIVE stays with the [`Promised`], which ends the task by [6] like any runner.

use super::body::Body;
use super::cell::fulfil;
use super::handles::{JoinRef, TaskRef, new};
use super::header::Header;
use super::spawn_meta::SpawnMeta;
use super::state::Kind;
use crate::error::TaskError;
use crate::task::Follower;
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll};

/// The body, which is never polled.
struct PromisedBody<T>(PhantomData<fn() -> T>);

impl<T> Body for PromisedBody<T> {
    type Output = T;
    const KIND: Kind = Kind::Closure;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<T, TaskError>> {
        unreachable!("a promise is in no queue")
    }
}

/// The right to end a task of `T` that has no body.
///
/// It must be used: if it is dropped, the task never ends.
#[must_use]
pub(crate) struct Promised<T> {
    pointer: NonNull<Header>,
    output: PhantomData<fn(T)>,
}

// SAFETY: the right to move a `T` into the cell moves with it, and the handle moves the `T` on; the rest is as for
// `TaskRef`.
unsafe impl<T: Send> Send for Promised<T> {}
// SAFETY: a shared one accesses only the header.
unsafe impl<T: Send> Sync for Promised<T> {}

/// Creates a running task that the [`Promised`] ends.
pub(crate) fn promise<T: Send + 'static>(owner: Follower, origin: SpawnMeta) -> (Promised<T>, JoinRef<T>) {
    let (runnable, join) = new(PromisedBody(PhantomData), owner, origin);
    let pointer = runnable.into_raw();
    // SAFETY: alive by the body's reference.
    let state = unsafe { pointer.as_ref() }.state();
    let _polled = state.to_running();
    (Promised { pointer, output: PhantomData }, join)
}

impl<T> Promised<T> {
    /// Borrows the task as its type-erased reference.
    pub(crate) fn task(&self) -> &TaskRef {
        // SAFETY: `TaskRef` is a transparent wrapper of this pointer, and the body's reference, which is ours, outlives
        // the borrow.
        unsafe { &*std::ptr::from_ref(&self.pointer).cast::<TaskRef>() }
    }
}

impl<T: Send + 'static> Promised<T> {
    /// Ends the task. Returns the output if the task had ended or has no handle.
    pub(crate) fn fulfil(self, output: Result<T, TaskError>) -> Option<Result<T, TaskError>> {
        let pointer = self.pointer;
        // SAFETY: created by `promise` with this type of body and owner; the right that ACTIVE stands for is ours, and
        // the body is there.
        unsafe { fulfil::<PromisedBody<T>, Follower>(pointer, output) }
    }
}

impl<T> fmt::Debug for Promised<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.task().fmt(f)
    }
}
