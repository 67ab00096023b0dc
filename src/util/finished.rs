//! The queue of ended tasks: a tick over many pending tasks costs one load.
//!
//! Each member registers a waker of [`Finished::notice`], which puts the member's key on the queue when its task ends.
//! A flag says whether the queue must be checked:
//!
//! ```text
//! ending thread:  [1] push the key, under the lock     [2] raise the flag     [3] wake whoever awaits the next end
//! tick:           [4] flag down? nothing ended         [5] lower the flag     [6] take the keys, under the lock
//!                                                      [7] the lock is taken: raise the flag again, look next tick
//! ```
//! Nothing is lost: a push that [6] did not see came after it, so its [2] comes after [5] and the flag stays up. For
//! that the orders [1] [2] and [5] [6] are all that matters. The lock orders the two sides, the flag's own accesses
//! need not; and since there is one ticking side, [5] may be a plain store.
//!
//! [7] is for memory models rather than for schedules: the thread that has the lock will do [2] anyway; but a failed
//! `try_lock` orders nothing, so that [2] might count as older than [5].
//!
//! The tick never waits ([7]). An ending thread waits for other threads at most for the time of a push or a swap. No
//! user code runs under the lock.

use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, Mutex};
use crate::util::catch::{drop_quietly, guarded};
use std::collections::VecDeque;
use std::fmt;
use std::task::{Wake, Waker};

/// Keys of ended tasks, in the order of their ends.
pub(crate) struct Finished<K> {
    raised: AtomicBool,
    queue: Mutex<Queue<K>>,
}

struct Queue<K> {
    keys: VecDeque<K>,
    /// The waker of the code that awaits the next key.
    waiter: Option<Waker>,
}

impl<K> Finished<K> {
    pub(crate) fn new() -> Self {
        Self { raised: AtomicBool::new(false), queue: Mutex::new(Queue { keys: VecDeque::new(), waiter: None }) }
    }

    /// [1] [2] [3] Records that a task ended.
    pub(crate) fn push(&self, key: K) {
        let mut queue = self.queue.lock();
        queue.keys.push_back(key);
        let waiter = queue.waiter.take();
        drop(queue);
        // Relaxed: ordered by the lock; see the module.
        self.raised.store(true, Ordering::Relaxed);
        if let Some(waiter) = waiter {
            guarded(|| waiter.wake());
        }
    }

    /// [4] [5] [6] [7] Moves the keys to the end of `into`.
    ///
    /// For one thread at a time; it never waits, and costs one load when nothing ended.
    #[inline(always)]
    pub(crate) fn take(&self, into: &mut VecDeque<K>) {
        // Relaxed: an end that is missed here is seen on the next tick.
        if self.raised.load(Ordering::Relaxed) {
            self.take_slow(into);
        }
    }

    #[cold]
    fn take_slow(&self, into: &mut VecDeque<K>) {
        // Relaxed, both: ordered by the lock; see the module.
        self.raised.store(false, Ordering::Relaxed);
        match self.queue.try_lock() {
            Some(mut queue) => queue.move_to(into),
            None => self.raised.store(true, Ordering::Relaxed),
        }
    }

    /// Moves the keys like [`take`](Self::take), but waits for the lock.
    ///
    /// Every push that returned before is seen.
    pub(crate) fn take_all(&self, into: &mut VecDeque<K>) {
        self.raised.store(false, Ordering::Relaxed);
        self.queue.lock().move_to(into);
    }

    /// Moves the keys to the end of `into`, or registers `waker` for the next one.
    ///
    /// Returns false if there were none.
    pub(crate) fn take_or_register(&self, into: &mut VecDeque<K>, waker: &Waker) -> bool {
        let waker = waker.clone();
        let mut queue = self.queue.lock();
        if queue.keys.is_empty() {
            let before = queue.waiter.replace(waker);
            drop(queue);
            drop_quietly(before);
            return false;
        }
        queue.move_to(into);
        drop(queue);
        drop_quietly(waker);
        true
    }
}

impl<K> Queue<K> {
    fn move_to(&mut self, into: &mut VecDeque<K>) {
        if into.is_empty() {
            std::mem::swap(&mut self.keys, into);
        } else {
            into.append(&mut self.keys);
        }
    }
}

impl<K: Copy + Send + Sync + 'static> Finished<K> {
    /// Returns a waker that reports `key`.
    pub(crate) fn notice(self: &Arc<Self>, key: K) -> Waker {
        Arc::new(Notice { finished: Arc::clone(self), key }).into()
    }
}

impl<K> fmt::Debug for Finished<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Relaxed: for display.
        f.debug_struct("Finished").field("raised", &self.raised.load(Ordering::Relaxed)).finish_non_exhaustive()
    }
}

/// One member's waker.
struct Notice<K> {
    finished: Arc<Finished<K>>,
    key: K,
}

impl<K: Copy + Send + Sync + 'static> Wake for Notice<K> {
    fn wake(self: Arc<Self>) {
        self.finished.push(self.key);
    }
}
