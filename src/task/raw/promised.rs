//! A task without work of its own: whoever holds the right to end it gives it its output.
//!
//! Its body is of no size, and begins to run as it is made; so a cancellation ends it at once, as it does a closure. ACTIVE
//! stays with the [`Promised`], which ends it by [6] like any runner.

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

/// The body, which nobody polls.
struct PromisedBody<T>(PhantomData<fn() -> T>);

impl<T> Body for PromisedBody<T> {
    type Output = T;
    const KIND: Kind = Kind::Closure;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<T, TaskError>> {
        unreachable!("a promise is in no queue")
    }
}

/// The right to end a task of `T` that has no body. It must be used: dropped, it leaves the task to run for ever.
#[must_use]
pub(crate) struct Promised<T> {
    pointer: NonNull<Header>,
    output: PhantomData<fn(T)>,
}

// SAFETY: what moves with it is the right to move a `T` into the cell, from where the handle moves it on; the rest is as for
// `TaskRef`.
unsafe impl<T: Send> Send for Promised<T> {}
// SAFETY: a shared one reaches the header alone.
unsafe impl<T: Send> Sync for Promised<T> {}

/// Makes a task that runs, in the hands of whoever holds the [`Promised`].
pub(crate) fn promise<T: Send + 'static>(owner: Follower, origin: SpawnMeta) -> (Promised<T>, JoinRef<T>) {
    let (runnable, join) = new(PromisedBody(PhantomData), owner, origin);
    let pointer = runnable.into_raw();
    // SAFETY: alive by the body's reference.
    let state = unsafe { pointer.as_ref() }.state();
    let _polled = state.to_running();
    (Promised { pointer, output: PhantomData }, join)
}

impl<T> Promised<T> {
    /// The task, borrowed as its type-erased view.
    pub(crate) fn task(&self) -> &TaskRef {
        // SAFETY: `TaskRef` is a transparent wrapper of this pointer, and the body's reference, which is ours, outlives the
        // borrow.
        unsafe { &*std::ptr::from_ref(&self.pointer).cast::<TaskRef>() }
    }
}

impl<T: Send + 'static> Promised<T> {
    /// Ends the task. Gives the output back if it was over already, or nobody holds it.
    pub(crate) fn fulfil(self, output: Result<T, TaskError>) -> Option<Result<T, TaskError>> {
        let pointer = self.pointer;
        // SAFETY: made by `promise` of this type of body and owner; what ACTIVE stands for is ours, and the body is there.
        unsafe { fulfil::<PromisedBody<T>, Follower>(pointer, output) }
    }
}

impl<T> fmt::Debug for Promised<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.task().fmt(f)
    }
}
