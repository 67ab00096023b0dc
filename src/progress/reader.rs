//! The consumer's front.

use super::ring::{Batch, Ring};
use crate::sync::{Arc, ModelArc};
use std::fmt;
use std::iter::FusedIterator;
use std::task::{Wake, Waker};

/// The side that polls. Every call works through a shared reference, from any thread, and none of them waits.
///
/// Two threads that drain at the same time get disjoint values: one gets the batch, the other nothing.
pub(crate) struct Reader<P> {
    ring: ModelArc<Ring<P>>,
}

impl<P> Reader<P> {
    pub(super) fn new(ring: ModelArc<Ring<P>>) -> Self {
        Self { ring }
    }

    /// Moves out what is there, oldest first. Empty if another drain is in progress.
    #[inline]
    pub(crate) fn drain(&self) -> Drain<'_, P> {
        Drain { batch: self.ring.claim(), task: None }
    }

    /// Moves out what is there and keeps only the newest value. The others do not count as dropped: they were read.
    pub(crate) fn latest(&self) -> Option<P> {
        let mut batch = self.ring.claim()?;
        batch.skip_to_newest();
        batch.next()
    }

    /// How many values a drain would find. A snapshot.
    pub(crate) fn len(&self) -> usize {
        self.ring.len()
    }

    /// True if a drain would find nothing. A snapshot.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// How many values `report` has thrown away since the beginning, for want of room.
    pub(crate) fn dropped(&self) -> u64 {
        self.ring.dropped()
    }

    /// A waker for whoever brings the cancellation about; waking it makes a sender that
    /// waits look at [`Host::is_cancelled`](super::Host::is_cancelled) again.
    pub(crate) fn cancel_waker(&self) -> Waker
    where
        P: Send + 'static,
    {
        Arc::new(Bell(ModelArc::clone(&self.ring))).into()
    }

    #[cfg(all(test, not(loom)))]
    pub(super) fn waiting(&self) -> usize {
        self.ring.waiting()
    }
}

/// Wakes the senders of a ring.
struct Bell<P>(ModelArc<Ring<P>>);

impl<P: Send> Wake for Bell<P> {
    fn wake(self: Arc<Self>) {
        self.0.wake_sender();
    }
}

impl<P> Drop for Reader<P> {
    fn drop(&mut self) {
        self.ring.close_reader();
    }
}

impl<P> fmt::Debug for Reader<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reader").field(&*self.ring).finish()
    }
}

/// Receives the notice that a drain left values unread.
pub(crate) trait OnLeftover: Sync {
    fn left_over(&self);
}

/// The progress of a task that is there to be read, oldest first: a batch taken when the drain was made.
///
/// Values reported after that are left for the next drain, so a loop over it always ends. Values that it did not yield
/// when it is dropped stay where they are and keep the [update flag](crate::Handle::take_update) up:
/// [`Budget::take_from`](crate::Budget::take_from) bounds how many one tick takes. While it lives, other drains of the same task yield nothing, and the task
/// reports on unhindered; keep it no longer than the loop over it. (To `mem::forget` it leaks the unread progress and
/// closes it to every later drain.)
///
/// # Example
/// ```
/// fn show(steps: offtick::Drain<'_, u32>) {
///     println!("{} new steps", steps.len());
///     for step in steps {
///         println!("step {step}");
///     }
/// }
/// ```
#[must_use = "a drain that is not iterated leaves the values where they are"]
pub struct Drain<'a, P> {
    batch: Option<Batch<'a, P>>,
    task: Option<&'a dyn OnLeftover>,
}

impl<'a, P> Drain<'a, P> {
    /// The drain of a task that has no progress.
    pub(crate) fn empty() -> Self {
        Self { batch: None, task: None }
    }

    /// Notifies `task` if the drain leaves values unread.
    #[inline]
    pub(crate) fn on_leftover(mut self, task: &'a dyn OnLeftover) -> Self {
        self.task = Some(task);
        self
    }
}

impl<P> Iterator for Drain<'_, P> {
    type Item = P;

    #[inline]
    fn next(&mut self) -> Option<P> {
        self.batch.as_mut()?.next()
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.batch.as_ref().map_or(0, Batch::len);
        (left, Some(left))
    }
}

impl<P> Drain<'_, P> {
    #[cold]
    fn give_back(&mut self) {
        // Before the notice: a host that sees the flag finds the values.
        drop(self.batch.take());
        if let Some(task) = self.task {
            task.left_over();
        }
    }
}

impl<P> Drop for Drain<'_, P> {
    #[inline]
    fn drop(&mut self) {
        if self.batch.as_ref().is_some_and(|batch| batch.len() != 0) {
            self.give_back();
        }
    }
}

impl<P> ExactSizeIterator for Drain<'_, P> {}

impl<P> FusedIterator for Drain<'_, P> {}

impl<P> fmt::Debug for Drain<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drain").field("left", &self.len()).finish()
    }
}
