//! The three priorities of tasks.

use std::fmt;

/// The priority of a task, named as in the web's `scheduler.postTask`.
///
/// The executor runs ready tasks of the highest priority first, in the order in which they became ready. A lower
/// priority waits, but not for ever. While a `UserVisible` task is ready, it runs after at most 8 tasks of the level
/// above; a `Background` task after at most 32 of the levels above. A task always runs to its next suspension point;
/// nothing is interrupted.
///
/// [`TaskBuilder::priority`](crate::TaskBuilder::priority) sets it, and
/// [`Task::set_priority`](crate::Task::set_priority) changes it at any time, from any thread. It orders futures on
/// their executor, and closures in the queue of the pool, with the same limits per pool thread. A closure that waits in
/// that queue keeps the priority that it was submitted with.
///
/// # Example
/// ```
/// use offtick::Priority;
/// let rt = offtick::Runtime::new()?;
/// let mut save = rt.task().priority(Priority::Background).spawn(|_cx| async { "saved" });
/// assert_eq!(save.priority(), Priority::Background);
/// save.set_priority(Priority::UserBlocking); // the user is waiting for it now
/// assert_eq!(save.wait()?, "saved");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Priority {
    /// Runs first: the user is blocked until it finishes.
    UserBlocking,
    /// Runs next: the user will see the result. The default.
    #[default]
    UserVisible,
    /// Runs when nothing else is ready, and occasionally otherwise.
    Background,
}

impl Priority {
    /// All levels, the most urgent first.
    pub const ALL: [Self; 3] = [Self::UserBlocking, Self::UserVisible, Self::Background];

    /// Returns the index in [`ALL`](Self::ALL).
    pub(crate) const fn index(self) -> usize {
        match self {
            Self::UserBlocking => 0,
            Self::UserVisible => 1,
            Self::Background => 2,
        }
    }

    /// Returns the name used by the web: `user-blocking`, `user-visible`, `background`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UserBlocking => "user-blocking",
            Self::UserVisible => "user-visible",
            Self::Background => "background",
        }
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
