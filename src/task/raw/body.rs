//! Bodies of tasks: a future, a closure that builds a future, or a closure that blocks.
//!
//! One runner at a time polls a body, and a runner drops it. Its output is converted as it is returned, so `spawn*`
//! (any value) and `run*` (a `Result`) share one cell without a wrapper around the user's future.

use super::state::Kind;
use crate::error::{BoxError, TaskError};
use crate::util::thread_token::thread_token;
use std::future::Future;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The work in a task cell.
pub(crate) trait Body {
    /// The value that the handle receives.
    type Output;
    /// The rules of cancellation that apply.
    const KIND: Kind;
    /// Runs until the body waits or ends. Not called again after `Ready` or a panic.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Self::Output, TaskError>>;
}

/// A body that may move to another thread, with an output that may come back.
pub(crate) trait Work: Body<Output: Send + 'static> + Send + 'static {}

impl<B: Body<Output: Send + 'static> + Send + 'static> Work for B {}

/// A conversion of the value that user code returns into a task's result.
pub(crate) trait Convert<R> {
    /// The value that the handle receives.
    type Output;
    /// Converts the returned value.
    fn convert(returned: R) -> Result<Self::Output, TaskError>;
}

/// The conversion of `spawn*` methods: any value is the result.
pub(crate) struct Value;

impl<T> Convert<T> for Value {
    type Output = T;
    fn convert(returned: T) -> Result<T, TaskError> {
        Ok(returned)
    }
}

/// The conversion of `run*` methods: an `Err` ends the task in `Status::Error`.
pub(crate) struct Fallible;

impl<T, E: Into<BoxError>> Convert<Result<T, E>> for Fallible {
    type Output = T;
    fn convert(returned: Result<T, E>) -> Result<T, TaskError> {
        returned.map_err(TaskError::from_error)
    }
}

/// The conversion of bodies of the crate, which return the task error.
pub(crate) struct WithTaskError;

impl<T> Convert<Result<T, TaskError>> for WithTaskError {
    type Output = T;
    fn convert(returned: Result<T, TaskError>) -> Result<T, TaskError> {
        returned
    }
}

/// A future as a body.
pub(crate) struct FutureBody<F, C> {
    future: F,
    convert: PhantomData<fn() -> C>,
}

impl<F, C> FutureBody<F, C> {
    pub(crate) fn new(future: F) -> Self {
        Self { future, convert: PhantomData }
    }
}

impl<F: Future, C: Convert<F::Output>> Body for FutureBody<F, C> {
    type Output = C::Output;
    const KIND: Kind = Kind::Future;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<C::Output, TaskError>> {
        // SAFETY: structural pinning of the only field that is not zero-sized: it is never moved out, and `Self` has no
        // `Drop`.
        let future = unsafe { self.map_unchecked_mut(|body| &mut body.future) };
        future.poll(cx).map(C::convert)
    }
}

/// A closure that finishes in one poll.
pub(crate) struct ClosureBody<F, C> {
    closure: Option<F>,
    convert: PhantomData<fn() -> C>,
}

impl<F, C> ClosureBody<F, C> {
    pub(crate) fn new(closure: F) -> Self {
        Self { closure: Some(closure), convert: PhantomData }
    }
}

/// A closure moves to the stack before it runs: nothing in the cell is pinned.
impl<F, C> Unpin for ClosureBody<F, C> {}

impl<R, F: FnOnce() -> R, C: Convert<R>> Body for ClosureBody<F, C> {
    type Output = C::Output;
    const KIND: Kind = Kind::Closure;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<C::Output, TaskError>> {
        let closure = self.closure.take().expect("a closure is polled once");
        Poll::Ready(C::convert(closure()))
    }
}

/// A closure that builds its future at the first poll, on the polling thread.
///
/// So the future need not be `Send`.
pub(crate) enum LazyBody<M, F, C> {
    /// Not polled yet.
    Start(Option<M>, PhantomData<fn() -> C>),
    /// Polled; bound to the thread of the first poll.
    Bound(ThreadBound<F>),
}

impl<M, F, C> LazyBody<M, F, C> {
    pub(crate) fn new(make: M) -> Self {
        Self::Start(Some(make), PhantomData)
    }
}

impl<F: Future, M: FnOnce() -> F, C: Convert<F::Output>> Body for LazyBody<M, F, C> {
    type Output = C::Output;
    const KIND: Kind = Kind::Future;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<C::Output, TaskError>> {
        // SAFETY: nothing is moved out of a pinned place below: `Start` holds the closure, which is not pinned, and the
        // future inside `Bound` is only pinned again.
        let this = unsafe { self.get_unchecked_mut() };
        if let Self::Start(make, _) = this {
            let make = make.take().expect("not polled again after a panic");
            *this = Self::Bound(ThreadBound::new(make()));
        }
        let Self::Bound(bound) = this else { unreachable!("the future was just built") };
        let future = bound.get_mut().expect("a future is polled by the thread that built it");
        // SAFETY: `bound` lies inside the pinned body, and `ThreadBound` drops its value in place.
        let future = unsafe { Pin::new_unchecked(future) };
        future.poll(cx).map(C::convert)
    }
}

/// A body that never leaves the thread that created it.
///
/// Neither it nor its output needs to be `Send`. Polling it on another thread panics, and dropping it there aborts the
/// process. No executor of the crate does either.
pub(crate) struct Bound<B>(ThreadBound<B>);

impl<B> Bound<B> {
    pub(crate) fn new(body: B) -> Self {
        Self(ThreadBound::new(body))
    }
}

impl<B: Body> Body for Bound<B> {
    type Output = B::Output;
    const KIND: Kind = B::KIND;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<B::Output, TaskError>> {
        // SAFETY: nothing is moved out: the body inside is pinned again immediately.
        let this = unsafe { self.get_unchecked_mut() };
        let body = this.0.get_mut().expect("a bound body is polled by the thread that made it");
        // SAFETY: it lies inside the pinned one, and `ThreadBound` drops its value in place.
        let body = unsafe { Pin::new_unchecked(body) };
        body.poll(cx)
    }
}

/// A value that may move with its cell, but is used only on its own thread.
///
/// Other threads cannot access it, and dropping it there aborts the process (see `drop`).
pub(crate) struct ThreadBound<T> {
    thread: u64,
    value: ManuallyDrop<T>,
}

// SAFETY: only the thread that created the value accesses and drops it. Both places check, and a thread's token is
// never reused.
unsafe impl<T> Send for ThreadBound<T> {}

impl<T> ThreadBound<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { thread: thread_token(), value: ManuallyDrop::new(value) }
    }

    pub(crate) fn get_mut(&mut self) -> Option<&mut T> {
        (self.thread == thread_token()).then_some(&mut *self.value)
    }
}

impl<T> Drop for ThreadBound<T> {
    fn drop(&mut self) {
        if self.thread == thread_token() {
            // SAFETY: dropped once, here, on the thread that made it.
            unsafe { ManuallyDrop::drop(&mut self.value) };
        } else {
            // The memory is reused after this, so a pinned value would have to be dropped first, and this thread may
            // not do that. No executor of the crate gets here: each drops all futures before it refuses their wakes.
            eprintln!("offtick: a future that is bound to its thread was dropped on another one");
            std::process::abort();
        }
    }
}
