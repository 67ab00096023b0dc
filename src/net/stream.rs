//! What the byte streams (TCP, Unix) have in common: reading and writing over a shared reference.

use super::io::{Did, Io};
use crate::reactor::{Direction, Place};
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::task::{Context, Poll};

/// A short read or write leaves nothing to move only where the system fills a buffer as far as it can. Unix sockets do
/// not, whose reads end where a descriptor was passed. TCP does, but for reads that end before a byte which the peer sent as
/// urgent: so it counts only where the system tells of urgent data, and the readiness of the source minds that.
pub(super) trait Stream {
    /// True if a read or write that moved less than was asked for would block when repeated.
    const SHORT_IS_ALL: bool;
}

impl Stream for mio::net::TcpStream {
    const SHORT_IS_ALL: bool = cfg!(any(target_os = "linux", target_os = "android"));
}

/// Every system takes as many slices in one call (POSIX). Of more it may leave some for the next call, so that only a call
/// that moved less than these hold is known to be short.
const SLICES: usize = 16;

/// What a call with these slices moves at least, unless it is short.
fn asked(lengths: impl Iterator<Item = usize>) -> usize {
    lengths.take(SLICES).sum()
}

fn did<S: Stream>(moved: usize, asked: usize) -> Did<usize> {
    // Zero is the end of the stream: it stays, and the system tells of it once.
    if S::SHORT_IS_ALL && moved > 0 && moved < asked { Did::All(moved) } else { Did::Some(moved) }
}

#[allow(private_bounds, reason = "so are the methods")]
impl<S: Stream> Io<S>
where
    for<'a> &'a S: Read + Write,
{
    pub(super) async fn recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let asked = buffer.len();
        self.operate(Direction::Read, |mut stream| stream.read(buffer).map(|n| did::<S>(n, asked))).await
    }

    pub(super) async fn recv_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let asked = asked(buffers.iter().map(|buffer| buffer.len()));
        self.operate(Direction::Read, |mut stream| stream.read_vectored(buffers).map(|n| did::<S>(n, asked))).await
    }

    pub(super) async fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.operate(Direction::Write, |mut stream| stream.write(bytes).map(|n| did::<S>(n, bytes.len()))).await
    }

    pub(super) async fn send_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let asked = asked(slices.iter().map(|slice| slice.len()));
        self.operate(Direction::Write, |mut stream| stream.write_vectored(slices).map(|n| did::<S>(n, asked))).await
    }

    pub(super) fn poll_recv(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let asked = buffer.len();
        let read = |mut stream: &S| stream.read(buffer).map(|n| did::<S>(n, asked));
        self.poll_operate(Direction::Read, cx, &mut Place::Slot, read)
    }

    pub(super) fn poll_send(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let write = |mut stream: &S| stream.write(bytes).map(|n| did::<S>(n, bytes.len()));
        self.poll_operate(Direction::Write, cx, &mut Place::Slot, write)
    }

    pub(super) fn try_recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let asked = buffer.len();
        self.try_operate(Direction::Read, |mut stream| stream.read(buffer).map(|n| did::<S>(n, asked)))
    }

    pub(super) fn try_send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.try_operate(Direction::Write, |mut stream| stream.write(bytes).map(|n| did::<S>(n, bytes.len())))
    }

    pub(super) async fn recv_exact(&self, mut buffer: &mut [u8]) -> io::Result<()> {
        while !buffer.is_empty() {
            match self.recv(buffer).await? {
                0 => {
                    return Err(io::Error::new(
                        io::ErrorKind::UnexpectedEof,
                        "the peer closed before the buffer was full",
                    ));
                }
                n => buffer = &mut buffer[n..],
            }
        }
        Ok(())
    }

    pub(super) async fn send_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.send(bytes).await? {
                0 => return Err(io::Error::new(io::ErrorKind::WriteZero, "the socket took no more bytes")),
                n => bytes = &bytes[n..],
            }
        }
        Ok(())
    }
}
