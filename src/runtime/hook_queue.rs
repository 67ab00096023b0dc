//! The hook queue: calls post notices here, and the thread that drives the runtime calls the hooks.
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
//! - DUE changes under the lock only. The driver looks at it without the lock before it parks: the unpark that follows
//!   the post orders that look, as it does for the inbox.
//! - Whatever is pushed is taken once, by whoever delivers, and there is always one who will: the driver until `close`
//!   finds the queue empty, under the lock, then the thread that the next post starts.
//! - An update is a bit, not an entry: any number of them before a delivery are one call. The bit is set after the flag
//!   was raised, so a call follows every raise.
//! - Hooks run under no lock, one after the other. A hook may post; that is delivered in the next round.

use super::hooks::{Hooks, Notice};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, Mutex, thread};

/// Rounds of delivery at the end of a runtime; hooks that go on posting are then left to a thread of their own.
const LAST_ROUNDS: usize = 64;

/// The notices that wait for the hooks of one runtime.
pub(crate) struct HookQueue {
    hooks: Hooks,
    /// Something waits for the driver.
    due: AtomicBool,
    waiting: Mutex<Waiting>,
}

struct Waiting {
    /// The update flag was raised.
    updated: bool,
    notices: Vec<Notice>,
    deliverer: Deliverer,
}

/// The party that delivers what is pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deliverer {
    /// The thread that drives the runtime.
    Driver,
    /// The runtime has ended: the next post starts a thread.
    Nobody,
    /// That thread.
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

    /// True if something waits for the driver. A hint on other threads.
    #[inline(always)]
    pub(crate) fn is_due(&self) -> bool {
        // Relaxed: see the module.
        self.due.load(Ordering::Relaxed)
    }

    /// Notes something for a hook. True: the driver is to be unparked, unless this thread is the driver.
    #[must_use]
    pub(crate) fn post(self: &Arc<Self>, notice: Notice) -> bool {
        self.push(|waiting| waiting.notices.push(notice))
    }

    /// Notes that the update flag was raised. As [`post`](Self::post).
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
            Deliverer::Nobody => {
                waiting.deliverer = Deliverer::Thread;
                drop(waiting);
                self.start_thread();
                false
            }
        }
    }

    /// Calls the hooks for all that waits; false if nothing did. For the driver, between two polls.
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

    /// The driver ends: calls the hooks until nothing is left for them.
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

    /// Takes all that waits. `None`: nothing does, and from now on nobody delivers; or `own` does not deliver.
    fn take_or_leave(&self, own: Deliverer) -> Option<Batch> {
        let mut waiting = self.waiting.lock();
        if waiting.deliverer != own {
            return None;
        }
        let empty = !waiting.updated && waiting.notices.is_empty();
        if empty {
            waiting.deliverer = Deliverer::Nobody;
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

    /// Delivers on a thread of its own. Where the system refuses one, all stays until the next post.
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
            self.waiting.lock().deliverer = Deliverer::Nobody;
        }
    }
}
