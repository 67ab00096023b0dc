//! A task that is completed from outside: by a callback, a foreign event loop, another thread.

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

/// How many progress values of a promise wait to be read.
const PROGRESS: usize = 64;

/// Makes a task and what completes it, independent of any runtime.
///
/// For what is not a future or a closure: an operation whose end comes by a callback, an event of a foreign library, a
/// message of another thread. The task is a [`Task`] like any other: it is looked at, awaited, cancelled and composed.
/// It is running from the start. Whoever completes it wakes those who await it, and runs what is composed of it
/// ([`Task::map`] ...), on the completing thread. [`Handle::promise`](crate::Handle::promise) makes one that belongs to a
/// runtime: it raises the update flag, and what is composed of it runs there.
///
/// With progress of type `P`, up to 64 values wait to be read; `()` is for a task that reports none.
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

/// None for a task that reports nothing. (Without memory for the ring there is no progress either.)
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

/// The right to complete a task that was made by [`promise()`]; it is used once, by any thread.
///
/// Dropped without that, it ends the task with [`TaskError::Abandoned`]. The task can be cancelled by its holder at any time;
/// then there is nothing to complete, and the value comes back.
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
    /// There until it is used.
    promised: Option<Promised<T>>,
    meta: Arc<TaskMeta>,
    reporter: Option<Reporter<P>>,
}

impl<T: Send + 'static, P: Send + 'static> Completer<T, P> {
    /// Ends the task with a value, and wakes those who wait for it.
    ///
    /// # Errors
    /// The value comes back if nobody gets it: the task was cancelled, its handle dropped or detached.
    pub fn complete(mut self, value: T) -> Result<(), T> {
        match self.fulfil(Ok(value)) {
            Some(Ok(value)) => Err(value),
            _ => Ok(()),
        }
    }

    /// Ends the task with an error; as in the `run*` methods, the error of another task keeps its kind.
    ///
    /// # Errors
    /// The error comes back if the task was cancelled before. The error of a detached task goes to the runtime's
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

    /// Adds a progress value; never waits. When 64 of them wait to be read, the oldest is dropped and counted.
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

    /// True once the task was cancelled, or its handle dropped: whatever would complete it can stop.
    pub fn is_cancelled(&self) -> bool {
        self.promised.as_ref().is_some_and(|promised| promised.task().is_over())
    }

    /// Ready once the task was cancelled, or its handle dropped. Dropping the future changes nothing.
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

    /// The task's identity.
    pub fn id(&self) -> TaskId {
        self.meta.id()
    }

    fn fulfil(&mut self, result: Result<T, TaskError>) -> Option<Result<T, TaskError>> {
        // Its last value is there before the end is seen.
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
