//! Eager starts: a task whose first poll runs in the spawning thread.
//!
//! # On the thread that drives the runtime
//! The task is added to the owner list and polled inside the current poll ([`Core::run_nested`]). From then on it is a
//! normal task.
//!
//! # On any other thread
//! The owner list is not accessible. The future is `Send`, so this thread polls it once, in the cell where it stays,
//! and then hands it over. During that poll the task belongs to this thread alone and is marked as running. Whatever
//! the poll returns, its `Runnable` is created and pushed to the inbox like that of a new task. The executor accepts it
//! and polls it again, so a wake in between is not needed. If the runtime has ended meanwhile, the inbox refuses the
//! task, which ends it here as runtime gone. So at every moment either this thread or the executor knows the task.
//!
//! # Depth
//! A nested start uses stack. Beyond [`DEPTH`], or when less than half of the stack is left, futures are not polled
//! where they are started ([`stack`](super::stack)).
//!
//! [`Core::run_nested`]: crate::executor::Core::run_nested

use super::context::{self, Local};
use super::handle::{Handle, Runtime};
use super::owner::Reactor;
use super::refused::refuse;
use super::stack::NestedStart;
use crate::error::IntoBoxError;
use crate::sync::Arc;
use crate::task::raw::{Convert, Fallible, FutureBody, Outcome, PollOutcome, Value, Work};
use crate::task::{Spec, Task};
use crate::util::methods::methods;
use pin_project_lite::pin_project;
use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The largest number of nested starts on one thread.
const DEPTH: u32 = 64;

thread_local! {
    static STARTS: Cell<u32> = const { Cell::new(0) };
}

/// A guard of one start on this thread.
pub(super) struct Start {
    _mark: NestedStart,
}

impl Start {
    /// Begins a start of a future of `bytes` bytes.
    ///
    /// Returns `None` at the depth limit, or if the stack has no room for it.
    pub(super) fn enter(bytes: usize) -> Option<Self> {
        if STARTS.get() >= DEPTH {
            return None;
        }
        let mark = NestedStart::set(bytes)?;
        STARTS.set(STARTS.get() + 1);
        Some(Self { _mark: mark })
    }
}

impl Drop for Start {
    fn drop(&mut self) {
        STARTS.set(STARTS.get() - 1);
    }
}

/// Runs `poll`, which polls a future inside the running task.
///
/// Returns `None`, without a poll, at the depth limit.
pub(crate) fn nested_start<R>(poll: impl FnOnce() -> R) -> Option<R> {
    let _start = Start::enter(0)?;
    Some(inside(context::current().as_deref(), poll))
}

methods! {
impl Handle, Runtime {
    /// Starts a future immediately: its first part runs on the calling thread.
    ///
    /// The rest, from its first wait on, runs on the reactor thread.
    ///
    /// A future that does not wait has finished when this returns: no other thread and no queue is involved. Otherwise
    /// this returns as soon as the future waits. A panic of the first part ends the task as usual and is kept for the
    /// handle. If the runtime has shut down, the future is not polled, and the task ends with
    /// [`TaskError::RuntimeGone`].
    ///
    /// Inside a task of the same runtime the future is polled inside that task's poll. On any other thread the first
    /// part runs there, with the timers of this runtime. The reactor polls the future once more after it has accepted
    /// it. If the runtime shuts down meanwhile, the future is dropped where it was started.
    ///
    /// A nested start uses stack. The future is spawned as by [`spawn`](Self::spawn) instead at a depth of 64 starts,
    /// or if there is not enough stack for it. On the reactor thread half of the stack
    /// ([`Builder::stack_size`](crate::Builder::stack_size)) is for nested starts, on other threads 256 KiB.
    ///
    /// [`TaskError::RuntimeGone`]: crate::TaskError::RuntimeGone
    ///
    /// # Example
    /// ```
    /// let rt = offtick::Runtime::new()?;
    /// let cached = Some(7);
    /// let mut task = rt.spawn_eager(async move {
    ///     match cached {
    ///         Some(value) => value,
    ///         None => std::future::pending().await, // a download, say
    ///     }
    /// });
    /// assert!(task.is_done()); // already
    /// assert_eq!(task.wait()?, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn spawn_eager<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.handle().start_eager::<F, Value>(future, Spec::plain())
    }

    /// Starts a future that returns a `Result`; see [`spawn_eager`](Self::spawn_eager).
    ///
    /// `Err` ends the task in `Status::Error`.
    #[track_caller]
    pub fn run_eager<F, T, E>(&self, future: F) -> Task<T>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: IntoBoxError,
    {
        self.handle().start_eager::<F, Fallible>(future, Spec::plain())
    }
}
}

impl Handle {
    fn start_eager<F, C>(&self, future: F, spec: Spec<()>) -> Task<C::Output>
    where
        F: Future + Send + 'static,
        C: Convert<F::Output> + 'static,
        C::Output: Send + 'static,
    {
        let driven = context::current();
        if driven.as_ref().is_some_and(|local| Arc::ptr_eq(&local.shared, self.shared())) {
            return self.start_nested(FutureBody::<F, C>::new(future), spec);
        }
        let Some(_start) = Start::enter(size_of::<F>()) else {
            return self.start(FutureBody::<F, C>::new(future), spec);
        };
        let shared = self.shared();
        let body = FutureBody::<_, C>::new(HandedOver { future, polled: false });
        let (runnable, task) = Task::make(body, Reactor::new(shared), spec);
        if shared.is_closing() {
            refuse(runnable);
            return task;
        }
        let _context = context::started_for(Some(Arc::clone(shared)));
        match inside(driven.as_deref(), || runnable.run(Outcome::Gone)) {
            PollOutcome::Again(task) => shared.accept(task),
            // Finished; it never sleeps here.
            PollOutcome::Completed(_) | PollOutcome::Idle => {}
        }
        task
    }

    /// Starts a body: immediately on the driver thread, else like any other.
    pub(crate) fn start_nested<B, P>(&self, body: B, spec: Spec<P>) -> Task<B::Output, P>
    where
        B: Work,
    {
        let shared = self.shared();
        let own = context::current().filter(|local| Arc::ptr_eq(&local.shared, shared));
        let (Some(local), false) = (own, shared.is_closing()) else { return self.start(body, spec) };
        let Some(_start) = Start::enter(size_of::<B>()) else { return self.start(body, spec) };
        let (runnable, task) = Task::make(body, Reactor::new(shared), spec);
        let _context = context::started_for(None);
        local.core.run_nested(runnable);
        task
    }
}

/// Runs `poll` inside the current poll of this thread.
pub(super) fn inside<R>(driven: Option<&Local>, poll: impl FnOnce() -> R) -> R {
    match driven {
        Some(local) => local.core.nested(poll),
        None => poll(),
    }
}

pin_project! {
    /// A future that requests another poll after its first one, which its executor did not make.
    struct HandedOver<F> {
        #[pin]
        future: F,
        polled: bool,
    }
}

impl<F: Future> Future for HandedOver<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let polled = this.future.poll(cx);
        if polled.is_pending() && !std::mem::replace(this.polled, true) {
            cx.waker().wake_by_ref();
        }
        polled
    }
}
