//! One task per item of an iterator, a limited number at a time.

use super::{PoolHandle, nonzero};
use crate::error::InvalidSetting;
use crate::error::TaskError;
use crate::manage::set::{TaskSet, result_of};
use crate::task::Task;
use std::collections::VecDeque;
use std::fmt;

/// The window of a map in an unlimited pool.
const WINDOW_WITHOUT_SIZE: usize = 256;

type Feed<T> = Box<dyn FnMut(&PoolHandle) -> Option<Task<T>> + Send>;

/// The values of a [`map`](PoolHandle::map), each with the number of its item.
///
/// They come as the tasks end; [`in_order`](Self::in_order) returns them in the order of the items.
///
/// A window of items is in the pool at a time, by default twice as many as its size, so that no slot waits for the
/// reader of the results; [`window`](Self::window) sets another number. An item that fails or panics is an error in its
/// place, and the others continue. Dropping the map cancels what it started and takes no further items.
///
/// A tick uses [`drain_finished`](Self::drain_finished), awaiting code [`next`](Self::next). The first check starts the
/// first items: a program that checks only when [`take_update`](crate::Handle::take_update) returns true must check
/// once at the start.
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let pool = offtick::TaskPool::new(&rt, 2)?;
/// let mut hashes = pool.map_blocking(1..=10_u64, |block| block * block);
/// let mut sum = 0;
/// while !hashes.is_done() {
///     // One tick.
///     for (_index, hash) in hashes.drain_finished() {
///         sum += hash?;
///     }
///     std::thread::yield_now();
/// }
/// assert_eq!(sum, 385);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a map starts nothing before its results are asked for"]
pub struct PoolMap<T> {
    tasks: TaskSet<usize, T>,
    /// The function that starts the next item; `None` once there are no more.
    feed: Option<Feed<T>>,
    pool: PoolHandle,
    window: Option<usize>,
    /// The number of the next item.
    index: usize,
}

impl<T: Send + 'static> PoolMap<T> {
    pub(super) fn new<I>(
        pool: &PoolHandle,
        mut items: I,
        mut start: impl FnMut(&PoolHandle, I::Item) -> Task<T> + Send + 'static,
    ) -> Self
    where
        I: Iterator + Send + 'static,
    {
        let feed = Box::new(move |pool: &PoolHandle| items.next().map(|item| start(pool, item)));
        Self { tasks: TaskSet::new(), feed: Some(feed), pool: pool.clone(), window: None, index: 0 }
    }

    /// Sets the largest number of items in the pool at a time.
    ///
    /// It includes items whose values were not taken. Default: twice the size of the pool, or 256 if that is unlimited.
    ///
    /// # Errors
    /// [`InvalidSetting`] for 0.
    pub fn window(mut self, most: usize) -> Result<Self, InvalidSetting> {
        self.window = Some(nonzero("window", most, "at least 1")?.get());
        Ok(self)
    }

    /// Converts into the values in the order of their items.
    pub fn in_order(self) -> PoolMapInOrder<T> {
        PoolMapInOrder { map: self, first: 0, arrived: VecDeque::new(), kept: 0 }
    }

    /// Returns true once every item has ended and its value was taken.
    pub fn is_done(&self) -> bool {
        self.feed.is_none() && self.tasks.is_empty()
    }

    /// Takes the values that are there, each with the number of its item.
    ///
    /// Items count from 0. It never waits; without new values it costs a few loads.
    ///
    /// # Errors
    /// Each task's own; [`PoolStopped`](crate::PoolStopped) inside [`TaskError::Failed`] for items after the end of the
    /// pool.
    ///
    /// # Panics
    /// If the iterator or the closure that creates the futures does.
    #[inline]
    pub fn drain_finished(&mut self) -> impl Iterator<Item = (usize, Result<T, TaskError>)> {
        self.fill(0);
        // Items started meanwhile are for the next tick, or an infinite map could hold this one for ever.
        let most = self.tasks.len();
        Drained { map: self }.take(most)
    }

    /// Waits for the next value; `None` if every item has ended.
    ///
    /// Cancel safe: dropping the future loses nothing.
    ///
    /// # Errors
    /// Those of [`drain_finished`](Self::drain_finished).
    ///
    /// # Panics
    /// In the same cases as that method.
    pub async fn next(&mut self) -> Option<(usize, Result<T, TaskError>)> {
        self.fill(0);
        let next = self.tasks.next().await;
        self.fill(0);
        next
    }

    /// Starts tasks until the window is full.
    ///
    /// `kept` values that wait for their turn count in the window.
    fn fill(&mut self, kept: usize) {
        let Some(feed) = &mut self.feed else { return };
        let window = self.window.unwrap_or_else(|| match self.pool.size() {
            None => WINDOW_WITHOUT_SIZE,
            Some(size) => size.saturating_mul(2),
        });
        while self.tasks.len() + kept < window {
            let Some(task) = feed(&self.pool) else {
                self.feed = None;
                return;
            };
            self.tasks.insert(self.index, task);
            self.index += 1;
        }
    }
}

/// An iterator over the available values of a map.
struct Drained<'a, T> {
    map: &'a mut PoolMap<T>,
}

impl<T: Send + 'static> Iterator for Drained<'_, T> {
    type Item = (usize, Result<T, TaskError>);

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.map.tasks.pop_finished()?;
        self.map.fill(0);
        Some(next)
    }
}

impl<T> Drop for Drained<'_, T> {
    fn drop(&mut self) {
        self.map.tasks.keep_update();
    }
}

/// The values of a [`map`](PoolHandle::map) in order, from [`PoolMap::in_order`].
///
/// A value that comes before its turn is kept, and counts in the [window](PoolMap::window): the pool works at most that
/// far ahead of a slow item.
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let pool = offtick::TaskPool::new(&rt, 3)?;
/// let mut lines = pool.map(["b", "a", "c"], |line| async move { line.to_uppercase() }).in_order();
/// let text = offtick::block_on(async {
///     let mut text = String::new();
///     while let Some(line) = lines.next().await {
///         text += &line?;
///     }
///     Ok::<_, offtick::TaskError>(text)
/// })??;
/// assert_eq!(text, "BAC");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a map starts nothing before its results are asked for"]
pub struct PoolMapInOrder<T> {
    map: PoolMap<T>,
    /// The number of the item whose turn it is.
    first: usize,
    /// Finished tasks from that item on.
    ///
    /// Each keeps its result until its turn, so that no error is lost unread.
    arrived: VecDeque<Option<Task<T>>>,
    /// The number of those tasks.
    kept: usize,
}

impl<T: Send + 'static> PoolMapInOrder<T> {
    /// Returns true once every item has ended and its value was taken.
    pub fn is_done(&self) -> bool {
        self.map.is_done() && self.arrived.is_empty()
    }

    /// Takes the available values whose turn it is. It never waits.
    ///
    /// # Errors
    /// Those of [`PoolMap::drain_finished`].
    ///
    /// # Panics
    /// In the same cases as that method.
    pub fn drain_finished(&mut self) -> impl Iterator<Item = Result<T, TaskError>> {
        self.map.fill(self.kept);
        // As for the map: items started meanwhile are for the next tick.
        let most = self.map.tasks.len() + self.kept;
        DrainedInOrder { map: self }.take(most)
    }

    /// Waits for the value of the next item; `None` if every item has ended.
    ///
    /// Cancel safe: dropping the future loses nothing.
    ///
    /// # Errors
    /// Those of [`PoolMap::drain_finished`].
    ///
    /// # Panics
    /// In the same cases as that method.
    pub async fn next(&mut self) -> Option<Result<T, TaskError>> {
        loop {
            if let Some(value) = self.pop() {
                return Some(value);
            }
            self.map.fill(self.kept);
            let (index, task) = self.map.tasks.next_task().await?;
            self.keep(index, task);
        }
    }

    fn keep(&mut self, index: usize, task: Task<T>) {
        let place = index - self.first;
        if place >= self.arrived.len() {
            self.arrived.resize_with(place + 1, || None);
        }
        self.arrived[place] = Some(task);
        self.kept += 1;
    }

    fn pop(&mut self) -> Option<Result<T, TaskError>> {
        let task = self.arrived.front_mut()?.take()?;
        self.arrived.pop_front();
        (self.first, self.kept) = (self.first + 1, self.kept - 1);
        self.map.fill(self.kept);
        Some(result_of(task))
    }
}

/// An iterator over the values of a map that are next in order.
struct DrainedInOrder<'a, T> {
    map: &'a mut PoolMapInOrder<T>,
}

impl<T: Send + 'static> Iterator for DrainedInOrder<'_, T> {
    type Item = Result<T, TaskError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(value) = self.map.pop() {
                return Some(value);
            }
            let (index, task) = self.map.map.tasks.pop_finished_task()?;
            self.map.keep(index, task);
        }
    }
}

impl<T> Drop for DrainedInOrder<'_, T> {
    fn drop(&mut self) {
        if matches!(self.map.arrived.front(), Some(Some(_))) {
            self.map.map.pool.set.handle.shared().updated();
        }
        self.map.map.tasks.keep_update();
    }
}

impl<T> Drop for PoolMap<T> {
    fn drop(&mut self) {
        // The end of the others must not start those.
        self.tasks.cancel_waiting();
    }
}

impl<T> fmt::Debug for PoolMap<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolMap")
            .field("started", &self.index)
            .field("inside", &self.tasks.len())
            .field("exhausted", &self.feed.is_none())
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for PoolMapInOrder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.map.fmt(f)
    }
}
