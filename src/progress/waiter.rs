//! Who waits for room: the wakers of senders, and a way for a thread to be one.

use crate::sync::{Arc, Condvar, Mutex};
use crate::util::catch::{catch, drop_quietly};
use std::task::{Wake, Waker};

/// Names one registration among the waiters of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket(u64);

/// The wakers of the senders that wait. One entry for a plain reporter, several for a shared one.
///
/// Cloning, dropping and waking a waker may run anything, so none of it happens under the lock.
#[derive(Debug)]
pub(super) struct Waiters {
    list: Mutex<List>,
}

#[derive(Debug)]
struct List {
    next: u64,
    entries: Vec<(Ticket, Waker)>,
}

impl Waiters {
    pub(super) fn new() -> Self {
        Self { list: Mutex::new(List { next: 0, entries: Vec::new() }) }
    }

    /// Puts `waker` under the ticket, which it makes on first use. The caller then announces itself on the head word
    /// and looks at the ring once more.
    pub(super) fn register(&self, ticket: &mut Option<Ticket>, waker: &Waker) {
        if let Some(ticket) = *ticket {
            let list = self.list.lock();
            if list.entries.iter().any(|(owner, known)| *owner == ticket && known.will_wake(waker)) {
                return;
            }
        }
        let waker = waker.clone();
        let replaced = {
            let mut list = self.list.lock();
            let ticket = *ticket.get_or_insert_with(|| {
                list.next += 1;
                Ticket(list.next)
            });
            match list.entries.iter_mut().find(|(owner, _)| *owner == ticket) {
                Some((_, known)) => Some(std::mem::replace(known, waker)),
                None => {
                    list.entries.push((ticket, waker));
                    None
                }
            }
        };
        drop_quietly(replaced);
    }

    /// Forgets a registration: the sender is done or gives up.
    pub(super) fn withdraw(&self, ticket: Ticket) {
        let withdrawn = {
            let mut list = self.list.lock();
            list.entries.iter().position(|(owner, _)| *owner == ticket).map(|at| list.entries.swap_remove(at))
        };
        drop_quietly(withdrawn);
    }

    /// Wakes every sender that is registered. A waker that panics does not lose the others their wake.
    #[cold]
    pub(super) fn wake_all(&self) {
        let entries = std::mem::take(&mut self.list.lock().entries);
        for (_, waker) in entries {
            if let Err(payload) = catch(move || waker.wake()) {
                drop_quietly(payload);
            }
        }
    }

    #[cfg(all(test, not(loom)))]
    pub(super) fn count(&self) -> usize {
        self.list.lock().entries.len()
    }
}

/// Lets a thread sleep until a waker is woken.
///
/// A mutex and a condition variable rather than the thread's own park token, so that user code that parks and unparks
/// the same thread is not disturbed, and so that loom sees it.
#[derive(Debug)]
pub(super) struct ThreadWaker {
    woken: Mutex<bool>,
    changed: Condvar,
}

impl ThreadWaker {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { woken: Mutex::new(false), changed: Condvar::new() })
    }

    /// Sleeps until the next wake, or returns at once if it came before.
    pub(super) fn wait(&self) {
        let mut woken = self.woken.lock();
        while !*woken {
            self.changed.wait(&mut woken);
        }
        *woken = false;
    }
}

impl Wake for ThreadWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        *self.woken.lock() = true;
        self.changed.notify_one();
    }
}
