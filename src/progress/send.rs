//! Waiting for room: the future of `send`, its blocking counterpart, and their errors.

use super::ring::Ring;
use super::waiter::Ticket;
use super::{Reporter, SharedReporter};
use crate::park;
use crate::sync::HAS_THREADS;
use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

/// The reason why a value was not added immediately, with the value.
///
/// # Example
/// ```
/// fn offer(reporter: &mut offtick::Reporter<String>, line: String) -> Option<String> {
///     match reporter.try_send(line) {
///         Ok(()) => None,
///         Err(error) if error.is_full() => Some(error.into_inner()), // For the next round.
///         Err(_) => None,
///     }
/// }
/// ```
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum TrySendError<P> {
    /// There is no room. Try again when the reader has drained, or wait with `send`.
    #[error("the progress ring is full; try again later, or use `send` to wait for room")]
    Full(P),
    /// No reader is left.
    #[error("no reader is left for this progress; stop reporting")]
    ReaderGone(P),
}

impl<P> TrySendError<P> {
    /// Returns the value.
    pub fn into_inner(self) -> P {
        match self {
            Self::Full(value) | Self::ReaderGone(value) => value,
        }
    }

    /// Returns true if the ring was full.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full(_))
    }
}

impl<P> fmt::Debug for TrySendError<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::ReaderGone(_) => "ReaderGone(..)",
        })
    }
}

/// A value that could not be sent, with the reason.
///
/// # Example
/// ```
/// use offtick::{Reporter, SendErrorReason};
/// fn deliver(reporter: &mut Reporter<String>, row: String) -> Option<String> {
///     let error = reporter.send_blocking(row).err()?;
///     // Nobody reads here any more: perhaps somebody does elsewhere.
///     (error.reason == SendErrorReason::ReaderGone).then_some(error.value)
/// }
/// ```
#[derive(thiserror::Error)]
#[error("the progress value was not sent")]
#[non_exhaustive]
pub struct SendError<P> {
    /// The value that was not sent.
    pub value: P,
    /// The reason why the wait ended.
    #[source]
    pub reason: SendErrorReason,
}

impl<P> fmt::Debug for SendError<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendError").field("reason", &self.reason).finish_non_exhaustive()
    }
}

/// The reason why a `send` failed; see [`SendError`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendErrorReason {
    /// The task was cancelled.
    #[error("the task was cancelled")]
    Cancelled,
    /// No reader is left.
    #[error("no reader is left; stop reporting")]
    ReaderGone,
    /// There is no room, and this thread must not wait for it.
    ///
    /// It is the thread that ticks the task's [`LocalRuntime`](crate::LocalRuntime).
    #[error("the ring is full, and waiting here would block the runtime that this thread ticks; use `report`")]
    WouldDeadlock,
}

/// The reason why an attempt did not succeed.
pub(super) enum Refused<P> {
    Full(P),
    ReaderGone(P),
    Cancelled(P),
}

impl<P> From<TrySendError<P>> for Refused<P> {
    fn from(error: TrySendError<P>) -> Self {
        match error {
            TrySendError::Full(value) => Self::Full(value),
            TrySendError::ReaderGone(value) => Self::ReaderGone(value),
        }
    }
}

/// The reporter of a [`Sending`].
pub(super) enum Port<'a, P> {
    Own(&'a mut Reporter<P>),
    Shared(&'a SharedReporter<P>),
}

impl<P> Port<'_, P> {
    fn attempt(&mut self, value: P) -> Result<(), Refused<P>> {
        match self {
            Self::Own(reporter) => reporter.attempt(value),
            Self::Shared(reporter) => reporter.attempt(value),
        }
    }

    fn ring(&self) -> &Ring<P> {
        match self {
            Self::Own(reporter) => reporter.ring(),
            Self::Shared(reporter) => reporter.ring(),
        }
    }

    fn must_not_wait(&self) -> bool {
        let notifier = match self {
            Self::Own(reporter) => reporter.notifier(),
            Self::Shared(reporter) => reporter.notifier(),
        };
        notifier.must_not_wait()
    }
}

/// A future of [`Reporter::send`] and [`SharedReporter::send`]: waits for room and adds its value.
///
/// # Panics
/// If it is polled again after it ended.
#[must_use = "a value is sent only once this is awaited"]
pub struct Sending<'a, P> {
    port: Port<'a, P>,
    /// `None` once the future has ended.
    value: Option<P>,
    ticket: Option<Ticket>,
}

// The value is moved out of the future, never pinned in it.
impl<P> Unpin for Sending<'_, P> {}

impl<'a, P> Sending<'a, P> {
    pub(super) fn new(port: Port<'a, P>, value: P) -> Self {
        Self { port, value: Some(value), ticket: None }
    }

    /// Tries, registers, and tries again, so that room made in between is not missed.
    fn poll_with(&mut self, waker: &Waker) -> Poll<Result<(), SendError<P>>> {
        if let Poll::Ready(ended) = self.attempt() {
            return Poll::Ready(ended);
        }
        self.port.ring().announce(&mut self.ticket, waker);
        self.attempt()
    }

    fn attempt(&mut self) -> Poll<Result<(), SendError<P>>> {
        let value = self.value.take().expect("a send is not polled after it has ended");
        let ended = match self.port.attempt(value) {
            Ok(()) => Ok(()),
            Err(Refused::Full(value)) => {
                self.value = Some(value);
                return Poll::Pending;
            }
            Err(Refused::ReaderGone(value)) => Err(SendError { value, reason: SendErrorReason::ReaderGone }),
            Err(Refused::Cancelled(value)) => Err(SendError { value, reason: SendErrorReason::Cancelled }),
        };
        self.withdraw();
        Poll::Ready(ended)
    }

    /// Removes the waker from the ring.
    ///
    /// A waker left behind would keep its task allocated as long as the ring.
    fn withdraw(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.port.ring().withdraw(ticket);
        }
    }

    /// Drives the future on this thread, parking in between.
    pub(super) fn block(mut self) -> Result<(), SendError<P>> {
        if let Poll::Ready(ended) = self.attempt() {
            return ended;
        }
        if (!HAS_THREADS || self.port.must_not_wait())
            && let Some(value) = self.value.take()
        {
            return Err(SendError { value, reason: SendErrorReason::WouldDeadlock });
        }
        park::block_on(pin!(self), None).expect("without a time limit it ends with the send")
    }
}

impl<P> Future for Sending<'_, P> {
    type Output = Result<(), SendError<P>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.get_mut().poll_with(cx.waker())
    }
}

impl<P> Drop for Sending<'_, P> {
    fn drop(&mut self) {
        self.withdraw();
    }
}

impl<P> fmt::Debug for Sending<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending").field("ended", &self.value.is_none()).finish_non_exhaustive()
    }
}
