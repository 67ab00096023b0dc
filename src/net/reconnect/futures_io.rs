//! Streams of the `futures-io` ecosystem as connections.

use super::connection::Connection;
use futures_io::{AsyncRead, AsyncWrite};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A stream of the `futures-io` ecosystem as a [`Connection`]: TLS, WebSocket bytes, pipes of other crates.
///
/// A stream that is not `Unpin` goes in as `Box::pin(stream)`.
///
/// # Example
/// ```
/// use offtick::net::reconnect::{Connection, FuturesIo};
/// fn over<T>(stream: T) -> impl Connection
/// where
///     T: futures_io::AsyncRead + futures_io::AsyncWrite + Unpin + 'static,
/// {
///     FuturesIo(stream)
/// }
/// ```
#[derive(Debug)]
pub struct FuturesIo<T>(pub T);

impl<T: AsyncRead + AsyncWrite + Unpin + 'static> Connection for FuturesIo<T> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_close(cx)
    }
}
