//! Pools: a limited number of tasks at once, the rest in a queue that may have a limit.
//!
//! Fronts of [`limited`](super::limited), where the rules are. [`TaskPool`] owns the members and cancels them when it is dropped;
//! [`PoolHandle`] starts them; [`PoolSet`] and [`PoolMap`] keep the tasks that they started, for programs that want the results in
//! one place.

mod builder;
mod handle;
mod map;
mod set;
mod stop;

pub use builder::TaskPoolBuilder;
pub use handle::PoolHandle;
pub use map::{PoolMap, PoolMapInOrder};
pub use set::PoolSet;

use super::limited::LimitedSet;
use crate::error::InvalidSetting;
use crate::runtime::Handle;
use crate::sync::Arc;
use std::fmt;
use std::num::NonZeroUsize;

/// Tasks of which a limited number runs at once: downloads, thumbnails, requests to one server.
///
/// Each member is a [`Task`](crate::Task) like any other. Beyond the [size](Self::new) members wait, by
/// [`Priority`](crate::Priority) and then in the order of their submission; a task that waits is `Pending`, may be cancelled and
/// then never starts. A member that ends in any way frees its slot. (A closure that was cancelled or ran out of time frees it
/// when it returns: two decoders means two.) A task that retries keeps its slot while it waits for its next attempt.
///
/// The size may change at any time ([`resize`](PoolHandle::resize)): more members start at once when it grows, and none is stopped
/// when it shrinks. The queue and the time that members run may be limited: see [`builder`](Self::builder).
///
/// It has the methods of its [`PoolHandle`], of which members and other threads may have a clone. **Dropping the
/// pool cancels all of its members** and waits for none; [`stop`](PoolHandle::stop) lets them finish first. A
/// [`TaskGroup`](crate::TaskGroup) is the form for a screen; a [`PoolSet`] hands out finished tasks; and
/// [`map`](PoolHandle::map) does the same with all items of an iterator.
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let pool = offtick::TaskPool::new(&rt, 2)?;
/// let thumbnails: Vec<_> = (0..8_u32).map(|n| pool.spawn_blocking(move || n * n)).collect();
/// pool.resize(4)?; // the user closed the video
/// let report = pool.stop_blocking(None)?;
/// assert!(report.is_clean() && thumbnails.iter().all(|task| task.is_done()));
/// assert_eq!(pool.progress().done, 8);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// It is not `Clone`, its handle is:
/// ```compile_fail,E0599
/// let rt = offtick::Runtime::new().unwrap();
/// let other = offtick::TaskPool::unlimited(&rt).clone();
/// ```
pub struct TaskPool {
    handle: PoolHandle,
}

impl TaskPool {
    /// A pool on `handle` of which at most `size` members run at once.
    ///
    /// # Errors
    /// [`InvalidSetting`] for 0; [`unlimited`](Self::unlimited) makes a pool without a limit.
    pub fn new(handle: &impl AsRef<Handle>, size: usize) -> Result<Self, InvalidSetting> {
        let settings = Settings {
            size: Some(nonzero("size", size, "at least 1; `unlimited` sets no limit")?.get()),
            ..Settings::default()
        };
        Ok(Self::with_settings(handle.as_ref(), settings))
    }

    /// A pool on `handle` of which any number of members runs at once: to count, cancel and stop them together.
    pub fn unlimited(handle: &impl AsRef<Handle>) -> Self {
        Self::with_settings(handle.as_ref(), Settings::default())
    }

    /// The builder of a pool with more options than a size.
    pub fn builder() -> TaskPoolBuilder {
        TaskPoolBuilder::default()
    }

    pub(in crate::manage) fn with_settings(handle: &Handle, settings: Settings) -> Self {
        Self { handle: PoolHandle::new(handle, settings) }
    }

    /// A handle that starts tasks in the pool, for members and other threads.
    pub fn handle(&self) -> &PoolHandle {
        &self.handle
    }

    pub(in crate::manage) fn members(&self) -> &Arc<LimitedSet> {
        self.handle.members()
    }
}

pub(super) use builder::{QueueLimit, Settings};

/// Refuses a limit of 0.
pub(super) fn nonzero(
    setting: &'static str,
    limit: usize,
    allowed: &'static str,
) -> Result<NonZeroUsize, InvalidSetting> {
    NonZeroUsize::new(limit).ok_or_else(|| InvalidSetting::new(setting, limit, allowed))
}

impl Drop for TaskPool {
    fn drop(&mut self) {
        self.handle.set.owner_dropped();
    }
}

impl fmt::Debug for TaskPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handle.debug("TaskPool", f)
    }
}
