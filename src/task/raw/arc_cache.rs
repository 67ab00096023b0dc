//! A cache of references to a shared value, per thread.
//!
//! A task holds a reference to its runtime from its spawn until it is freed. Each reference is a read-modify-write on a
//! count that all threads share. Most tasks are spawned and freed on the driver thread of their runtime, which would
//! wait for two of them per task. So that thread caches released references and reuses them. The shared count stays
//! untouched, and a count of the thread's own tells how many references are unused.

use crate::sync::Arc;
use std::cell::Cell;
use std::mem::ManuallyDrop;

/// The largest number of spare references.
///
/// They are released one by one at the end. References that other threads created, for tasks that are freed here, would
/// otherwise accumulate without limit.
const MOST: usize = if cfg!(test) { 16 } else { 1 << 20 };

/// A cache of references to one value. It stays on its thread.
pub(crate) struct ArcCache<T> {
    own: Arc<T>,
    /// The number of unused references besides our own.
    spare: Cell<usize>,
}

impl<T> ArcCache<T> {
    pub(crate) fn new(own: Arc<T>) -> Self {
        Self { own, spare: Cell::new(0) }
    }

    /// Returns a reference.
    #[inline]
    pub(crate) fn take(&self) -> Arc<T> {
        match self.spare.get().checked_sub(1) {
            Some(spare) => {
                self.spare.set(spare);
                // SAFETY: `put` has forgotten one reference to this value per spare one, and this one is no longer
                // counted.
                unsafe { Arc::from_raw(Arc::as_ptr(&self.own)) }
            }
            None => Arc::clone(&self.own),
        }
    }

    /// Keeps a reference.
    ///
    /// One beyond the limit, or one to another value, is dropped.
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
