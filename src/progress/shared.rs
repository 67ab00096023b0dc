//! A reporter with several producers, of which one writes at a time.

use super::observer::Notifier;
use super::ring::{Producer, Ring};
use super::send::{Port, Refused};
use super::{Reporter, SendError, Sending, TrySendError};
use crate::sync::{ModelArc, Mutex};
use std::fmt;

/// A [`Reporter`] for the threads or futures of one task.
///
/// Each call takes a mutex briefly, and never holds it while it waits or runs user code. Values of one clone arrive in
/// order. Values of different clones arrive in the order in which they got the mutex. [`Reporter::shared`] creates one.
///
/// # Example
/// ```
/// fn fan_out(reporter: offtick::Reporter<usize>) {
///     let reporter = reporter.shared();
///     std::thread::scope(|scope| {
///         for part in 0..2 {
///             let reporter = reporter.clone();
///             scope.spawn(move || reporter.report(part));
///         }
///     });
/// }
/// ```
pub struct SharedReporter<P> {
    shared: ModelArc<Shared<P>>,
}

struct Shared<P> {
    /// Waiting senders access it without the mutex.
    ring: ModelArc<Ring<P>>,
    producer: Mutex<Producer<P>>,
    notifier: Notifier,
}

impl<P> SharedReporter<P> {
    pub(super) fn new(reporter: Reporter<P>) -> Self {
        let (producer, notifier) = reporter.into_parts();
        let ring = producer.share_ring();
        Self { shared: ModelArc::new(Shared { ring, producer: Mutex::new(producer), notifier }) }
    }

    /// Adds a value immediately; see [`Reporter::report`].
    #[inline(never)]
    pub fn report(&self, value: P) {
        // As in `Reporter::report`.
        if self.ring().is_reader_gone() {
            return;
        }
        let displaced = self.shared.producer.lock().report(value);
        displaced.discard();
        self.shared.notifier.reported();
    }

    /// Adds a value if there is room for it; see [`Reporter::try_send`].
    ///
    /// # Errors
    /// [`TrySendError::Full`] and [`TrySendError::ReaderGone`]; both give the value back.
    #[inline(never)]
    pub fn try_send(&self, value: P) -> Result<(), TrySendError<P>> {
        let pushed = self.shared.producer.lock().try_push(value);
        pushed?;
        self.shared.notifier.reported();
        Ok(())
    }

    /// Adds a value as soon as there is room for it; see [`Reporter::send`].
    ///
    /// Waiting clones are not served in the order of their calls.
    ///
    /// # Errors
    /// The future ends with a [`SendError`], which has the value, if the task is cancelled or no reader is left.
    pub fn send(&self, value: P) -> Sending<'_, P> {
        Sending::new(Port::Shared(self), value)
    }

    /// Adds a value, and blocks the thread until there is room.
    ///
    /// See [`Reporter::send_blocking`].
    ///
    /// # Errors
    /// A [`SendError`], which has the value, if the task is cancelled or no reader is left.
    pub fn send_blocking(&self, value: P) -> Result<(), SendError<P>> {
        self.send(value).block()
    }

    pub(super) fn notifier(&self) -> &Notifier {
        &self.shared.notifier
    }

    pub(super) fn ring(&self) -> &Ring<P> {
        &self.shared.ring
    }

    pub(super) fn attempt(&self, value: P) -> Result<(), Refused<P>> {
        if self.shared.notifier.is_cancelled() {
            return Err(Refused::Cancelled(value));
        }
        Ok(self.try_send(value)?)
    }
}

impl<P> Clone for SharedReporter<P> {
    fn clone(&self) -> Self {
        Self { shared: ModelArc::clone(&self.shared) }
    }
}

impl<P> fmt::Debug for SharedReporter<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SharedReporter").field(self.ring()).finish()
    }
}
