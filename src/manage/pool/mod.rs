//! Pools: so many tasks at once, the rest in a queue that may have a limit.
//!
//! Fronts of [`members`](super::members), where the rules stand. [`TaskPool`] owns the members and cancels them when it goes;
//! [`PoolHandle`] takes tasks in; [`PoolSet`] and [`PoolMap`] keep what they started, for whoever wants the results in one
//! place.

mod builder;
mod handle;
mod map;
mod set;
mod stop;

pub use builder::TaskPoolBuilder;
pub use handle::PoolHandle;
pub use map::{PoolMap, PoolMapInOrder};
pub use set::PoolSet;
pub use stop::StopReport;

use crate::runtime::Handle;
use std::fmt;
use std::ops::Deref;

/// Tasks of which at most so many run at once: downloads, thumbnails, requests to one server.
///
/// Each member is a [`Task`](crate::Task) like any other. Beyond the [size](Self::new) they wait, by
/// [`Priority`](crate::Priority) and then in the order of their coming; a task that waits is `Pending`, may be cancelled and
/// then never starts. A member that ends in any way frees its slot. (A closure that was cancelled or ran out of time frees it
/// when it returns: so two decoders means two.) A task that retries keeps its slot while it waits for its next try.
///
/// The size may change at any time ([`resize`](PoolHandle::resize)): more start at once when it grows, and none is stopped when
/// it shrinks. What a pool takes in and how long its members run may be limited: see [`builder`](Self::builder).
///
/// Tasks come in through its [`PoolHandle`], to which it dereferences, and which members may have a clone of. **Dropping the
/// pool cancels all of its members** and waits for none; [`stop`](PoolHandle::stop) lets them come to their end first. A
/// [`TaskGroup`](crate::TaskGroup) is the simpler form for a screen; a [`PoolSet`] hands out what finished; and
/// [`map`](PoolHandle::map) does the same with all items of an iterator.
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let pool = offtick::TaskPool::new(&rt, 2);
/// let thumbnails: Vec<_> = (0..8_u32).map(|n| pool.spawn_blocking(move || n * n)).collect();
/// pool.resize(4); // the user closed the video
/// let report = pool.stop_blocking(None)?;
/// assert!(report.is_clean() && thumbnails.iter().all(|task| task.is_done()));
/// assert_eq!(pool.progress().done, 8);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct TaskPool {
    handle: PoolHandle,
}

impl TaskPool {
    /// A pool on `handle` of which at most `size` members run at once; 0: any number.
    pub fn new(handle: &Handle, size: usize) -> Self {
        Self::with_settings(handle, Settings { size, ..Settings::default() })
    }

    /// The settings of a pool that has more than a size.
    pub fn builder() -> TaskPoolBuilder {
        TaskPoolBuilder::default()
    }

    pub(in crate::manage) fn with_settings(handle: &Handle, settings: Settings) -> Self {
        Self { handle: PoolHandle::new(handle, settings) }
    }

    /// What takes tasks in, for members and other threads.
    pub fn handle(&self) -> &PoolHandle {
        &self.handle
    }
}

pub(super) use builder::Settings;

impl Deref for TaskPool {
    type Target = PoolHandle;

    fn deref(&self) -> &PoolHandle {
        &self.handle
    }
}

impl Drop for TaskPool {
    fn drop(&mut self) {
        self.handle.owner_dropped();
    }
}

impl fmt::Debug for TaskPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handle.debug("TaskPool", f)
    }
}
