//! The wakers of senders that wait for room.

use crate::sync::Mutex;
use crate::util::catch::{drop_quietly, guarded};
use std::task::Waker;

/// An identifier of one registration among the waiters of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket(u64);

/// The wakers of waiting senders: one for a plain reporter, several for a shared one.
///
/// Cloning, dropping and waking a waker may run any code, so none of it happens under the lock.
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

    /// Stores `waker` under the ticket, which is created on first use.
    ///
    /// The caller then announces itself on the head word and checks the ring again.
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

    /// Removes a registration: the sender has ended or stops waiting.
    pub(super) fn withdraw(&self, ticket: Ticket) {
        let withdrawn = {
            let mut list = self.list.lock();
            list.entries.iter().position(|(owner, _)| *owner == ticket).map(|at| list.entries.swap_remove(at))
        };
        drop_quietly(withdrawn);
    }

    /// Wakes every registered sender.
    ///
    /// A waker that panics does not keep the others from being woken.
    #[cold]
    pub(super) fn wake_all(&self) {
        let entries = std::mem::take(&mut self.list.lock().entries);
        for (_, waker) in entries {
            guarded(|| waker.wake());
        }
    }

    #[cfg(all(test, not(loom)))]
    pub(super) fn count(&self) -> usize {
        self.list.lock().entries.len()
    }
}
