//! What a reconnecting stream goes over.

use crate::net::TcpStream;
use std::io;
use std::task::{Context, Poll};

/// One connection: bytes in both directions, until it is lost.
///
/// The streams of this crate (`TcpStream`, `UnixStream`) are connections, and with the feature `futures-io` every stream of that ecosystem is, inside a
/// `FuturesIo`. Implement it for others; the example is one that echoes.
///
/// Only one task ever uses a connection, on the thread of its runtime, so it need not be `Send`. An error of any of these
/// is a loss: the connection is dropped, after a failed write once nothing more can be read. A panic closes the stream.
///
/// # Example
/// ```
/// use offtick::net::Reconnecting;
/// use offtick::net::reconnect::Connection;
/// use std::collections::VecDeque;
/// use std::io;
/// use std::task::{Context, Poll, Waker};
///
/// #[derive(Default)]
/// struct Echo {
///     bytes: VecDeque<u8>,
///     reader: Option<Waker>,
/// }
///
/// impl Connection for Echo {
///     fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
///         if self.bytes.is_empty() {
///             self.reader = Some(cx.waker().clone());
///             return Poll::Pending;
///         }
///         Poll::Ready(io::Read::read(&mut self.bytes, buffer))
///     }
///
///     fn poll_write(&mut self, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
///         self.bytes.extend(bytes);
///         self.reader.take().map(Waker::wake);
///         Poll::Ready(Ok(bytes.len()))
///     }
/// }
///
/// let rt = offtick::Runtime::new()?;
/// let mut task = rt.run(async {
///     let echo = Reconnecting::open(async || Ok(Echo::default()))?;
///     echo.write_all("hello\n").await?;
///     Ok::<_, offtick::BoxError>(echo.read_line().await?)
/// });
/// assert_eq!(task.wait()?, "hello\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Connection: 'static {
    /// Reads what is there, at most a buffer full. Zero is the end: the peer sends no more.
    ///
    /// # Errors
    /// The connection is lost.
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>>;

    /// Takes as many bytes as there is room for, and says how many: at least one.
    ///
    /// # Errors
    /// The connection is lost.
    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>>;

    /// Passes on what a buffer of its own holds. Called after each write; a write succeeds when this does.
    ///
    /// # Errors
    /// The connection is lost.
    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Says good-bye, when the stream is closed on purpose. It has a second; then the connection is dropped all the same.
    ///
    /// # Errors
    /// They change nothing.
    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A stream of this crate, by methods that all of them have.
macro_rules! own_stream {
    ($stream:ty) => {
        impl crate::net::reconnect::Connection for $stream {
            fn poll_read(
                &mut self,
                cx: &mut std::task::Context<'_>,
                buffer: &mut [u8],
            ) -> std::task::Poll<std::io::Result<usize>> {
                <$stream>::poll_read(self, cx, buffer)
            }

            fn poll_write(
                &mut self,
                cx: &mut std::task::Context<'_>,
                bytes: &[u8],
            ) -> std::task::Poll<std::io::Result<usize>> {
                <$stream>::poll_write(self, cx, bytes)
            }

            fn poll_close(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<std::io::Result<()>> {
                std::task::Poll::Ready(self.shutdown(std::net::Shutdown::Write))
            }
        }
    };
}

own_stream!(TcpStream);

#[cfg_attr(not(unix), allow(unused_imports, reason = "for the streams of Unix"))]
pub(super) use own_stream;
