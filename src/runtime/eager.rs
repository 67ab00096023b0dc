//! Eager starts: a task whose first poll happens where it is spawned.
//!
//! # On the thread that drives the runtime
//! The task is taken into the owner list and polled inside whatever is being polled there ([`Core::run_nested`]); from then
//! on it is a task as any other.
//!
//! # On any other thread
//! The owner list is out of reach. The future is `Send`, so this thread polls it once, in the cell where it will stay, and
//! then hands it over: while that poll is on the task is this thread's alone, marked as running, and whatever the poll
//! came to, its `Runnable` is made and goes to the inbox as that of a new task. The executor takes it in and polls it again,
//! so a wake that came in between is not even needed. If the runtime has gone meanwhile, the inbox refuses the task, which
//! ends it here as runtime gone. So there is no moment in which neither this thread nor the executor knows of the task.
//!
//! # Depth
//! A start inside a start takes stack. From [`DEPTH`] on, and where less than half of the stack is left, futures are not
//! polled where they are started any more ([`stack`](super::stack)).
//!
//! [`Core::run_nested`]: crate::executor::Core::run_nested

use super::context::{self, Local};
use super::handle::{Handle, Runtime};
use super::owner::Reactor;
use super::refused::refuse;
use super::stack::Mark;
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

/// How many starts may be on at a time on one thread, each inside the one before.
const DEPTH: u32 = 64;

thread_local! {
    static STARTS: Cell<u32> = const { Cell::new(0) };
}

/// One more start on this thread, until it goes.
pub(super) struct Start {
    _mark: Mark,
}

impl Start {
    /// Of a future of `bytes` bytes. `None` at the limit of the depth, and where the stack has no room for it.
    pub(super) fn enter(bytes: usize) -> Option<Self> {
        if STARTS.get() >= DEPTH {
            return None;
        }
        let mark = Mark::set(bytes)?;
        STARTS.set(STARTS.get() + 1);
        Some(Self { _mark: mark })
    }
}

impl Drop for Start {
    fn drop(&mut self) {
        STARTS.set(STARTS.get() - 1);
    }
}

/// Runs `poll`, which polls a future that is not the running task, inside of it. `None`, and no poll, at the depth limit.
pub(crate) fn nested_start<R>(poll: impl FnOnce() -> R) -> Option<R> {
    let _start = Start::enter(0)?;
    Some(inside(context::current().as_deref(), poll))
}

methods! {
impl Handle, Runtime {
    /// Starts a future here and now: its first part, up to where it waits, runs on the calling thread, and the rest on the
    /// reactor thread.
    ///
    /// A future that need not wait is over when this returns: no other thread and no queue is involved. Otherwise control
    /// comes back as soon as it waits. A panic of the first part ends the task as it always does and is kept for the handle.
    /// The runtime is gone: the future is not polled, and the task is over as [`TaskError::RuntimeGone`].
    ///
    /// Inside a task of the same runtime the future is polled inside that task's poll. On any other thread the first part
    /// runs there, with the timers of this runtime; the future is polled once more when the reactor has taken it over, and
    /// if the runtime goes meanwhile it is dropped where it was started.
    ///
    /// A start inside a start takes stack. A future is spawned as by [`spawn`](Self::spawn) instead if 64 starts are on, each
    /// inside the one before, or if there is not enough stack for it: on the reactor thread half of the stack
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

    /// As [`spawn_eager`](Self::spawn_eager), for a future that returns a `Result`: `Err` ends the task in `Status::Error`.
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
            // Over; it never sleeps here.
            PollOutcome::Completed(_) | PollOutcome::Idle => {}
        }
        task
    }

    /// Starts a body: on the thread that drives the runtime here and now, from anywhere else as any other.
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

/// Runs `poll` inside whatever this thread is polling.
pub(super) fn inside<R>(driven: Option<&Local>, poll: impl FnOnce() -> R) -> R {
    match driven {
        Some(local) => local.core.nested(poll),
        None => poll(),
    }
}

pin_project! {
    /// A future that asks for another poll after its first one, which was not its executor's.
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
