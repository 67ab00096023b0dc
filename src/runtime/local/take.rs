//! Iterators bounded by a budget.

use super::budget::Budget;
use crate::instant::Instant;
use std::iter::FusedIterator;
use std::time::Duration;

impl Budget {
    /// Returns the items of `items` until the budget is used up.
    ///
    /// It limits how much one tick takes from an iterator over many items: [`Task::progress`](crate::Task::progress),
    /// `TaskSet::drain_finished`, `PoolSet`, `PoolMap`, `CompletionQueue::drain`. Those keep the rest for the next tick
    /// and keep the update flag of the runtime raised, so that [`take_update`](crate::Handle::take_update) returns true
    /// then.
    ///
    /// Each item counts as one poll. The time is checked before every item but the first and includes the loop's work
    /// on the items, so it can be exceeded by one item at most. A zero budget returns nothing.
    ///
    /// # Example
    /// ```
    /// use offtick::{Budget, Runtime};
    /// use std::time::Duration;
    /// let rt = Runtime::new()?;
    /// let mut task = rt.task().progress::<u32>(64).spawn(|mut cx| async move { (0..50).for_each(|row| cx.report(row)) });
    /// task.wait()?;
    /// rt.take_update();
    /// let budget = Budget::time(Duration::from_millis(100)).and(Budget::polls(20));
    /// assert_eq!(budget.take_from(task.progress()).count(), 20);
    /// assert!(rt.take_update()); // there is more
    /// assert_eq!(budget.take_from(task.progress()).next(), Some(20));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn take_from<I: IntoIterator>(self, items: I) -> TakeFrom<I::IntoIter> {
        let time = self.time_limit().filter(|_| !self.is_zero()).map(|limit| (Instant::now(), limit));
        let left = if self.is_zero() { 0 } else { self.poll_limit().unwrap_or(usize::MAX) };
        TakeFrom { items: items.into_iter(), left, time, began: false }
    }
}

/// An iterator that ends with a budget, from [`Budget::take_from`].
#[derive(Clone, Debug)]
#[must_use = "iterators do nothing until they are iterated"]
pub struct TakeFrom<I> {
    items: I,
    /// The number of items that may still be taken. 0 once the time is used up.
    left: usize,
    time: Option<(Instant, Duration)>,
    /// True once the first item was taken.
    began: bool,
}

impl<I: Iterator> Iterator for TakeFrom<I> {
    type Item = I::Item;

    #[inline]
    fn next(&mut self) -> Option<I::Item> {
        if self.began && self.time.is_some_and(|(start, limit)| start.elapsed() >= limit) {
            self.left = 0;
        }
        self.left = self.left.checked_sub(1)?;
        self.began = true;
        self.items.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (least, most) = self.items.size_hint();
        let least = if self.time.is_some() { 0 } else { least.min(self.left) };
        (least, Some(most.map_or(self.left, |most| most.min(self.left))))
    }
}

impl<I: FusedIterator> FusedIterator for TakeFrom<I> {}
