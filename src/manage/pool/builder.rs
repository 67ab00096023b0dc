//! The settings of a pool.

use super::TaskPool;
use crate::error::BuildError;
use crate::manage::members::Rules;
use crate::runtime::Handle;
use std::num::NonZeroUsize;
use std::time::Duration;

/// Settings of a [`TaskPool`]; made by [`TaskPool::builder`].
///
/// # Example
/// ```
/// use std::time::Duration;
/// let rt = offtick::Runtime::new()?;
/// let pool = offtick::TaskPool::builder()
///     .size(1)
///     .queue_limit(0) // nobody waits: there is a slot, or there is none
///     .timeout(Duration::from_secs(30))
///     .build(&rt)?;
/// let busy = pool.spawn(std::future::pending::<()>());
/// let refused = pool.try_spawn(async { 1 }).expect_err("no slot");
/// assert!(refused.is_full());
/// busy.cancel();
/// let mut task = pool.spawn(refused.into_inner());
/// assert_eq!(task.wait()?, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until `build`"]
pub struct TaskPoolBuilder {
    settings: Settings,
}

/// What a pool is made with.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::manage) struct Settings {
    pub(in crate::manage) size: usize,
    pub(in crate::manage) queue_limit: Option<usize>,
    pub(in crate::manage) timeout: Option<Duration>,
}

impl Settings {
    pub(in crate::manage) fn check(&self) -> Result<(), BuildError> {
        match self.timeout {
            Some(Duration::ZERO) => {
                let given = format!("{:?}", Duration::ZERO);
                Err(BuildError::Invalid { setting: "timeout", given, allowed: "more than zero" })
            }
            _ => Ok(()),
        }
    }

    pub(super) fn rules(&self) -> Rules {
        Rules { queue_limit: self.queue_limit, time_limit: self.timeout, keeps_time: true }
    }
}

/// How many may run; 0: any number.
pub(super) fn size(size: usize) -> Option<NonZeroUsize> {
    NonZeroUsize::new(size)
}

impl TaskPoolBuilder {
    /// How many members may run at once; 0, the default: any number.
    pub fn size(mut self, size: usize) -> Self {
        self.settings.size = size;
        self
    }

    /// The most members that may wait for a slot. Default: no limit.
    ///
    /// The `try_` verbs give the job back at the limit, and [`room`](super::PoolHandle::room) waits until they would not; the
    /// plain verbs do not look at it.
    pub fn queue_limit(mut self, most: usize) -> Self {
        self.settings.queue_limit = Some(most);
        self
    }

    /// How long a member may run; then it is over as [`TaskError::TimedOut`](crate::TaskError::TimedOut). Default: no limit.
    ///
    /// Only the time that it runs counts, all tries of a task that retries and the waits between them included; the wait for
    /// a slot, and of a closure for a thread, does not. A future is dropped at the limit, a closure told through its context.
    /// [`TaskBuilder::timeout`](crate::TaskBuilder::timeout) gives one member another limit.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.settings.timeout = Some(limit);
        self
    }

    /// Makes the pool, whose members run on `handle`.
    ///
    /// # Errors
    /// [`BuildError::Invalid`] for a timeout of zero: no member could do anything.
    pub fn build(self, handle: &Handle) -> Result<TaskPool, BuildError> {
        self.settings.check()?;
        Ok(TaskPool::with_settings(handle, self.settings))
    }
}
