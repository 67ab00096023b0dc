//! The builder of tasks.

use super::cx::TaskCx;
use super::limited::Limited;
use super::place::Place;
use crate::error::{BoxError, BuildError, TaskError};
use crate::progress::{Capacity, Host, Reader, Reporter, channel};
use crate::runtime::{Handle, Shared};
use crate::sync::Arc;
use crate::task::raw::{Convert, Fallible, LazyBody, Outcome, Value, Verdict};
use crate::task::{Details, EndHook, Task, TaskInfo};
use crate::time::Sleep;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;
use std::time::Duration;

/// Settings of one task; made by [`Handle::task`] and [`TaskGroup::task`](crate::TaskGroup::task).
///
/// `P` is what the task reports, `S` where it starts: at once on a runtime, or when a group has room for it.
///
/// The verbs are those of [`Handle`], and their bodies get a [`TaskCx`]. A body that makes a future does so on the
/// reactor thread, so that future need not be `Send`: `Rc` and `RefCell` are fine inside.
///
/// # Example
/// ```
/// use std::time::Duration;
/// let rt = offtick::Runtime::new()?;
/// let mut task = rt
///     .task()
///     .name("import")
///     .timeout(Duration::from_secs(30))
///     .progress::<&str>(64)
///     .run(|mut cx| async move {
///         let rows = std::rc::Rc::new(vec![1, 2, 3]);
///         cx.report("parsed");
///         cx.send("stored").await?;
///         Ok::<_, offtick::BoxError>(rows.len())
///     });
/// assert_eq!(task.wait()?, 3);
/// assert_eq!(task.latest(), Some("stored"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a task starts with one of the verbs: `spawn`, `run`, `spawn_blocking`, `run_blocking`"]
pub struct TaskBuilder<P = (), S = Handle> {
    place: S,
    name: Option<Box<str>>,
    limit: Option<Duration>,
    capacity: Option<usize>,
    on_end: Option<EndHook>,
    progress: PhantomData<fn() -> P>,
}

impl Handle {
    /// Starts the description of a task that has more than a body.
    pub fn task(&self) -> TaskBuilder {
        TaskBuilder::new(self.clone())
    }
}

#[expect(private_bounds, reason = "as below")]
impl<S: Place> TaskBuilder<(), S> {
    pub(crate) fn new(place: S) -> Self {
        Self { place, name: None, limit: None, capacity: None, on_end: None, progress: PhantomData }
    }
}

#[expect(private_bounds, reason = "there are two places, and none to be added")]
impl<P, S: Place> TaskBuilder<P, S> {
    /// A name for listings and hooks.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into().into_boxed_str());
        self
    }

    /// A limit for the whole task, counted from its submission; then it is over as [`TaskError::TimedOut`].
    ///
    /// A future is dropped at the limit. A closure is told through its context, and what it still returns is dropped.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Called once when the task is over, on the thread that brought the end about (the reactor's, a pool's, or the
    /// one that cancelled). A panic in it is caught and dropped.
    pub fn on_end(mut self, hook: impl FnOnce(&TaskInfo) + Send + 'static) -> Self {
        self.on_end = Some(Box::new(hook));
        self
    }

    /// Lets the task report values of type `Q`, of which up to `capacity` wait to be read.
    ///
    /// A capacity of 0, or beyond what can be allocated, ends the task at once with a [`BuildError`] inside
    /// [`TaskError::Failed`]; its body is dropped.
    pub fn progress<Q>(self, capacity: usize) -> TaskBuilder<Q, S> {
        TaskBuilder {
            place: self.place,
            name: self.name,
            limit: self.limit,
            capacity: Some(capacity),
            on_end: self.on_end,
            progress: PhantomData,
        }
    }

    /// Starts a future that returns a value.
    #[track_caller]
    pub fn spawn<M, F>(self, make: M) -> Task<F::Output, P>
    where
        M: FnOnce(TaskCx<P>) -> F + Send + 'static,
        F: Future + 'static,
        F::Output: Send + 'static,
        P: Send + 'static,
    {
        self.start::<M, F, Value>(make, Location::caller())
    }

    /// Starts a future that returns a `Result`: `Err` ends the task in `Status::Error`.
    #[track_caller]
    pub fn run<M, F, T, E>(self, make: M) -> Task<T, P>
    where
        M: FnOnce(TaskCx<P>) -> F + Send + 'static,
        F: Future<Output = Result<T, E>> + 'static,
        T: Send + 'static,
        E: Into<BoxError> + 'static,
        P: Send + 'static,
    {
        self.start::<M, F, Fallible>(make, Location::caller())
    }

    /// Starts a closure that returns a value, on a pool thread.
    #[track_caller]
    pub fn spawn_blocking<F, T>(self, closure: F) -> Task<T, P>
    where
        F: FnOnce(&mut TaskCx<P>) -> T + Send + 'static,
        T: Send + 'static,
        P: Send + 'static,
    {
        self.start_blocking::<F, T, Value>(closure, Location::caller())
    }

    /// Starts a closure that returns a `Result`, on a pool thread: `Err` ends the task in `Status::Error`.
    #[track_caller]
    pub fn run_blocking<F, T, E>(self, closure: F) -> Task<T, P>
    where
        F: FnOnce(&mut TaskCx<P>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Into<BoxError> + 'static,
        P: Send + 'static,
    {
        self.start_blocking::<F, Result<T, E>, Fallible>(closure, Location::caller())
    }

    fn start<M, F, C>(self, make: M, location: &'static Location<'static>) -> Task<C::Output, P>
    where
        M: FnOnce(TaskCx<P>) -> F + Send + 'static,
        F: Future + 'static,
        C: Convert<F::Output> + 'static,
        C::Output: Send + 'static,
        P: Send + 'static,
    {
        let mut limit = self.limit.map(|limit| (self.place.handle().sleep(limit), limit));
        let (place, parts) = self.into_parts();
        let Parts { details, reporter, reader } = match parts {
            Ok(parts) => parts,
            Err((error, details)) => return refused(place.handle(), error, location, details),
        };
        let cx = TaskCx::new(Arc::clone(&details), reporter);
        // A future that is not polled yet cannot look at the time by itself.
        let watched = if S::WAITS { limit.take() } else { None };
        let body = LazyBody::<_, _, Verdict>::new(move || Limited::<F, C>::new(make(cx), limit));
        let task = place.start(body, location, Arc::clone(&details), reader);
        if let Some((sleep, _)) = watched {
            watch(place.handle(), sleep, &task, &details);
        }
        task
    }

    fn start_blocking<F, R, C>(self, closure: F, location: &'static Location<'static>) -> Task<C::Output, P>
    where
        F: FnOnce(&mut TaskCx<P>) -> R + Send + 'static,
        C: Convert<R> + 'static,
        C::Output: Send + 'static,
        P: Send + 'static,
    {
        let limit = self.limit.map(|limit| self.place.handle().sleep(limit));
        let (place, parts) = self.into_parts();
        let Parts { details, reporter, reader } = match parts {
            Ok(parts) => parts,
            Err((error, details)) => return refused(place.handle(), error, location, details),
        };
        let mut cx = TaskCx::new(Arc::clone(&details), reporter);
        let closure = move || closure(&mut cx);
        let task = place.start_blocking::<_, _, C, P>(closure, location, Arc::clone(&details), reader);
        if let Some(sleep) = limit {
            watch(place.handle(), sleep, &task, &details);
        }
        task
    }

    #[expect(clippy::type_complexity, reason = "taken apart at once, at two places")]
    fn into_parts(self) -> (S, Result<Parts<P>, (BuildError, Arc<Details>)>)
    where
        P: Send + 'static,
    {
        let details = Arc::new(Details::new(self.name, self.limit, self.on_end));
        let Some(capacity) = self.capacity else {
            return (self.place, Ok(Parts { details, reporter: None, reader: None }));
        };
        let host = TaskHost { shared: Arc::clone(self.place.handle().shared()), details: Arc::clone(&details) };
        let made = Capacity::new(capacity).and_then(|capacity| channel(capacity, Some(Arc::new(host))));
        let parts = match made {
            Ok((reporter, reader)) => {
                // A sender that waits for room is to hear of a cancellation; the task is not even queued yet.
                let _not_yet = details.wake_on_cancel(reader.cancel_waker());
                Ok(Parts { details, reporter: Some(reporter), reader: Some(reader) })
            }
            Err(_) => {
                let allowed = "at least 1 and small enough for its values to fit in memory";
                let error = BuildError::Invalid { setting: "progress", given: capacity.to_string(), allowed };
                Err((error, details))
            }
        };
        (self.place, parts)
    }
}

/// Ends a task when `sleep` does, from outside of it.
fn watch<T, P>(handle: &Handle, sleep: Sleep, task: &Task<T, P>, details: &Details) {
    let watched = task.task_ref().clone();
    let watchdog = handle.spawn_unseen(async move {
        sleep.await;
        watched.cancel(Outcome::TimedOut);
    });
    details.watch(watchdog, task.task_ref());
}

fn refused<T: Send + 'static, P>(
    handle: &Handle,
    error: BuildError,
    location: &'static Location<'static>,
    details: Arc<Details>,
) -> Task<T, P> {
    handle.over(TaskError::from_error(error), location, Some(details), None)
}

struct Parts<P> {
    details: Arc<Details>,
    reporter: Option<Reporter<P>>,
    reader: Option<Reader<P>>,
}

/// What a task's progress tells its runtime, and asks of its task.
struct TaskHost {
    shared: Arc<Shared>,
    details: Arc<Details>,
}

impl Host for TaskHost {
    fn reported(&self) {
        self.shared.updated();
    }

    fn is_cancelled(&self) -> bool {
        self.details.is_cancelled()
    }
}

impl<P, S> fmt::Debug for TaskBuilder<P, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskBuilder")
            .field("name", &self.name)
            .field("timeout", &self.limit)
            .field("progress", &self.capacity)
            .finish_non_exhaustive()
    }
}
