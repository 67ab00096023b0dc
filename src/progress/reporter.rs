//! The producer's front.

use super::host::Link;
use super::ring::{Producer, PushError, Ring};
use super::send::{Port, Refused};
use super::{SendError, Sending, SharedReporter, TrySendError};
use std::fmt;

/// The side of a task that tells how far it has come.
///
/// There is one per task, with two verbs. [`report`](Self::report) never waits and is right for what a user looks at:
/// when nobody has read for so long that the ring is full, the oldest value makes room, and is counted. A
/// [`send`](Self::send) waits for room and is right for data that must arrive. (A `report` makes no difference between
/// values that were reported and values that were sent: use one verb on a ring where that matters.)
///
/// Values arrive in order. What was written before the task ends can be read after its end.
///
/// # Example
/// ```
/// fn work(reporter: &mut offtick::Reporter<u8>) {
///     for percent in 0..=100 {
///         reporter.report(percent);
///     }
/// }
/// ```
pub struct Reporter<P> {
    producer: Producer<P>,
    host: Link,
}

impl<P> Reporter<P> {
    pub(super) fn new(producer: Producer<P>, host: Link) -> Self {
        Self { producer, host }
    }

    pub(super) fn into_parts(self) -> (Producer<P>, Link) {
        (self.producer, self.host)
    }

    /// Adds a value at once, whatever the reader does. When the ring is full the oldest value is dropped and counted.
    ///
    /// A destructor that panics does so unseen: the task goes on.
    #[inline]
    pub fn report(&mut self, value: P) {
        // No host can see the value, so the update flag stays down.
        if self.ring().is_reader_gone() {
            return;
        }
        self.producer.report(value).discard();
        self.host.reported();
    }

    /// Adds a value if there is room for it.
    ///
    /// # Errors
    /// [`TrySendError::Full`] and [`TrySendError::ReaderGone`]; both give the value back.
    #[inline]
    pub fn try_send(&mut self, value: P) -> Result<(), TrySendError<P>> {
        self.producer.try_push(value)?;
        self.host.reported();
        Ok(())
    }

    /// Adds a value as soon as there is room for it. The future may be dropped at any time: then the value was not
    /// sent, and nothing else happened.
    ///
    /// # Errors
    /// The future ends with a [`SendError`] that gives the value back, if the task is cancelled or nobody is left who
    /// could read it.
    ///
    /// # Example
    /// ```
    /// async fn export(reporter: &mut offtick::Reporter<String>) -> Result<(), offtick::SendError<String>> {
    ///     for line in ["one", "two"] {
    ///         reporter.send(line.to_owned()).await?;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub fn send(&mut self, value: P) -> Sending<'_, P> {
        Sending::new(Port::Own(self), value)
    }

    /// Adds a value, and blocks the thread until there is room for it. For blocking closures; in a future it would stop
    /// every other task of the thread, so [`send`](Self::send) there.
    ///
    /// # Errors
    /// A [`SendError`] that gives the value back, if the task is cancelled or nobody is left who could read it; and if there
    /// is no room on the thread that ticks the task's [`LocalRuntime`](crate::LocalRuntime).
    pub fn send_blocking(&mut self, value: P) -> Result<(), SendError<P>> {
        self.send(value).block()
    }

    /// Makes it a reporter that can be cloned and used from several threads or futures at once, at the price of a mutex
    /// around each call.
    pub fn shared(self) -> SharedReporter<P> {
        SharedReporter::new(self)
    }

    pub(super) fn host(&self) -> &Link {
        &self.host
    }

    pub(super) fn ring(&self) -> &Ring<P> {
        self.producer.ring()
    }

    pub(super) fn attempt(&mut self, value: P) -> Result<(), Refused<P>> {
        if self.host.is_cancelled() {
            return Err(Refused::Cancelled(value));
        }
        Ok(self.try_send(value)?)
    }
}

impl<P> From<PushError<P>> for TrySendError<P> {
    fn from(error: PushError<P>) -> Self {
        match error {
            PushError::Full(value) => Self::Full(value),
            PushError::ReaderGone(value) => Self::ReaderGone(value),
        }
    }
}

impl<P> fmt::Debug for Reporter<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reporter").field(self.ring()).finish()
    }
}
