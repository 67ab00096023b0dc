//! What can go wrong with one call; what is lost for good is in [`CloseReason`].

use super::state::CloseReason;
use crate::sync::Arc;
use std::io;
use std::string::FromUtf8Error;

/// Why a read did not succeed. No byte is lost by it.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The stream is over for good.
    #[error("the stream is closed")]
    Closed(#[from] CloseReason),
    /// The delimiter is not within the bytes that the buffer holds, or more bytes were asked for than it may hold.
    ///
    /// The stream stays usable and the bytes stay where they are: take them by
    /// [`read`](super::Reconnecting::read), or this error comes again.
    #[error(
        "what was to be read is longer than the limit of {limit} bytes; take the bytes by `read`, or raise the limit"
    )]
    #[non_exhaustive]
    TooLong {
        /// [`read_limit`](super::ReconnectBuilder::read_limit).
        limit: usize,
    },
    /// A line is not UTF-8. It was taken, and is inside.
    #[error("a line is not UTF-8")]
    NotUtf8(#[from] FromUtf8Error),
}

/// A write that was not carried out to its end: how far it came, the rest of the bytes, and why.
///
/// *Handed over* means that the connection took the bytes. It does not mean that they arrived: what the connection, the
/// system or the network still held when it was lost is lost, and no stream can tell how much that was. A protocol that
/// must know needs answers from its peer.
#[derive(Debug, thiserror::Error)]
#[error("{handed} of {} bytes were handed to the connection", .bytes.len())]
pub struct Unsent {
    bytes: Vec<u8>,
    handed: usize,
    #[source]
    reason: UnsentReason,
}

/// Why bytes were not sent.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnsentReason {
    /// The connection was lost in the middle of them.
    #[error("the connection was lost")]
    Lost(#[source] Arc<io::Error>),
    /// The stream is over for good.
    #[error("the stream is closed")]
    Closed(#[source] CloseReason),
    /// Too many writes wait for their turn already; nothing was handed over.
    #[error("{limit} writes wait already")]
    #[non_exhaustive]
    QueueFull {
        /// [`write_queue`](super::ReconnectBuilder::write_queue).
        limit: usize,
    },
}

impl Unsent {
    pub(super) fn new(bytes: Vec<u8>, handed: usize, reason: UnsentReason) -> Self {
        Self { bytes, handed, reason }
    }

    /// How many bytes, from the first on, the connection took.
    pub fn handed_over(&self) -> usize {
        self.handed
    }

    /// The bytes that were not handed over.
    pub fn rest(&self) -> &[u8] {
        &self.bytes[self.handed..]
    }

    /// Moves out the bytes that were not handed over.
    pub fn into_rest(mut self) -> Vec<u8> {
        self.bytes.drain(..self.handed);
        self.bytes
    }

    /// Moves out all bytes of the write, also those that were handed over: to send a message once more, whole.
    pub fn into_all(self) -> Vec<u8> {
        self.bytes
    }

    /// Why.
    pub fn reason(&self) -> &UnsentReason {
        &self.reason
    }
}
