//! The five states of a task that a user sees.

use std::fmt;

/// The status of a task.
///
/// The order is `Pending`, `Running`, then one of the three terminal states, which never change.
///
/// # Example
/// ```
/// use offtick::Status;
/// assert!(Status::Cancelled.is_terminal());
/// assert_eq!(Status::Done.to_string(), "done");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// The body has not started: the task waits in a queue or for a pool thread.
    Pending,
    /// The body has started and has not finished.
    Running,
    /// The body returned its value.
    Done,
    /// The body returned an error, panicked, or timed out.
    Error,
    /// The task was cancelled, or its runtime shut down.
    Cancelled,
}

impl Status {
    /// Returns true for `Done`, `Error` and `Cancelled`.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Done | Self::Error | Self::Cancelled)
    }

    /// Returns the name in lower case, as `Display` prints it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Done => "done",
            Self::Error => "error",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
