//! Pools: a limited number of concurrent tasks, with a queue for the rest.
//!
//! The pools use [`limited`](super::limited), which has the rules. [`TaskPool`] owns the members and cancels them when
//! it is dropped. [`PoolHandle`] starts them. [`PoolSet`] and [`PoolMap`] keep the tasks that they started, for
//! programs that want the results in one place.

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

/// Tasks with a limit on how many run: downloads, thumbnails, requests to one server.
///
/// Each member is a [`Task`](crate::Task) like any other. Beyond the [size](Self::new) members wait, by
/// [`Priority`](crate::Priority) and then in the order of their submission. A waiting task is `Pending`; if it is
/// cancelled, it never starts. A member that ends in any way frees its slot. (A closure that was cancelled or timed out
/// frees it when it returns: two decoders means two.) A task that retries keeps its slot while it waits for its next
/// attempt.
///
/// The size may change at any time ([`resize`](PoolHandle::resize)): more members start immediately when it grows, and
/// none is stopped when it shrinks. [`builder`](Self::builder) can limit the queue and the running time of members.
///
/// It has the methods of its [`PoolHandle`], which members and other threads may clone. **Dropping the pool cancels all
/// of its members** and waits for none; [`stop`](PoolHandle::stop) lets them finish first. For a screen use a
/// [`TaskGroup`](crate::TaskGroup). A [`PoolSet`] returns finished tasks, and [`map`](PoolHandle::map) does so for the
/// items of an iterator.
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
    /// Creates a pool on `handle` with at most `size` concurrent members.
    ///
    /// # Errors
    /// [`InvalidSetting`] for 0; [`unlimited`](Self::unlimited) creates a pool without a limit.
    pub fn new(handle: &impl AsRef<Handle>, size: usize) -> Result<Self, InvalidSetting> {
        let settings = Settings {
            size: Some(nonzero("size", size, "at least 1; `unlimited` sets no limit")?.get()),
            ..Settings::default()
        };
        Ok(Self::with_settings(handle.as_ref(), settings))
    }

    /// Creates a pool on `handle` without a limit.
    ///
    /// Use it to count, cancel and stop tasks together.
    pub fn unlimited(handle: &impl AsRef<Handle>) -> Self {
        Self::with_settings(handle.as_ref(), Settings::default())
    }

    /// Returns the builder of a pool with more options than a size.
    pub fn builder() -> TaskPoolBuilder {
        TaskPoolBuilder::default()
    }

    pub(in crate::manage) fn with_settings(handle: &Handle, settings: Settings) -> Self {
        Self { handle: PoolHandle::new(handle, settings) }
    }

    /// Returns a handle that starts tasks in the pool, for members and other threads.
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
