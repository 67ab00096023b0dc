//! The options of a pool.

use super::TaskPool;
use crate::error::InvalidSetting;
use crate::manage::limited::Rules;
use crate::runtime::Handle;
use std::num::NonZeroUsize;
use std::time::Duration;

/// The options of a [`TaskPool`]; [`TaskPool::builder`] creates them.
///
/// # Example
/// ```
/// use std::time::Duration;
/// let rt = offtick::Runtime::new()?;
/// let pool = offtick::TaskPool::builder()
///     .size(1)
///     .no_queue() // a member gets a slot at once, or is refused
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

/// The options of a pool.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::manage) struct Settings {
    /// The number of slots; `None`: unlimited.
    pub(in crate::manage) size: Option<usize>,
    pub(in crate::manage) queue: QueueLimit,
    pub(in crate::manage) timeout: Option<Duration>,
}

/// The limit of waiting members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::manage) enum QueueLimit {
    #[default]
    Unlimited,
    NoQueue,
    AtMost(usize),
}

impl Settings {
    pub(in crate::manage) fn check(&self) -> Result<(), InvalidSetting> {
        let (size, queue) = (self.size != Some(0), self.queue != QueueLimit::AtMost(0));
        InvalidSetting::require(size, "size", 0, "at least 1; `unlimited` sets no limit")?;
        InvalidSetting::require(queue, "queue_limit", 0, "at least 1; `no_queue` lets no member wait")?;
        InvalidSetting::require_time("timeout", self.timeout)
    }

    pub(super) fn limit(&self) -> Option<NonZeroUsize> {
        self.size.and_then(NonZeroUsize::new)
    }

    pub(super) fn rules(&self) -> Rules {
        let queue_limit = match self.queue {
            QueueLimit::Unlimited => None,
            QueueLimit::NoQueue => Some(0),
            QueueLimit::AtMost(most) => Some(most),
        };
        Rules { queue_limit, time_limit: self.timeout }
    }
}

impl TaskPoolBuilder {
    /// Sets the largest number of concurrent members, at least 1.
    ///
    /// Default: [`unlimited`](Self::unlimited).
    pub fn size(mut self, size: usize) -> Self {
        self.settings.size = Some(size);
        self
    }

    /// Lets any number of members run at once.
    pub fn unlimited(mut self) -> Self {
        self.settings.size = None;
        self
    }

    /// Sets the largest number of waiting members, at least 1. Default: no limit.
    ///
    /// At the limit the `try_` methods return the job, and [`capacity`](super::PoolHandle::capacity) waits for room;
    /// the other methods ignore it.
    pub fn queue_limit(mut self, most: usize) -> Self {
        self.settings.queue = QueueLimit::AtMost(most);
        self
    }

    /// Lets no member wait: the `try_` methods return the job if no slot is free.
    pub fn no_queue(mut self) -> Self {
        self.settings.queue = QueueLimit::NoQueue;
        self
    }

    /// Sets the time limit of each member. Default: no limit.
    ///
    /// A member that exceeds it ends with [`TaskError::TimedOut`](crate::TaskError::TimedOut).
    ///
    /// Only its running time counts, including all attempts of a task that retries and the waits between them. The wait
    /// for a slot, and of a closure for a thread, does not count. A future is dropped at the limit. A closure finds out
    /// through its context, and holds its slot until it returns. [`TaskBuilder::timeout`](crate::TaskBuilder::timeout)
    /// sets another limit for one member.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.settings.timeout = Some(limit);
        self
    }

    /// Creates the pool, whose members run on `handle`.
    ///
    /// # Errors
    /// [`InvalidSetting`] for a size, a queue limit or a timeout of zero.
    pub fn build(self, handle: &impl AsRef<Handle>) -> Result<TaskPool, InvalidSetting> {
        self.settings.check()?;
        Ok(TaskPool::with_settings(handle.as_ref(), self.settings))
    }
}
