//! Several producers on one ring, one at a time.

use super::host::Link;
use super::ring::{Producer, Ring};
use super::send::{Port, Refused};
use super::{Reporter, SendError, Sending, TrySendError};
use crate::sync::{ModelArc, Mutex};
use std::fmt;

/// A [`Reporter`] for several producers: the threads or futures that one task fans out to.
///
/// Each call takes a mutex for a moment, and never while it waits or runs your code. Values of one clone arrive in
/// order; those of different clones in the order in which they got the mutex. Made by [`Reporter::shared`].
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
    /// Reached without the mutex by senders that wait.
    ring: ModelArc<Ring<P>>,
    producer: Mutex<Producer<P>>,
    host: Link,
}

impl<P> SharedReporter<P> {
    pub(super) fn new(reporter: Reporter<P>) -> Self {
        let (producer, host) = reporter.into_parts();
        let ring = producer.share_ring();
        Self { shared: ModelArc::new(Shared { ring, producer: Mutex::new(producer), host }) }
    }

    /// Adds a value at once; see [`Reporter::report`].
    #[inline(never)]
    pub fn report(&self, value: P) {
        // As in `Reporter::report`.
        if self.ring().is_reader_gone() {
            return;
        }
        let displaced = self.shared.producer.lock().report(value);
        displaced.discard();
        self.shared.host.reported();
    }

    /// Adds a value if there is room for it; see [`Reporter::try_send`].
    ///
    /// # Errors
    /// [`TrySendError::Full`] and [`TrySendError::ReaderGone`]; both give the value back.
    #[inline(never)]
    pub fn try_send(&self, value: P) -> Result<(), TrySendError<P>> {
        let pushed = self.shared.producer.lock().try_push(value);
        pushed?;
        self.shared.host.reported();
        Ok(())
    }

    /// Adds a value as soon as there is room for it; see [`Reporter::send`]. Clones that wait are not served in the
    /// order in which they came.
    ///
    /// # Errors
    /// The future ends with a [`SendError`] that gives the value back, if the task is cancelled or nobody is left who
    /// could read it.
    pub fn send(&self, value: P) -> Sending<'_, P> {
        Sending::new(Port::Shared(self), value)
    }

    /// Adds a value, and blocks the thread until there is room for it; see [`Reporter::send_blocking`].
    ///
    /// # Errors
    /// A [`SendError`] that gives the value back, if the task is cancelled or nobody is left who could read it.
    pub fn send_blocking(&self, value: P) -> Result<(), SendError<P>> {
        self.send(value).block()
    }

    pub(super) fn host(&self) -> &Link {
        &self.shared.host
    }

    pub(super) fn ring(&self) -> &Ring<P> {
        &self.shared.ring
    }

    pub(super) fn attempt(&self, value: P) -> Result<(), Refused<P>> {
        if self.shared.host.is_cancelled() {
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
