//! Where a stream stands, and why it is over.

use crate::error::{RetryError, write_causes};
use crate::sync::Arc;
use std::fmt;
use std::io;
use std::time::Duration;

/// Where a [`Reconnecting`](super::Reconnecting) stands; also the events that a program drains.
///
/// ```text
///                  +------------- the wait is over -------------+
///                  v                                            |
///   open ---> Connecting --- failed, worth another try ---> +--------+
///                  |                                        |  Lost  |
///                  +---> Connected ------ lost -----------> +--------+
///
///   any ---> Closed, when closed on purpose, given up, or ended; it never changes after
/// ```
/// `Lost` is always followed by `Connecting` or by `Closed`. When no further try is made `Closed` comes at once.
#[derive(Clone, Debug)]
pub enum State {
    /// A try is under way: the connector, then the handshake.
    #[non_exhaustive]
    Connecting {
        /// Counted from 1 since the last connection that held.
        attempt: u32,
    },
    /// There is a connection, handshake included.
    Connected,
    /// A connection was lost, or a try failed; the next try begins after the wait.
    #[non_exhaustive]
    Lost {
        /// What went wrong.
        error: Arc<io::Error>,
        /// Time from this event to the next try, on the clock of the runtime.
        wait: Duration,
    },
    /// Over for good.
    Closed(CloseReason),
}

impl State {
    /// True if there is a connection.
    pub fn is_connected(&self) -> bool {
        matches!(self, Self::Connected)
    }

    /// True if it is over for good.
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Closed(_))
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connecting { attempt } => write!(f, "connecting, attempt {attempt}"),
            Self::Connected => f.write_str("connected"),
            Self::Lost { error, wait } => write!(f, "lost: {error}; next attempt in {wait:?}"),
            Self::Closed(reason) => {
                write!(f, "closed: {reason}")?;
                write_causes(reason, f)
            }
        }
    }
}

/// Why a [`Reconnecting`](super::Reconnecting) is over.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CloseReason {
    /// By [`close`](super::Reconnecting::close), or by dropping it.
    #[error("closed by this program")]
    Requested,
    /// No further try is made, as the policy says. Tells how many tries there were, why there are no more, and the last
    /// error.
    #[error("gave up connecting")]
    GaveUp(#[source] Arc<RetryError<io::Error>>),
    /// The peer sends no more, and that was to be the end ([`AtEnd::Close`](super::AtEnd::Close)).
    #[error("the peer ended the stream")]
    Ended,
    /// The runtime that drives the stream was shut down.
    #[error("the runtime of the stream is gone")]
    RuntimeGone,
    /// The connector, the handshake, or the connection itself panicked.
    #[error("the code that connects or the connection panicked")]
    Panicked,
}
