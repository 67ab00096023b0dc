//! The hook queue: calls post notices, and the driver thread calls the hooks.
//!
//! A host may hold any lock while it cancels, drops, spawns or reports, and so may a task. A hook that ran inside such a
//! call could wait for that very lock. So no call runs a hook:
//!
//! ```text
//! any thread:  post    push under the lock, set DUE                           was clear -> unpark the driver
//! driver:      deliver DUE? take all under the lock, clear DUE, call the hooks      between two polls
//! driver:      close   deliver until nothing is left, then: nobody delivers
//! afterwards:  post    push; nobody delivers -> start a thread, which delivers until nothing is left
//! ```
//! - DUE changes under the lock only. The driver checks it without the lock before it parks: the unpark that follows
//!   the post orders that check, as it does for the inbox.
//! - Each notice is taken once, and there is always a deliverer: the driver until `close` finds the queue empty, under
//!   the lock; then the thread that the next post starts.
//! - An update is a bit, not an entry: any number of them before a delivery are one call. The bit is set after the flag
//!   was raised, so a call follows every raise.
//! - Hooks run under no lock, one after the other. A hook may post; that is delivered in the next round.

use super::hooks::{Hooks, Notice};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, Mutex, thread};

/// The number of delivery rounds at the end of a runtime.
///
/// Hooks that still post then are left to a separate thread.
const LAST_ROUNDS: usize = 64;

/// The notices for the hooks of one runtime.
pub(crate) struct HookQueue {
    hooks: Hooks,
    /// True if notices wait for the driver.
    due: AtomicBool,
    waiting: Mutex<Waiting>,
}

struct Waiting {
    /// True if the update flag was raised.
    updated: bool,
    notices: Vec<Notice>,
    deliverer: Deliverer,
}

/// The party that delivers the notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deliverer {
    /// The thread that drives the runtime.
    Driver,
    /// None, since the runtime has ended: the next post starts a thread.
    Ended,
    /// The thread that a post started.
    Thread,
}

/// The notices of one delivery.
struct Batch {
    updated: bool,
    notices: Vec<Notice>,
}

impl HookQueue {
    pub(crate) fn new(hooks: Hooks) -> Self {
        let waiting = Waiting { updated: false, notices: Vec::new(), deliverer: Deliverer::Driver };
        Self { hooks, due: AtomicBool::new(false), waiting: Mutex::new(waiting) }
    }

    pub(crate) fn hooks(&self) -> &Hooks {
        &self.hooks
    }

    /// Returns true if notices wait for the driver. A hint on other threads.
    #[inline(always)]
    pub(crate) fn is_due(&self) -> bool {
        // Relaxed: see the module.
        self.due.load(Ordering::Relaxed)
    }

    /// Posts a notice.
    ///
    /// Returns true if the driver must be unparked, unless this thread is the driver.
    #[must_use]
    pub(crate) fn post(self: &Arc<Self>, notice: Notice) -> bool {
        self.push(|waiting| waiting.notices.push(notice))
    }

    /// Posts that the update flag was raised; see [`post`](Self::post).
    #[must_use]
    pub(crate) fn post_update(self: &Arc<Self>) -> bool {
        self.push(|waiting| waiting.updated = true)
    }

    fn push(self: &Arc<Self>, push: impl FnOnce(&mut Waiting)) -> bool {
        let mut waiting = self.waiting.lock();
        push(&mut waiting);
        match waiting.deliverer {
            // Relaxed, here and below: under the lock, and see the module.
            Deliverer::Driver => !self.due.swap(true, Ordering::Relaxed),
            Deliverer::Thread => false,
            Deliverer::Ended => {
                waiting.deliverer = Deliverer::Thread;
                drop(waiting);
                self.start_thread();
                false
            }
        }
    }

    /// Calls the hooks for all notices. Returns false if there were none.
    ///
    /// For the driver, between two polls.
    #[inline]
    pub(crate) fn deliver(&self) -> bool {
        self.is_due() && self.deliver_slow()
    }

    #[cold]
    fn deliver_slow(&self) -> bool {
        let batch = self.take(&mut self.waiting.lock());
        self.call(batch);
        true
    }

    /// Ends the driver's delivery: calls the hooks until no notices are left.
    pub(crate) fn close(self: &Arc<Self>) {
        for _ in 0..LAST_ROUNDS {
            match self.take_or_leave(Deliverer::Driver) {
                Some(batch) => self.call(batch),
                None => return,
            }
        }
        self.waiting.lock().deliverer = Deliverer::Thread;
        self.start_thread();
    }

    /// Takes all notices.
    ///
    /// Returns `None` if there are none, and then ends the delivery; also if `own` is not the deliverer.
    fn take_or_leave(&self, own: Deliverer) -> Option<Batch> {
        let mut waiting = self.waiting.lock();
        if waiting.deliverer != own {
            return None;
        }
        let empty = !waiting.updated && waiting.notices.is_empty();
        if empty {
            waiting.deliverer = Deliverer::Ended;
        }
        (!empty).then(|| self.take(&mut waiting))
    }

    fn take(&self, waiting: &mut Waiting) -> Batch {
        self.due.store(false, Ordering::Relaxed);
        Batch { updated: std::mem::take(&mut waiting.updated), notices: std::mem::take(&mut waiting.notices) }
    }

    fn call(&self, batch: Batch) {
        if batch.updated {
            self.hooks.updated();
        }
        for notice in batch.notices {
            self.hooks.tell(notice);
        }
    }

    /// Delivers on a separate thread.
    ///
    /// If the system refuses one, everything waits for the next post.
    #[cold]
    fn start_thread(self: &Arc<Self>) {
        let queue = Arc::clone(self);
        let deliver = move || {
            while let Some(batch) = queue.take_or_leave(Deliverer::Thread) {
                queue.call(batch);
            }
        };
        // A model starts no thread of the system.
        if cfg!(loom) {
            deliver();
        } else if thread::Builder::new().name("offtick-hooks".to_owned()).spawn(deliver).is_err() {
            self.waiting.lock().deliverer = Deliverer::Ended;
        }
    }
}
