//! Connections for hyper, and hyper's for others.

use super::scratch;
use futures_io::{AsyncRead, AsyncWrite};
use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A stream with the traits of the other side.
///
/// - Around a stream of [`futures_io`] it is one for hyper: around the sockets of [`offtick::net`], or around TLS over one.
/// - Around a stream of hyper's it is one of [`futures_io`]: around an upgraded connection
///   ([`Upgraded`](hyper::upgrade::Upgraded)), for a WebSocket library.
///
/// Ending it (hyper does it at the end of a connection) closes the stream's writing side. Its time limits are hyper's,
/// by [`HyperTimer`](super::HyperTimer).
///
/// # Example
/// See the [module](super).
#[derive(Debug)]
pub struct HyperStream<S> {
    stream: S,
    vectored: bool,
}

impl<S> HyperStream<S> {
    /// Head and body of a message are copied together and written as one piece: best for small messages, and for streams
    /// that can write only one piece at a time.
    pub fn new(stream: S) -> Self {
        Self { stream, vectored: false }
    }

    /// Head and pieces of a body are written as they lie, many in one call: saves a copy of large bodies. For streams
    /// whose vectored write takes more than the first piece, as that of a socket does.
    pub fn vectored(stream: S) -> Self {
        Self { stream, vectored: true }
    }

    /// The stream within.
    pub fn get_ref(&self) -> &S {
        &self.stream
    }

    /// The stream within.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    /// The stream within; nothing is kept back.
    pub fn into_inner(self) -> S {
        self.stream
    }
}

impl<S: AsyncRead + Unpin> Read for HyperStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut cursor: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        scratch::with(cursor.remaining(), |buffer| {
            let n = ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
            cursor.put_slice(&buffer[..n]);
            Poll::Ready(Ok(()))
        })
    }
}

impl<S: AsyncWrite + Unpin> Write for HyperStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.vectored
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }
}

impl<S: Read + Unpin> AsyncRead for HyperStream<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer.unfilled()))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }
}

impl<S: Write + Unpin> AsyncWrite for HyperStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
