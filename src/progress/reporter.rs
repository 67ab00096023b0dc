//! The producer of a progress channel.

use super::observer::Notifier;
use super::ring::{Producer, PushError, Ring};
use super::send::{Port, Refused};
use super::{SendError, Sending, SharedReporter, TrySendError};
use std::fmt;

/// The writing side of a task's progress.
///
/// There is one reporter per task, with two methods. [`report`](Self::report) never waits and suits values that a user
/// watches. When the ring is full because nothing read it, the oldest value is dropped and counted.
/// [`send`](Self::send) waits for room and suits data that must arrive. A `report` drops sent values too: use one
/// method per ring where that matters.
///
/// Values arrive in order. Values written before the task finishes can be read afterwards.
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
    notifier: Notifier,
}

impl<P> Reporter<P> {
    pub(super) fn new(producer: Producer<P>, notifier: Notifier) -> Self {
        Self { producer, notifier }
    }

    pub(super) fn into_parts(self) -> (Producer<P>, Notifier) {
        (self.producer, self.notifier)
    }

    /// Adds a value immediately, whatever the reader does.
    ///
    /// When the ring is full, the oldest value is dropped and counted. A panic in its destructor is caught, and the
    /// task continues.
    #[inline]
    pub fn report(&mut self, value: P) {
        // No host can see the value, so the update flag stays down.
        if self.ring().is_reader_gone() {
            return;
        }
        self.producer.report(value).discard();
        self.notifier.reported();
    }

    /// Adds a value if there is room for it.
    ///
    /// # Errors
    /// [`TrySendError::Full`] and [`TrySendError::ReaderGone`]; both give the value back.
    #[inline]
    pub fn try_send(&mut self, value: P) -> Result<(), TrySendError<P>> {
        self.producer.try_push(value)?;
        self.notifier.reported();
        Ok(())
    }

    /// Adds a value as soon as there is room for it.
    ///
    /// Cancel safe: if the future is dropped before it ends, the value was not sent.
    ///
    /// # Errors
    /// The future ends with a [`SendError`], which has the value, if the task is cancelled or no reader is left.
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

    /// Adds a value, and blocks the thread until there is room for it.
    ///
    /// Use it in blocking closures. In a future it would block every other task of the thread: use [`send`](Self::send)
    /// there.
    ///
    /// # Errors
    /// A [`SendError`], which has the value, if the task is cancelled or no reader is left. Also if there is no room,
    /// and this thread ticks the task's [`LocalRuntime`](crate::LocalRuntime).
    pub fn send_blocking(&mut self, value: P) -> Result<(), SendError<P>> {
        self.send(value).block()
    }

    /// Converts into a reporter that can be cloned and shared.
    ///
    /// Several threads or futures can use it at once. Each call takes a mutex.
    pub fn shared(self) -> SharedReporter<P> {
        SharedReporter::new(self)
    }

    pub(super) fn notifier(&self) -> &Notifier {
        &self.notifier
    }

    pub(super) fn ring(&self) -> &Ring<P> {
        self.producer.ring()
    }

    pub(super) fn attempt(&mut self, value: P) -> Result<(), Refused<P>> {
        if self.notifier.is_cancelled() {
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
