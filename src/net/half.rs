//! The two directions of a stream, borrowed.

use super::io::Io;
use super::stream::{ByteStream, read_methods, shut_methods, write_methods};

/// The reading direction of a stream, borrowed; made by [`TcpStream::split`](super::TcpStream::split).
///
/// # Example
/// ```
/// use offtick::net::{ReadHalf, TcpListener, TcpStream};
/// use std::net::Ipv4Addr;
///
/// // Can do nothing but read.
/// async fn to_the_end(stream: ReadHalf<'_, TcpStream>) -> std::io::Result<usize> {
///     let (mut buffer, mut total) = ([0; 64], 0);
///     loop {
///         match stream.read(&mut buffer).await? {
///             0 => return Ok(total),
///             n => total += n,
///         }
///     }
/// }
///
/// let rt = offtick::Runtime::new()?;
/// let mut heard = rt.run(async {
///     let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
///     let mut client = TcpStream::connect(listener.local_addr()?).await?;
///     let (mut server, _peer) = listener.accept().await?;
///     let (_, writing) = client.split();
///     writing.write_all(b"all there is").await?;
///     writing.shutdown()?;
///     to_the_end(server.split().0).await
/// });
/// assert_eq!(heard.wait()?, 12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ReadHalf<'a, T> {
    stream: &'a T,
}

/// The writing direction of a stream, borrowed; made by [`TcpStream::split`](super::TcpStream::split).
///
/// Dropping it leaves the stream as it is.
///
/// # Example
/// See [`ReadHalf`].
#[derive(Debug)]
pub struct WriteHalf<'a, T> {
    stream: &'a T,
}

pub(super) fn split<T>(stream: &mut T) -> (ReadHalf<'_, T>, WriteHalf<'_, T>) {
    (ReadHalf { stream }, WriteHalf { stream })
}

impl<T: ByteStream> ReadHalf<'_, T> {
    read_methods!();

    pub(super) fn watched(&self) -> &Io<T::Source> {
        self.stream.watched()
    }
}

impl<T: ByteStream> WriteHalf<'_, T> {
    write_methods!();
    shut_methods!();

    pub(super) fn watched(&self) -> &Io<T::Source> {
        self.stream.watched()
    }
}

/// The whole stream, for its addresses and options.
impl<T> AsRef<T> for ReadHalf<'_, T> {
    fn as_ref(&self) -> &T {
        self.stream
    }
}

/// The whole stream, for its addresses and options.
impl<T> AsRef<T> for WriteHalf<'_, T> {
    fn as_ref(&self) -> &T {
        self.stream
    }
}
