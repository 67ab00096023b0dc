//! A connection before it is handed out.

use super::connection::Connection;
use super::error::ReadError;
use super::shared::Shared;
use crate::net::inbox::{Found, Inbox};
use crate::sync::Arc;
use std::fmt;
use std::future::poll_fn;
use std::io;

/// A new connection in the hands of the [handshake](super::ReconnectBuilder::handshake): reads and writes here go over
/// this connection alone, and fail with it.
///
/// What the reads of this type leave over is read from the stream later.
pub struct Fresh<S> {
    connection: S,
    number: u64,
    attempt: u32,
    over: Inbox,
    shared: Arc<Shared>,
}

impl<S> Fresh<S> {
    pub(super) fn new(connection: S, number: u64, attempt: u32, read_limit: usize, shared: Arc<Shared>) -> Self {
        Self { connection, number, attempt, over: Inbox::new(read_limit), shared }
    }

    /// The connection, and what was read from it and not taken.
    pub(super) fn into_parts(mut self) -> (S, Vec<u8>) {
        let left = self.over.take(self.over.len());
        (self.connection, left)
    }

    /// The connection itself. Bytes that are read from it directly are gone for the stream.
    pub fn connection(&mut self) -> &mut S {
        &mut self.connection
    }

    /// Which connection this is, from 1: those whose handshake failed are not counted. Above 1 something was lost before:
    /// time to resume rather than to begin.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Which try this is, from 1 since the last connection that held.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Takes out what the stream has received from earlier connections after the last `delimiter`: the part of a line whose
    /// end will not come, in a protocol in which a new connection does not go on in the middle of it.
    ///
    /// Nothing, if nothing is left over. It is taken also if this handshake fails later.
    pub fn take_partial(&mut self, delimiter: u8) -> Vec<u8> {
        self.shared.take_partial(delimiter)
    }
}

impl<S: Connection> Fresh<S> {
    /// Writes all, and flushes.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match poll_fn(|cx| self.connection.poll_write(cx, bytes)).await? {
                0 => return Err(no_room()),
                n => bytes = &bytes[n.min(bytes.len())..],
            }
        }
        poll_fn(|cx| self.connection.poll_flush(cx)).await
    }

    /// Reads up to a delimiter, which is included.
    ///
    /// # Errors
    /// Those of the connection; `UnexpectedEof` if the peer ends it before; `InvalidData` if it does not come within
    /// [`read_limit`](super::ReconnectBuilder::read_limit).
    pub async fn read_until(&mut self, delimiter: u8) -> io::Result<Vec<u8>> {
        let mut searched = 0;
        loop {
            match self.over.find(delimiter, &mut searched) {
                Found::Within(n) => return Ok(self.over.take(n)),
                Found::Full => {
                    let error = ReadError::TooLong { limit: self.over.limit() };
                    return Err(io::Error::new(io::ErrorKind::InvalidData, error));
                }
                Found::NotYet => {}
            }
            let Self { connection, over, .. } = self;
            if poll_fn(|cx| over.receive(CHUNK, |room| connection.poll_read(cx, room))).await? == 0 {
                return Err(ended());
            }
        }
    }

    /// Reads a line, its end included.
    ///
    /// # Errors
    /// Those of [`read_until`](Self::read_until); `InvalidData` for one that is not UTF-8.
    pub async fn read_line(&mut self) -> io::Result<String> {
        let line = self.read_until(b'\n').await?;
        String::from_utf8(line).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }
}

/// The most bytes that are read at once.
pub(super) const CHUNK: usize = 16 * 1024;

pub(super) fn ended() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the peer ended the connection")
}

pub(super) fn no_room() -> io::Error {
    io::Error::new(io::ErrorKind::WriteZero, "the connection took no more bytes")
}

impl<S> fmt::Debug for Fresh<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fresh").field("number", &self.number).field("attempt", &self.attempt).finish_non_exhaustive()
    }
}
