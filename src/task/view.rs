//! The state of a task in one enum, for drawing a frame.

use super::{SharedTask, Task};
use crate::error::TaskError;
use crate::instant::Instant;
use std::fmt;

/// The state of a task, as a frame draws it.
///
/// [`Task::view`] and [`SharedTask::view`] return it, and [`AsView`] for an `Option` of them.
///
/// A later view never shows an older state than an earlier one. Once it shows `Done`, `Failed` or `Cancelled`, all of
/// the task's progress can be read.
///
/// # Example
/// ```
/// use offtick::{AsView, Task, View};
///
/// struct Page {
///     load: Option<Task<String>>,
/// }
///
/// impl Page {
///     fn text(&self) -> String {
///         match self.load.view() {
///             View::Idle => "press load".to_owned(),
///             View::Pending | View::Running => "loading ...".to_owned(),
///             View::Waiting { attempt, last_error, .. } => format!("attempt {attempt} failed: {}", last_error.label()),
///             View::Done(page) => page.clone(),
///             View::Failed(error) => error.label(),
///             View::Cancelled => "cancelled".to_owned(),
///         }
///     }
/// }
///
/// let rt = offtick::Runtime::new()?;
/// let mut page = Page { load: None };
/// assert_eq!(page.text(), "press load");
/// page.load = Some(rt.spawn_blocking(|| "hello".to_owned()));
/// while page.text() == "loading ..." {
///     std::thread::yield_now();
/// }
/// assert_eq!(page.text(), "hello");
/// # Ok::<(), offtick::BuildError>(())
/// ```
pub enum View<'a, T> {
    /// No task in the `Option`, or its result was taken.
    Idle,
    /// The task has not started.
    Pending,
    /// The task is running.
    Running,
    /// The task waits for its next attempt ([`TaskBuilder::retry`](crate::TaskBuilder::retry)).
    Waiting {
        /// The number of the failed attempt, counted from 1.
        attempt: u32,
        /// The start of the next attempt, on the clock of the runtime.
        next_at: Instant,
        /// The error of the failed attempt.
        last_error: TaskError,
    },
    /// The task returned this value.
    Done(&'a T),
    /// The task ended with this error.
    Failed(&'a TaskError),
    /// The task was cancelled, or its runtime shut down.
    Cancelled,
}

impl<'a, T> View<'a, T> {
    /// Returns the view of a finished task.
    pub(super) fn of_result(result: Result<&'a T, &'a TaskError>) -> Self {
        match result {
            Ok(value) => Self::Done(value),
            Err(TaskError::Taken) => Self::Idle,
            Err(TaskError::Cancelled | TaskError::RuntimeGone) => Self::Cancelled,
            Err(error) => Self::Failed(error),
        }
    }

    /// Returns true for `Pending`, `Running` and `Waiting`: the host may draw a spinner.
    pub fn is_busy(&self) -> bool {
        matches!(self, Self::Pending | Self::Running | Self::Waiting { .. })
    }

    /// Returns the value, if the task is done.
    pub fn value(&self) -> Option<&'a T> {
        match self {
            Self::Done(value) => Some(value),
            _ => None,
        }
    }
}

impl<T> Clone for View<'_, T> {
    fn clone(&self) -> Self {
        match self {
            Self::Idle => Self::Idle,
            Self::Pending => Self::Pending,
            Self::Running => Self::Running,
            Self::Waiting { attempt, next_at, last_error } => {
                Self::Waiting { attempt: *attempt, next_at: *next_at, last_error: last_error.clone() }
            }
            Self::Done(value) => Self::Done(value),
            Self::Failed(error) => Self::Failed(error),
            Self::Cancelled => Self::Cancelled,
        }
    }
}

/// Does not need `T: Debug`, like the task itself.
impl<T> fmt::Debug for View<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Idle => f.write_str("Idle"),
            Self::Pending => f.write_str("Pending"),
            Self::Running => f.write_str("Running"),
            Self::Waiting { attempt, last_error, .. } => f
                .debug_struct("Waiting")
                .field("attempt", attempt)
                .field("last_error", last_error)
                .finish_non_exhaustive(),
            Self::Done(_) => f.write_str("Done(..)"),
            Self::Failed(error) => f.debug_tuple("Failed").field(error).finish(),
            Self::Cancelled => f.write_str("Cancelled"),
        }
    }
}

/// A task, a shared task, or an `Option` of one. [`View`] has an example.
pub trait AsView {
    /// The value that the task returns.
    type Value;

    /// Returns the state of the task in one enum. `None` is [`View::Idle`].
    fn view(&self) -> View<'_, Self::Value>;
}

impl<T, P> AsView for Task<T, P> {
    type Value = T;

    fn view(&self) -> View<'_, T> {
        Self::view(self)
    }
}

impl<T, P> AsView for SharedTask<T, P> {
    type Value = T;

    fn view(&self) -> View<'_, T> {
        Self::view(self)
    }
}

impl<V: AsView> AsView for Option<V> {
    type Value = V::Value;

    fn view(&self) -> View<'_, V::Value> {
        match self {
            None => View::Idle,
            Some(task) => task.view(),
        }
    }
}

impl<V: AsView + ?Sized> AsView for &V {
    type Value = V::Value;

    fn view(&self) -> View<'_, V::Value> {
        (**self).view()
    }
}
