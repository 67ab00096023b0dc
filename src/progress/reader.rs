//! The consumer of a progress channel.

use super::ring::{Batch, Ring};
use crate::sync::{Arc, ModelArc};
use std::fmt;
use std::iter::FusedIterator;
use std::task::{Wake, Waker};

/// The reading side of a channel.
///
/// Every method takes a shared reference, works from any thread, and never waits.
///
/// Two threads that drain at the same time get disjoint values: one gets the batch, the other one nothing.
pub(crate) struct Reader<P> {
    ring: ModelArc<Ring<P>>,
}

impl<P> Reader<P> {
    pub(super) fn new(ring: ModelArc<Ring<P>>) -> Self {
        Self { ring }
    }

    /// Reads several channels as one, one channel after the other.
    pub(crate) fn sum(readers: Vec<Self>) -> Self {
        Self::new(ModelArc::new(Ring::sum(readers)))
    }

    /// Drains the values that are there, oldest first.
    ///
    /// Yields nothing while another thread drains. Takes over from an earlier drain of this thread.
    #[inline]
    pub(crate) fn drain(&self) -> Drain<'_, P> {
        match self.ring.claim() {
            None if !self.ring.parts().is_empty() => self.drain_parts(),
            batch => Drain { batch, more: None, task: None },
        }
    }

    #[cold]
    fn drain_parts(&self) -> Drain<'_, P> {
        let mut batches = self.ring.parts().iter().rev().filter_map(|part| part.ring.claim()).peekable();
        if batches.peek().is_none() {
            return Drain::empty();
        }
        let mut more: Vec<_> = batches.collect();
        Drain { batch: more.pop(), more: Some(Box::new(More(more))), task: None }
    }

    /// Drains the values that are there and returns the newest.
    ///
    /// The others do not count as dropped: they were read.
    pub(crate) fn latest(&self) -> Option<P> {
        let Some(mut batch) = self.ring.claim() else {
            let of_parts = self.ring.parts().iter().filter_map(Self::latest);
            // Folding reads all of them.
            return of_parts.fold(None, |_, value| Some(value));
        };
        batch.skip_to_newest();
        batch.next()
    }

    /// Calls `look` with the newest unread value, which stays in the ring.
    ///
    /// Returns `None` while a drain is in progress.
    pub(crate) fn peek<R>(&self, look: impl FnOnce(&P) -> R) -> Option<R> {
        let reader = self.ring.parts().iter().find(|part| !part.is_empty()).unwrap_or(self);
        reader.ring.peek(look)
    }

    /// Returns the number of values that a drain would find. A snapshot.
    pub(crate) fn len(&self) -> usize {
        self.ring.len() + self.ring.parts().iter().map(Self::len).sum::<usize>()
    }

    /// Returns true if a drain would find nothing. A snapshot.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.ring.is_empty() && self.ring.parts().iter().all(Self::is_empty)
    }

    /// Returns the number of values that `report` has dropped for lack of room.
    pub(crate) fn dropped(&self) -> u64 {
        self.ring.dropped() + self.ring.parts().iter().map(Self::dropped).sum::<u64>()
    }

    /// Returns a waker for the code that cancels the task.
    ///
    /// Waking it makes a waiting sender check [`ProgressObserver::is_cancelled`](super::ProgressObserver::is_cancelled) again.
    pub(crate) fn cancel_waker(&self) -> Waker
    where
        P: Send + 'static,
    {
        Arc::new(SenderWaker(ModelArc::clone(&self.ring))).into()
    }

    #[cfg(all(test, not(loom)))]
    pub(super) fn waiting(&self) -> usize {
        self.ring.waiting()
    }
}

/// A waker of the senders of a ring.
struct SenderWaker<P>(ModelArc<Ring<P>>);

impl<P: Send> Wake for SenderWaker<P> {
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

/// A receiver of the notice that a drain left values unread.
pub(crate) trait OnLeftover: Sync {
    fn left_over(&self);
}

/// Batches of several channels. Boxed, so that other drains pay one word for it.
struct More<'a, P>(Vec<Batch<'a, P>>);

impl<'a, P> More<'a, P> {
    /// Returns the next value and the batch that it comes from.
    ///
    /// By value: a loop over a drain then keeps the batch in registers.
    #[cold]
    #[inline(never)]
    fn next(mut self: Box<Self>) -> (Option<P>, Option<Batch<'a, P>>, Option<Box<Self>>) {
        while let Some(mut batch) = self.0.pop() {
            if let Some(value) = batch.next() {
                return (Some(value), Some(batch), Some(self));
            }
        }
        (None, None, None)
    }
}

/// The unread progress of a task, oldest first.
///
/// A drain takes its batch when it is created. Values reported later are left for the next drain, so a loop over it
/// always ends. A dropped drain leaves the values that it did not yield, and they keep the [update
/// flag](crate::Handle::take_update) raised: [`Budget::take_from`](crate::Budget::take_from) limits the number of
/// values that one tick takes.
///
/// The task can report while a drain lives. Another drain of the same task on the same thread takes over, and this one
/// yields nothing more. So a forgotten drain (`mem::forget`) loses no value: the next drain on that thread yields the
/// rest. Until then, drains on other threads yield nothing. A drain is not `Send`.
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
    /// The batches after this one, for a task composed of several. The last one comes first.
    more: Option<Box<More<'a, P>>>,
}

impl<'a, P> Drain<'a, P> {
    /// Returns the drain of a task without progress.
    pub(crate) fn empty() -> Self {
        Self { batch: None, more: None, task: None }
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
        if let Some(value) = self.batch.as_mut()?.next() {
            return Some(value);
        }
        let (value, batch, more) = self.more.take()?.next();
        (self.batch, self.more) = (batch, more);
        value
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let batches = self.batch.iter().chain(self.more.iter().flat_map(|more| &more.0));
        let left = batches.map(Batch::len).sum();
        (left, Some(left))
    }
}

impl<P> Drain<'_, P> {
    #[cold]
    fn give_back(&mut self) {
        let left = self.len() != 0;
        // Before the notice: a host that sees the flag then finds the values.
        drop((self.batch.take(), self.more.take()));
        if left && let Some(task) = self.task {
            task.left_over();
        }
    }
}

impl<P> Drop for Drain<'_, P> {
    #[inline]
    fn drop(&mut self) {
        if self.batch.as_ref().is_some_and(|batch| batch.len() != 0) || self.more.is_some() {
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
