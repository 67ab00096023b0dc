//! Wakers taken out under a lock, to be woken after it.
//!
//! Waking runs foreign code: another poll, a destructor, our own queues. So whoever holds a lock only collects, gives
//! the lock back, and then wakes. The batch stands on the stack; it never allocates.
//!
//! A waker that panics must not lose the others: each wake is caught by itself, and a batch that is dropped with
//! wakers in it (something else unwound past it) wakes them.

use crate::util::catch::guarded;
use std::task::Waker;

/// At most [`WakeBatch::CAPACITY`] wakers that are to be woken together, in the order in which they came.
pub(crate) struct WakeBatch {
    wakers: [Option<Waker>; Self::CAPACITY],
    len: usize,
}

impl WakeBatch {
    /// Number of wakers that one batch holds: half a kilobyte of stack.
    pub(crate) const CAPACITY: usize = 32;

    pub(crate) const fn new() -> Self {
        Self { wakers: [const { None }; Self::CAPACITY], len: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_full(&self) -> bool {
        self.len == Self::CAPACITY
    }

    /// Adds a waker.
    ///
    /// # Panics
    /// If the batch is full: the collector asks `is_full` first.
    pub(crate) fn push(&mut self, waker: Waker) {
        assert!(!self.is_full(), "a full batch is woken before more is pushed");
        self.wakers[self.len] = Some(waker);
        self.len += 1;
    }

    /// Wakes all and leaves the batch empty. Never call it under a lock.
    pub(crate) fn wake_all(&mut self) {
        let len = std::mem::take(&mut self.len);
        for slot in &mut self.wakers[..len] {
            if let Some(waker) = slot.take() {
                guarded(|| waker.wake());
            }
        }
    }
}

impl Drop for WakeBatch {
    fn drop(&mut self) {
        self.wake_all();
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::sync::Arc;
    use crate::sync::plain::Mutex;
    use crate::util::catch::catch;
    use std::task::Wake;

    struct Named {
        name: usize,
        panics: bool,
        trace: Arc<Mutex<Vec<usize>>>,
    }

    impl Wake for Named {
        fn wake(self: Arc<Self>) {
            self.trace.lock().push(self.name);
            assert!(!self.panics, "a waker of the test panics");
        }
    }

    fn fill(batch: &mut WakeBatch, trace: &Arc<Mutex<Vec<usize>>>, panics: impl Fn(usize) -> bool) {
        while !batch.is_full() {
            let name = batch.len();
            batch.push(Arc::new(Named { name, panics: panics(name), trace: Arc::clone(trace) }).into());
        }
    }

    #[test]
    fn wakes_in_order_and_is_empty_after() {
        let trace = Arc::default();
        let mut batch = WakeBatch::new();
        fill(&mut batch, &trace, |_| false);
        batch.wake_all();
        assert_eq!(batch.len(), 0);
        drop(batch);
        assert_eq!(*trace.lock(), (0..WakeBatch::CAPACITY).collect::<Vec<_>>());
    }

    #[test]
    fn a_panicking_waker_loses_no_other() {
        let trace = Arc::default();
        let mut batch = WakeBatch::new();
        fill(&mut batch, &trace, |name| name % 3 == 0);
        batch.wake_all();
        assert_eq!(*trace.lock(), (0..WakeBatch::CAPACITY).collect::<Vec<_>>());
        assert_eq!(Arc::strong_count(&trace), 1, "each waker is gone after its wake");
    }

    #[test]
    fn an_unwind_past_the_batch_wakes_what_it_holds() {
        let trace = Arc::default();
        let result = catch(|| {
            let mut batch = WakeBatch::new();
            fill(&mut batch, &trace, |name| name == 0);
            panic!("something else goes wrong");
        });
        assert!(result.is_err());
        assert_eq!(trace.lock().len(), WakeBatch::CAPACITY);
    }
}
