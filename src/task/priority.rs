//! How urgent a task is.

use std::fmt;

/// How urgent a task is: three levels, named as in the web's `scheduler.postTask`.
///
/// Of the tasks that are ready the executor runs those of the highest level first, in the order in which they became ready.
/// A lower level waits, but never for ever: once 8 tasks of the level above ran while a `UserVisible` one was ready, one
/// `UserVisible` task runs; once 32 tasks of the levels above ran while a `Background` one was ready, one `Background`
/// task runs. Whatever the level, a task is polled to its next suspension point; nothing is interrupted.
///
/// Given by [`TaskBuilder::priority`](crate::TaskBuilder::priority), changed by [`Task::set_priority`](crate::Task::set_priority)
/// at any time, from any thread. It orders futures on their executor, and closures in the queue of the pool, with the same
/// bounds per pool thread. A closure that waits in that queue keeps the level of its submission.
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
    /// The user cannot go on without it: runs first.
    UserBlocking,
    /// The user will see it: the level of every task that is given no other.
    #[default]
    UserVisible,
    /// Nobody waits for it: runs when nothing else is ready, and now and then otherwise.
    Background,
}

impl Priority {
    /// All levels, the most urgent first.
    pub const ALL: [Self; 3] = [Self::UserBlocking, Self::UserVisible, Self::Background];

    /// Its place among [`ALL`](Self::ALL).
    pub(crate) const fn index(self) -> usize {
        match self {
            Self::UserBlocking => 0,
            Self::UserVisible => 1,
            Self::Background => 2,
        }
    }

    /// The name as the web has it: `user-blocking`, `user-visible`, `background`.
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
