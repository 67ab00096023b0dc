//! The leak check of a test runtime.

use crate::runtime::Remains;
use crate::task::TaskInfo;
use std::fmt;

/// A report of what a [`TestRuntime`](super::TestRuntime) still holds, and of unseen errors.
///
/// # Example
/// ```
/// use offtick::testing::TestRuntime;
/// let rt = TestRuntime::new()?;
/// rt.spawn(std::future::pending::<()>()).detach();
/// rt.settle()?;
/// let leaks = rt.leaks();
/// assert!(!leaks.is_clean());
/// assert_eq!(leaks.tasks[0].location().file(), file!());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
#[must_use = "a leak that nobody looks at is a leak"]
pub struct Leaks {
    /// Unfinished tasks, with or without a handle.
    pub tasks: Vec<TaskInfo>,
    /// Finished tasks whose memory is still referenced.
    ///
    /// Their wakers are still registered, or [cancel handles](crate::CancelHandle) of them exist.
    pub wakers: Vec<TaskInfo>,
    /// Timers that are pending.
    pub timers: usize,
    /// Waits for ticks that are pending.
    pub tick_waits: usize,
    /// Sockets and other sources that are open.
    pub sockets: usize,
    /// Closures that have not begun.
    pub closures: usize,
    /// Errors and panics of tasks without a handle: the task, and how it ended.
    pub unseen: Vec<String>,
}

impl Leaks {
    pub(super) fn new(remains: Remains, unseen: Vec<String>) -> Self {
        let Remains { tasks, kept, timers, tick_waits, sockets, closures } = remains;
        Self { tasks, wakers: kept, timers, tick_waits, sockets, closures, unseen }
    }

    /// Returns true if nothing was left.
    pub fn is_clean(&self) -> bool {
        self.tasks.is_empty()
            && self.wakers.is_empty()
            && self.unseen.is_empty()
            && [self.timers, self.tick_waits, self.sockets, self.closures].iter().all(|count| *count == 0)
    }
}

/// Prints one line per leak.
impl fmt::Display for Leaks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_clean() {
            return f.write_str("nothing was left");
        }
        f.write_str("something was left:")?;
        for task in &self.tasks {
            write!(f, "\n  task {}, {}", describe(task), task.status())?;
        }
        for task in &self.wakers {
            write!(f, "\n  a waker or a control of task {}, {}", describe(task), task.status())?;
        }
        let counts = [
            (self.timers, "timers"),
            (self.tick_waits, "waits for ticks"),
            (self.sockets, "sockets"),
            (self.closures, "closures that have not begun"),
        ];
        for (count, what) in counts.into_iter().filter(|(count, _)| *count != 0) {
            write!(f, "\n  {what}: {count}")?;
        }
        self.unseen.iter().try_for_each(|unseen| write!(f, "\n  unseen: {unseen}"))
    }
}

impl std::error::Error for Leaks {}

/// Returns the name of a task, if it has one, and its spawning line.
pub(super) fn describe(task: &TaskInfo) -> String {
    let location = task.location();
    match task.name() {
        Some(name) => format!("\"{name}\", spawned at {location}"),
        None => format!("spawned at {location}"),
    }
}
