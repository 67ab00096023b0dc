//! What is to be written: plain data, no lock.
//!
//! A write has a **message**, the bytes, and a **ticket**, where its future waits; both under one number, in the order in
//! which they came. The engine takes a message out to write it. A future that goes takes its ticket along, and the
//! message if that still stands here: what has not begun is not sent.

use super::error::{Unsent, UnsentReason};
use std::collections::BTreeMap;
use std::task::Waker;

/// Bytes that are to be written.
pub(super) struct Message {
    pub(super) number: u64,
    pub(super) bytes: Vec<u8>,
    /// Sent again, whole, if the connection is lost in the middle of it.
    pub(super) again: bool,
}

enum Ticket {
    Waiting(Waker),
    Over(Result<(), Unsent>),
}

/// The writes in their order.
pub(super) struct Outbox {
    waiting: BTreeMap<u64, Message>,
    tickets: BTreeMap<u64, Ticket>,
    next: u64,
    limit: usize,
}

impl Outbox {
    pub(super) fn new(limit: usize) -> Self {
        Self { waiting: BTreeMap::new(), tickets: BTreeMap::new(), next: 0, limit }
    }

    /// How many messages wait for their turn.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// The number of the new write.
    ///
    /// # Errors
    /// Too many wait already; the bytes come back, and so does the waker.
    pub(super) fn push(&mut self, bytes: Vec<u8>, again: bool, waker: Waker) -> Result<u64, (Unsent, Waker)> {
        if self.waiting.len() >= self.limit {
            return Err((Unsent::new(bytes, 0, UnsentReason::QueueFull { limit: self.limit }), waker));
        }
        let number = self.next;
        self.next += 1;
        self.waiting.insert(number, Message { number, bytes, again });
        self.tickets.insert(number, Ticket::Waiting(waker));
        Ok(number)
    }

    /// The next to be written.
    pub(super) fn take(&mut self) -> Option<Message> {
        self.waiting.pop_first().map(|(_, message)| message)
    }

    /// A message that is to be sent again has its old turn. It comes back if nobody waits for it any more.
    pub(super) fn put_back(&mut self, message: Message) -> Result<(), Message> {
        if !self.tickets.contains_key(&message.number) {
            return Err(message);
        }
        self.waiting.insert(message.number, message);
        Ok(())
    }

    /// The result of a write that is over, else waits for it. Returns what is to be dropped after the lock, too.
    pub(super) fn poll(&mut self, number: u64, waker: Waker) -> (Option<Result<(), Unsent>>, Option<Waker>) {
        match self.tickets.remove(&number) {
            Some(Ticket::Over(result)) => (Some(result), Some(waker)),
            Some(Ticket::Waiting(old)) => {
                self.tickets.insert(number, Ticket::Waiting(waker));
                (None, Some(old))
            }
            None => (None, Some(waker)),
        }
    }

    /// A write is over. Returns whom to wake.
    ///
    /// # Errors
    /// The result, if nobody waits for it: to be dropped after the lock.
    pub(super) fn settle(&mut self, number: u64, result: Result<(), Unsent>) -> Result<Waker, Result<(), Unsent>> {
        match self.tickets.get_mut(&number) {
            Some(ticket @ Ticket::Waiting(_)) => match std::mem::replace(ticket, Ticket::Over(result)) {
                Ticket::Waiting(waker) => Ok(waker),
                Ticket::Over(_) => unreachable!("it was waiting"),
            },
            _ => Err(result),
        }
    }

    /// A future goes. Returns what is to be dropped after the lock.
    pub(super) fn leave(&mut self, number: u64) -> impl Sized + use<> {
        (self.waiting.remove(&number), self.tickets.remove(&number))
    }

    /// The stream is closed: all that have not begun are over.
    pub(super) fn refuse_all(&mut self, reason: &UnsentReason, woken: &mut Vec<Waker>) {
        while let Some(message) = self.take() {
            let unsent = Unsent::new(message.bytes, 0, reason.clone());
            // A message that stands here has somebody who waits for it.
            woken.extend(self.settle(message.number, Err(unsent)).ok());
        }
    }
}
