//! An outcome that several wait for: the sharing half of the debouncer and of the restartable task.
//!
//! It is set once. A waiter looks and registers under the lock; whoever sets the outcome takes the wakers under the same
//! lock. So either the waiter sees the outcome, or its waker is among those that are taken. A waiter that gives up takes
//! its waker along and changes nothing for the others.

use crate::error::TaskError;
use crate::sync::{Arc, Mutex};
use crate::task::{SharedTask, Status, Task};
use crate::util::catch::guarded;
use crate::util::slab::{Key, Slab};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// The result of a run, for all who share it: its value or its error. Clones share both.
///
/// # Example
/// ```
/// use offtick::toolkit::Outcome;
/// let outcome: Outcome<u8> = Ok(std::sync::Arc::new(7));
/// assert_eq!(outcome.as_deref().ok(), Some(&7));
/// ```
pub type Outcome<T> = Result<Arc<T>, TaskError>;

/// An outcome as it is kept. The error of a run stays in its task until someone reads it: that reports it if nobody does.
pub(super) enum Settled<T> {
    Done(Arc<T>),
    Failed(SharedTask<T>),
    /// Not the error of a run.
    Error(TaskError),
}

impl<T> Settled<T> {
    /// The outcome of a finished task.
    pub(super) fn of(mut task: Task<T>) -> Self {
        if task.status() == Status::Error {
            return Self::Failed(task.share());
        }
        match task.take() {
            Some(Ok(value)) => Self::Done(Arc::new(value)),
            Some(Err(error)) => Self::Error(error),
            None => Self::Error(TaskError::Taken),
        }
    }

    /// For someone who asks: an error counts as read.
    pub(super) fn read(&self) -> Outcome<T> {
        match self {
            Self::Done(value) => Ok(Arc::clone(value)),
            Self::Failed(task) => Err(task.error().cloned().unwrap_or(TaskError::Cancelled)),
            Self::Error(error) => Err(error.clone()),
        }
    }
}

impl<T> Clone for Settled<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Done(value) => Self::Done(Arc::clone(value)),
            Self::Failed(task) => Self::Failed(task.clone()),
            Self::Error(error) => Self::Error(error.clone()),
        }
    }
}

/// The outcome before and after it is there.
pub(super) struct Promise<T>(Mutex<State<T>>);

struct State<T> {
    outcome: Option<Settled<T>>,
    /// Emptied when the outcome comes; nobody registers after that.
    waiters: Slab<Waker>,
}

impl<T> Promise<T> {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(State { outcome: None, waiters: Slab::new() })))
    }

    /// Gives the outcome to all who wait and will wait. The first one stays.
    pub(super) fn set(&self, outcome: Settled<T>) {
        let mut state = self.0.lock();
        if state.outcome.is_some() {
            // Dropped after the lock: it may hold the last reference to a value of the user's.
            drop(state);
            drop(outcome);
            return;
        }
        state.outcome = Some(outcome);
        let mut waiting = std::mem::take(&mut state.waiters);
        drop(state);
        for index in 0..waiting.end() {
            if let Some(waker) = waiting.remove_at(index) {
                guarded(|| waker.wake());
            }
        }
    }

    pub(super) fn get(&self) -> Option<Outcome<T>> {
        self.0.lock().outcome.as_ref().map(Settled::read)
    }

    fn poll(&self, cx: &Context<'_>, place: &mut Option<Key>) -> Poll<Outcome<T>> {
        // Cloned and dropped outside of the lock: a waker is foreign code.
        let mut waker = cx.waker().clone();
        let mut state = self.0.lock();
        if let Some(outcome) = &state.outcome {
            return Poll::Ready(outcome.read());
        }
        match place.and_then(|place| state.waiters.get_mut(place)) {
            Some(mine) => std::mem::swap(mine, &mut waker),
            None => {
                *place = Some(state.waiters.insert(waker));
                return Poll::Pending;
            }
        }
        drop(state);
        drop(waker);
        Poll::Pending
    }

    fn leave(&self, place: Key) {
        let waker = self.0.lock().waiters.remove(place);
        drop(waker);
    }
}

/// The outcome of a run that others may wait for as well; made by [`Debouncer::call`](super::Debouncer::call) and
/// [`Restartable::wait`](super::Restartable::wait), which have examples.
///
/// Await it, or look at [`get`](Self::get) on each tick. It works on any executor, and keeps nothing running. Dropping it
/// cancels nothing. A clone waits for the same outcome.
#[must_use = "await it, look at it with `get`, or use the call that does not wait"]
pub struct SharedOutcome<T> {
    promise: Arc<Promise<T>>,
    /// Where our waker stands.
    place: Option<Key>,
}

impl<T> SharedOutcome<T> {
    pub(super) fn new(promise: Arc<Promise<T>>) -> Self {
        Self { promise, place: None }
    }

    /// The outcome, once it is there.
    pub fn get(&self) -> Option<Outcome<T>> {
        self.promise.get()
    }

    /// True once the outcome is there.
    pub fn is_done(&self) -> bool {
        self.promise.0.lock().outcome.is_some()
    }
}

impl<T> Future for SharedOutcome<T> {
    type Output = Outcome<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome<T>> {
        let Self { promise, place } = self.get_mut();
        promise.poll(cx, place)
    }
}

impl<T> Drop for SharedOutcome<T> {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.promise.leave(place);
        }
    }
}

impl<T> Clone for SharedOutcome<T> {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.promise))
    }
}

impl<T> fmt::Debug for SharedOutcome<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedOutcome").field("done", &self.is_done()).finish()
    }
}
