//! References to a shared value, of which a thread has some in hand.
//!
//! A task holds a reference to its runtime, which it gets as it is spawned and gives up as it is freed. Each is a
//! read-modify-write on a count that all threads share; a task that is spawned and freed on the thread that drives its
//! runtime, as most are, would wait for two of them. So that thread keeps what is given up there, and gives it out again:
//! the count stays as it was, and the thread's own says how many of the references are nobody's yet.

use crate::sync::Arc;
use std::cell::Cell;
use std::mem::ManuallyDrop;

/// Spare references at the most. They are given up one by one in the end; and those that other threads made, for tasks
/// that are freed here, would add up for ever.
const MOST: usize = if cfg!(test) { 16 } else { 1 << 20 };

/// References to one value; it stays on its thread.
pub(crate) struct ArcCache<T> {
    own: Arc<T>,
    /// References beside our own that are in no other hands.
    spare: Cell<usize>,
}

impl<T> ArcCache<T> {
    pub(crate) fn new(own: Arc<T>) -> Self {
        Self { own, spare: Cell::new(0) }
    }

    /// A reference.
    #[inline]
    pub(crate) fn take(&self) -> Arc<T> {
        match self.spare.get().checked_sub(1) {
            Some(spare) => {
                self.spare.set(spare);
                // SAFETY: `put` has forgotten a reference to this very value for each spare one, and this one is counted
                // out.
                unsafe { Arc::from_raw(Arc::as_ptr(&self.own)) }
            }
            None => Arc::clone(&self.own),
        }
    }

    /// Keeps a reference. One too many, or to another value, is dropped.
    #[inline]
    pub(crate) fn put(&self, reference: Arc<T>) {
        if Arc::ptr_eq(&self.own, &reference) && self.spare.get() < MOST {
            let _kept = ManuallyDrop::new(reference);
            self.spare.set(self.spare.get() + 1);
        }
    }
}

impl<T> Drop for ArcCache<T> {
    fn drop(&mut self) {
        while self.spare.get() != 0 {
            drop(self.take());
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn every_reference_is_given_up_once() {
        let value = Arc::new(7);
        let arc_cache = ArcCache::new(Arc::clone(&value));
        let out: Vec<_> = (0..10).map(|_| arc_cache.take()).collect();
        assert!(out.iter().all(|reference| **reference == 7));
        assert_eq!(Arc::strong_count(&value), 12);
        out.into_iter().for_each(|reference| arc_cache.put(reference));
        assert_eq!(Arc::strong_count(&value), 12, "kept");
        let out: Vec<_> = (0..4).map(|_| arc_cache.take()).collect();
        assert_eq!(Arc::strong_count(&value), 12, "and given out again");
        arc_cache.put(Arc::clone(&value));
        arc_cache.put(Arc::new(7));
        drop(arc_cache);
        assert_eq!(Arc::strong_count(&value), 5);
        let arc_cache = ArcCache::new(Arc::clone(&value));
        (0..2 * MOST).for_each(|_| arc_cache.put(Arc::clone(&value)));
        assert_eq!(Arc::strong_count(&value), 6 + MOST, "no more than that");
        drop(arc_cache);
        assert_eq!(Arc::strong_count(&value), 5);
        drop(out);
        assert_eq!(Arc::strong_count(&value), 1);
    }
}
