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

    /// Reads several channels as one: values of one after those of another.
    pub(crate) fn sum(readers: Vec<Self>) -> Self {
        Self::new(ModelArc::new(Ring::sum(readers)))
    }

    /// Moves out what is there, oldest first. Empty if another thread drains; takes over from a drain of this thread.
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

    /// Moves out what is there and keeps only the newest value. The others do not count as dropped: they were read.
    pub(crate) fn latest(&self) -> Option<P> {
        let Some(mut batch) = self.ring.claim() else {
            let of_parts = self.ring.parts().iter().filter_map(Self::latest);
            // All of them are read.
            return of_parts.fold(None, |_, value| Some(value));
        };
        batch.skip_to_newest();
        batch.next()
    }

    /// Shows `look` the newest value that was not read yet, and leaves it there. `None` while a drain is in progress.
    pub(crate) fn peek<R>(&self, look: impl FnOnce(&P) -> R) -> Option<R> {
        let reader = self.ring.parts().iter().find(|part| !part.is_empty()).unwrap_or(self);
        reader.ring.peek(look)
    }

    /// How many values a drain would find. A snapshot.
    pub(crate) fn len(&self) -> usize {
        self.ring.len() + self.ring.parts().iter().map(Self::len).sum::<usize>()
    }

    /// True if a drain would find nothing. A snapshot.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.ring.is_empty() && self.ring.parts().iter().all(Self::is_empty)
    }

    /// How many values `report` has thrown away since the beginning, for want of room.
    pub(crate) fn dropped(&self) -> u64 {
        self.ring.dropped() + self.ring.parts().iter().map(Self::dropped).sum::<u64>()
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

/// Batches of several channels, in a box: other drains pay one word for it.
struct More<'a, P>(Vec<Batch<'a, P>>);

impl<'a, P> More<'a, P> {
    /// The next value, and the batch that it comes from. By value: a loop over a drain keeps that in registers.
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

/// The progress of a task that is there to be read, oldest first: a batch taken when the drain was made.
///
/// Values reported after that are left for the next drain, so a loop over it always ends. Values that it did not yield
/// when it is dropped stay where they are and keep the [update flag](crate::Handle::take_update) up:
/// [`Budget::take_from`](crate::Budget::take_from) bounds how many one tick takes.
///
/// While it lives, the task reports on unhindered. Another drain of the same task on the same thread takes over, and this one
/// yields nothing more. So a drain that was forgotten (`mem::forget`) loses no value: the next one on that thread yields the
/// rest. On other threads a drain yields nothing meanwhile. A drain is not `Send`.
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
    /// Of a task composed of several: what comes after the batch, the last one first.
    more: Option<Box<More<'a, P>>>,
}

impl<'a, P> Drain<'a, P> {
    /// The drain of a task that has no progress.
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
        // Before the notice: a host that sees the flag finds the values.
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
