//! Typed progress from a task to whoever polls its handle: a bounded, lock-free, first-in first-out channel.
//!
//! One [`Reporter`] writes (a [`SharedReporter`] puts several behind a mutex), one [`Reader`] is drained, by any thread
//! that has a reference to it. Two verbs differ in what happens when the ring is full: `report` throws the oldest value
//! away and counts it, `send` waits for room. The side that polls never waits, never allocates and never makes a
//! syscall; with nothing to read it costs two loads.
//!
//! # Storage
//! `capacity + 1` slots: the last one is spare, for the one case in which `report` can neither find room nor make it
//! (rule R4). Two words (see [`word`]) say what the slots hold:
//!
//! ```text
//!            head word: index | LOCK WAITING READER_GONE       tail word: index | OFFERED
//!                 v                                                 v
//!   ... empty ... [oldest] [ ... published values ... ] [newest]    [offered?]  ... empty ...
//! ```
//!
//! # Rules
//! - **R1** The slots from head to tail hold values, and the one at the tail if it is OFFERED; no other slot does.
//! - **R2** Only the producer fills slots, at the tail, and only where a head it has loaded with Acquire leaves room.
//! - **R3** Who holds LOCK, and nobody else, moves values out, from the head up to a tail it loaded after it took LOCK,
//!   and then moves the head. LOCK is only ever *tried*: a consumer that fails yields nothing this time, a producer
//!   that fails uses the spare slot. So nobody waits for a holder, however long user code keeps a [`Drain`] alive.
//!   A peek holds LOCK as well: it looks at the newest value and leaves the head where it is, but for an offer (R4).
//! - **R4** A producer that finds the ring full and LOCK taken puts its value into the spare slot and *offers* it: the
//!   tail word gets OFFERED, which counts as visible. From there the tail word changes in exactly four ways,
//!   all of them read-modify-writes:
//!   1. a consumer that holds LOCK and finds less than `capacity` values before it takes it (CAS to `tail + 1`);
//!   2. the producer finds room and publishes it (swap to `tail + 1`, harmless if 1 came first);
//!   3. the producer has a newer value and LOCK is still taken: it retracts the offer (CAS, which fails if 1 came
//!      first), replaces the value, and offers again; the older of the two counts as dropped;
//!   4. the producer takes LOCK to throw the oldest values away, and publishes it first.
//!
//!   A peek that finds an offer behind a full ring moves the oldest value out and the head past it, and only then
//!   takes the offer (as in 1): so the newest value is seen although nobody drains.
//! - **R5** A producer that is dropped publishes what it offers even beyond the capacity. Its last value is never lost,
//!   and whoever sees the end of the task sees all of its progress.
//! - **R6** Wakers, user destructors and the [`Host`] are never called between taking and giving back a mutex. Their
//!   panics stop here. (A drain runs user code while it holds LOCK, which R3 makes harmless.)
//! - **R7** A thread that drains while a batch of its own holds LOCK (it was forgotten, or drains are nested) takes LOCK over,
//!   where that batch stopped; the older one yields nothing more. A batch stays on its thread, so the order of the thread
//!   is all that this needs.
//!
//! # Why one word for the head, its lock and its waiters
//! A sender that waits raises WAITING with a read-modify-write on the same word on which the consumer publishes room,
//! also by read-modify-write. Whichever comes second sees the other: no fence, no lost wake. The end of the reader and
//! the cancellation of the sender go over the same word.

mod host;
mod reader;
mod reporter;
mod ring;
mod send;
mod shared;
mod waiter;
mod word;

#[cfg(all(test, not(loom)))]
mod tests;

pub(crate) use host::Host;
pub use reader::Drain;
pub use reporter::Reporter;
pub use send::{SendError, SendErrorReason, Sending, TrySendError};
pub use shared::SharedReporter;

pub(crate) use reader::{OnLeftover, Reader};

use crate::sync::{Arc, ModelArc};
use host::Link;
use ring::{Producer, Ring};
use word::Geometry;

/// How many values a channel holds: at least 1, at most 2^28.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Capacity(usize);

impl Capacity {
    /// # Errors
    /// `Zero` and `TooLarge`. Whether there is memory for it is known only once a channel is made.
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

/// Why there is no channel of the capacity asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CapacityError {
    #[error("a progress capacity of 0 could hold nothing; give at least 1")]
    Zero,
    #[error("a progress capacity of {0} is too large; give at most 2^28")]
    TooLarge(usize),
    #[error("there is no memory for a progress capacity of {0}")]
    OutOfMemory(usize),
}

/// Makes a channel. Either side may be dropped first; the last one frees the storage and drops what was not read.
///
/// # Errors
/// `OutOfMemory`; nothing is allocated then.
pub(crate) fn channel<P>(
    capacity: Capacity,
    host: Option<Arc<dyn Host>>,
) -> Result<(Reporter<P>, Reader<P>), CapacityError> {
    let ring = ModelArc::new(Ring::new(capacity)?);
    Ok((Reporter::new(Producer::new(ModelArc::clone(&ring)), Link::new(host)), Reader::new(ring)))
}
