//! An option that is out of its range.

use std::fmt;
use std::time::Duration;

/// An option out of its range: which one, the value, and what is allowed.
///
/// One rule holds for all options of this crate:
/// - **A limit** (how many may run, wait or be buffered, how long each run or attempt may take, the length of a period or a
///   window) is at least 1, or longer than zero. 0 is this error, and nothing is changed or started. A method of its own turns
///   the limit off: `unlimited`, `no_queue`, `blocking_refused`.
/// - **An amount** may be 0, and means it: how many results to keep, how long to wait or to stay alive, how much to do in a
///   tick, the time that is left for one task or one future.
///
/// Where a builder ends in a task, the task fails at once with this error inside
/// [`TaskError::Failed`](crate::TaskError::Failed).
///
/// # Example
/// ```
/// # #[cfg(feature = "toolkit")] {
/// use offtick::{InvalidSetting, TaskGroup};
/// let rt = offtick::Runtime::new()?;
/// let error: InvalidSetting = TaskGroup::with_limit(&rt, 0).expect_err("nothing could run");
/// assert_eq!((error.setting(), error.given()), ("limit", "0"));
/// assert_eq!(error.to_string(), "limit is 0, but must be at least 1; `TaskGroup::new` sets no limit");
/// # }
/// # Ok::<(), offtick::BuildError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{setting} is {given}, but must be {allowed}")]
pub struct InvalidSetting {
    setting: &'static str,
    given: String,
    allowed: &'static str,
}

impl InvalidSetting {
    pub(crate) fn new(setting: &'static str, given: impl fmt::Display, allowed: &'static str) -> Self {
        Self { setting, given: given.to_string(), allowed }
    }

    /// Refuses `given` unless `holds`.
    pub(crate) fn require(
        holds: bool,
        setting: &'static str,
        given: impl fmt::Display,
        allowed: &'static str,
    ) -> Result<(), Self> {
        if holds { Ok(()) } else { Err(Self::new(setting, given, allowed)) }
    }

    /// Refuses a time limit of zero.
    pub(crate) fn require_time(setting: &'static str, limit: Option<Duration>) -> Result<(), Self> {
        Self::require(limit != Some(Duration::ZERO), setting, "0ns", "longer than zero")
    }

    /// Returns the method or the argument that was given the value.
    pub fn setting(&self) -> &'static str {
        self.setting
    }

    /// Returns the value as given.
    pub fn given(&self) -> &str {
        &self.given
    }

    /// Returns the values that are accepted, in words.
    pub fn allowed(&self) -> &'static str {
        self.allowed
    }
}
