//! A bounded, lock-free, first-in first-out channel for the progress of tasks.
//!
//! One [`Reporter`] writes; a [`SharedReporter`] puts several behind a mutex. One [`Reader`] is drained by any thread
//! that has a reference to it. The two write methods differ when the ring is full: `report` drops the oldest value and
//! counts it, `send` waits for room. The reading side never waits, never allocates and never makes a system call. With
//! nothing to read it costs two loads.
//!
//! # Storage
//! The ring has `capacity + 1` slots. The last one is spare, for the one case in which `report` can neither find nor
//! make room (rule R4). Two words (see [`word`]) define which slots hold values:
//!
//! ```text
//!            head word: index | LOCK WAITING                   tail word: index | OFFERED
//!                 v                                                 v
//!   ... empty ... [oldest] [ ... published values ... ] [newest]    [offered?]  ... empty ...
//! ```
//!
//! # Rules
//! - **R1** The slots from head to tail hold values, as does the slot at the tail if it is OFFERED. No other slot does.
//! - **R2** Only the producer fills slots, at the tail, and only where a head that it loaded with Acquire leaves room.
//! - **R3** Only the holder of LOCK moves values out: from the head up to a tail that it loaded after it took LOCK.
//!   Then it moves the head. LOCK is only ever *tried*: a consumer that fails yields nothing this time, and a producer
//!   that fails uses the spare slot. So no thread waits for a holder, however long user code keeps a [`Drain`]. A peek
//!   holds LOCK too: it reads the newest value and leaves the head where it is, except for an offer (R4).
//! - **R4** A producer that finds the ring full and LOCK taken puts its value into the spare slot and *offers* it: it
//!   sets OFFERED in the tail word, and the value counts as visible. From there the tail word changes in exactly four
//!   ways, all of them read-modify-writes:
//!   1. A consumer that holds LOCK finds fewer than `capacity` values before the offer, and takes it (CAS to
//!      `tail + 1`).
//!   2. The producer finds room and publishes the offer (swap to `tail + 1`, harmless if 1 came first).
//!   3. The producer has a newer value and LOCK is still taken. It retracts the offer (CAS, which fails if 1 came
//!      first), replaces the value, and offers again. The older of the two counts as dropped.
//!   4. The producer takes LOCK to drop the oldest values, and publishes the offer first.
//!
//!   A peek that finds an offer behind a full ring moves the oldest value out and the head past it. Then it takes the
//!   offer (as in 1), so that the newest value is seen even if nothing drains.
//! - **R5** A producer that is dropped publishes its offer even beyond the capacity. Its last value is never lost, and
//!   a thread that sees the task finished sees all of its progress.
//! - **R6** Wakers, user destructors and the [`ProgressObserver`] are never called under a mutex. Their panics are caught here. (A
//!   drain runs user code while it holds LOCK, which R3 makes harmless.)
//! - **R7** A drain takes LOCK over from an earlier batch of the same thread that still holds it (that batch was
//!   forgotten, or drains are nested). It begins where that batch stopped, and the earlier batch yields nothing more. A
//!   batch stays on its thread, so program order is the only order needed.
//!
//! # Why one word for the head, its lock and its waiters
//! A waiting sender raises WAITING by a read-modify-write on the word on which the consumer publishes room, also by a
//! read-modify-write. The later of the two sees the earlier: no fence, no lost wake-up. Closing the reader and
//! cancelling the sender use the same word.

mod observer;
mod reader;
mod reporter;
mod ring;
mod send;
mod shared;
mod waiter;
mod word;

#[cfg(all(test, not(loom)))]
mod tests;

pub(crate) use observer::ProgressObserver;
pub use reader::Drain;
pub use reporter::Reporter;
pub use send::{SendError, SendErrorReason, Sending, TrySendError};
pub use shared::SharedReporter;

pub(crate) use reader::{OnLeftover, Reader};

use crate::sync::{Arc, ModelArc};
use observer::Notifier;
use ring::{Producer, Ring};
use word::Geometry;

/// The capacity of a channel, in values: from 1 to 2^28.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Capacity(usize);

impl Capacity {
    /// Checks and wraps a capacity, in values.
    ///
    /// # Errors
    /// `Zero` and `TooLarge`. A lack of memory shows only when a channel is created.
    pub(crate) fn new(capacity: usize) -> Result<Self, CapacityError> {
        match capacity {
            0 => Err(CapacityError::Zero),
            1..=Geometry::MAX_CAPACITY => Ok(Self(capacity)),
            _ => Err(CapacityError::TooLarge(capacity)),
        }
    }

    pub(crate) fn get(self) -> usize {
        self.0
    }
}

/// The reason why a channel of the requested capacity does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CapacityError {
    #[error("a progress capacity of 0 holds no value; use at least 1")]
    Zero,
    #[error("a progress capacity of {0} is too large; use at most 2^28")]
    TooLarge(usize),
    #[error("a progress capacity of {0} does not fit into memory; use a smaller one")]
    OutOfMemory(usize),
}

/// Creates a channel.
///
/// Either side may be dropped first. The last one frees the storage and drops unread values.
///
/// # Errors
/// `OutOfMemory`; then nothing is allocated.
pub(crate) fn channel<P>(
    capacity: Capacity,
    observer: Option<Arc<dyn ProgressObserver>>,
) -> Result<(Reporter<P>, Reader<P>), CapacityError> {
    let ring = ModelArc::new(Ring::new(capacity)?);
    Ok((Reporter::new(Producer::new(ModelArc::clone(&ring)), Notifier::new(observer)), Reader::new(ring)))
}
