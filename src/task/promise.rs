//! Tasks that are completed from outside: by a callback, another event loop, another thread.

use super::inline::inline;
use super::raw::{Promised, SpawnMeta, promise as promised};
use super::{Follow, Follower, Stopwatch, Task, TaskId, TaskMeta};
use crate::error::{BoxError, TaskError};
use crate::progress::{Capacity, ProgressObserver, Reader, Reporter, channel};
use crate::sync::Arc;
use std::any::TypeId;
use std::fmt;
use std::future::poll_fn;
use std::panic::Location;
use std::task::Poll;

/// The number of unread progress values that a promise holds.
const PROGRESS: usize = 64;

/// Creates a task and its completer, independent of any runtime.
///
/// Use it for an operation that is neither a future nor a closure: one that ends with a callback, an event of a foreign
/// library, or a message of another thread. The task is a [`Task`] like any other: it can be polled, awaited, cancelled
/// and composed. It is running from the start. The completing thread wakes the tasks that await it, and runs what is
/// composed of it ([`Task::map`] ...). [`Handle::promise`](crate::Handle::promise) creates one that belongs to a
/// runtime: it raises the update flag, and the tasks composed of it run there.
///
/// With progress of type `P`, up to 64 unread values are kept; use `()` for a task that reports none.
///
/// # Example
/// ```
/// use offtick::Task;
/// let (completer, mut task): (_, Task<u32>) = offtick::promise();
/// // A library that calls back, on a thread of its own.
/// let library = std::thread::spawn(move || completer.complete(42));
/// assert_eq!(task.wait()?, 42);
/// # library.join().expect("it does not panic").expect("the task waited for it");
/// # Ok::<(), offtick::TaskError>(())
/// ```
#[track_caller]
pub fn promise<T, P>() -> (Completer<T, P>, Task<T, P>)
where
    T: Send + 'static,
    P: Send + 'static,
{
    make(inline(), None, Location::caller())
}

pub(crate) fn make<T, P>(
    follow: Arc<dyn Follow>,
    stopwatch: Option<Stopwatch>,
    location: &'static Location<'static>,
) -> (Completer<T, P>, Task<T, P>)
where
    T: Send + 'static,
    P: Send + 'static,
{
    let meta = TaskMeta::new(location, None, None, None);
    let meta = Arc::new(match stopwatch {
        Some(stopwatch) => meta.timed(stopwatch),
        None => meta,
    });
    let (reporter, reader) = match ring(&follow) {
        Some((reporter, reader)) => (Some(reporter), Some(reader)),
        None => (None, None),
    };
    let (promised, join) = promised(Follower::new(follow), SpawnMeta::of(Arc::clone(&meta)));
    (Completer { promised: Some(promised), meta, reporter }, Task::new(join, reader))
}

/// Returns no ring for a task that reports nothing, or without memory for the ring.
fn ring<P: Send + 'static>(follow: &Arc<dyn Follow>) -> Option<(Reporter<P>, Reader<P>)> {
    if TypeId::of::<P>() == TypeId::of::<()>() {
        return None;
    }
    let host: Arc<dyn ProgressObserver> = Arc::new(PromiseObserver(Arc::clone(follow)));
    channel(Capacity::new(PROGRESS).ok()?, Some(host)).ok()
}

struct PromiseObserver(Arc<dyn Follow>);

impl ProgressObserver for PromiseObserver {
    fn reported(&self) {
        self.0.updated();
    }
}

/// The right to complete a task of [`promise()`], once, from any thread.
///
/// Dropping it uncompleted ends the task with [`TaskError::Abandoned`]. The holder of the task can cancel it at any
/// time; then completing returns the value.
///
/// # Example
/// ```
/// use offtick::{Completer, Status, Task, TaskError};
/// let (completer, task): (Completer<String>, Task<String>) = offtick::promise();
/// assert_eq!(task.status(), Status::Running);
/// task.cancel();
/// assert!(completer.is_cancelled());
/// assert_eq!(completer.complete("late".to_owned()), Err("late".to_owned()));
///
/// let (completer, task): (Completer<String>, Task<String>) = offtick::promise();
/// drop(completer);
/// assert!(matches!(task.error(), Some(TaskError::Abandoned)));
/// ```
#[must_use = "dropping it ends the task with `TaskError::Abandoned`"]
pub struct Completer<T: Send + 'static, P: Send + 'static = ()> {
    /// `None` once it is used.
    promised: Option<Promised<T>>,
    meta: Arc<TaskMeta>,
    reporter: Option<Reporter<P>>,
}

impl<T: Send + 'static, P: Send + 'static> Completer<T, P> {
    /// Ends the task with a value, and wakes its waiters.
    ///
    /// # Errors
    /// Returns the value if nothing can receive it: the task was cancelled, or its handle dropped or detached.
    pub fn complete(mut self, value: T) -> Result<(), T> {
        match self.fulfil(Ok(value)) {
            Some(Ok(value)) => Err(value),
            _ => Ok(()),
        }
    }

    /// Ends the task with an error.
    ///
    /// As in the `run*` methods, the error of another task keeps its kind.
    ///
    /// # Errors
    /// Returns the error if the task was already cancelled. The error of a detached task goes to the runtime's
    /// `on_unhandled_error`.
    ///
    /// # Example
    /// ```
    /// use offtick::Task;
    /// let (completer, task): (_, Task<u8>) = offtick::promise();
    /// completer.fail("connection reset").expect("the task is there");
    /// assert_eq!(task.error().map(|error| error.label()).as_deref(), Some("connection reset"));
    /// ```
    pub fn fail(mut self, error: impl Into<BoxError>) -> Result<(), TaskError> {
        match self.fulfil(Err(TaskError::from_error(error))) {
            Some(Err(error)) => Err(error),
            _ => Ok(()),
        }
    }

    /// Adds a progress value; never waits.
    ///
    /// When 64 values are unread, the oldest is dropped and counted.
    ///
    /// # Example
    /// ```
    /// use offtick::Task;
    /// let (mut completer, task): (_, Task<(), u8>) = offtick::promise();
    /// completer.report(50);
    /// assert_eq!(task.peek(), Some(50));
    /// ```
    pub fn report(&mut self, value: P) {
        if let Some(reporter) = &mut self.reporter {
            reporter.report(value);
        }
    }

    /// Returns true once the task was cancelled or its handle dropped.
    ///
    /// Code that would complete it can stop.
    pub fn is_cancelled(&self) -> bool {
        self.promised.as_ref().is_some_and(|promised| promised.task().is_finished())
    }

    /// Waits until the task is cancelled or its handle dropped.
    ///
    /// Dropping the future changes nothing.
    ///
    /// # Example
    /// ```
    /// use offtick::Task;
    /// let (mut completer, task): (_, Task<u8>) = offtick::promise();
    /// drop(task);
    /// offtick::block_on(completer.cancelled())?;
    /// # Ok::<(), offtick::TaskError>(())
    /// ```
    pub async fn cancelled(&mut self) {
        poll_fn(|cx| {
            if self.is_cancelled() || !self.meta.wake_on_cancel(cx.waker().clone()) {
                return Poll::Ready(());
            }
            Poll::Pending
        })
        .await;
    }

    /// Returns the identifier of the task.
    pub fn id(&self) -> TaskId {
        self.meta.id()
    }

    fn fulfil(&mut self, result: Result<T, TaskError>) -> Option<Result<T, TaskError>> {
        // The last value is published before the end can be seen.
        drop(self.reporter.take());
        self.promised.take().and_then(|promised| promised.fulfil(result))
    }
}

impl<T: Send + 'static, P: Send + 'static> Drop for Completer<T, P> {
    fn drop(&mut self) {
        let _cancelled_before = self.fulfil(Err(TaskError::Abandoned));
    }
}

impl<T: Send + 'static, P: Send + 'static> fmt::Debug for Completer<T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Completer").field("id", &self.id().get()).field("cancelled", &self.is_cancelled()).finish()
    }
}
