//! A stream with several owners.

use super::io::Io;
use super::ready::sealed::Watched;
use super::stream::ByteStream;
use crate::sync::Arc;
use std::ops::Deref;

/// A stream with any number of owners, which may be cloned; made by [`TcpStream::into_shared`](super::TcpStream::into_shared).
///
/// It has the methods of the stream, which all work over a shared reference, and with the feature `futures-io` it is
/// `AsyncRead` and `AsyncWrite`, which an [`Arc`] of a stream cannot be. One task may read while another one writes. The
/// connection is closed with the last owner.
///
/// # Example
/// ```
/// use offtick::net::{TcpListener, TcpStream};
/// let rt = offtick::Runtime::new()?;
/// let handle = rt.handle().clone();
/// let mut task = rt.run(async move {
///     let listener = TcpListener::bind("127.0.0.1:0").await?;
///     let client = TcpStream::connect(listener.local_addr()?).await?.into_shared();
///     let (server, _peer) = listener.accept().await?;
///     let writer = client.clone();
///     handle.run(async move { writer.write_all(b"hello").await }).detach();
///     let mut text = [0; 5];
///     server.read_exact(&mut text).await?;
///     server.write_all(&text).await?;
///     client.read_exact(&mut text).await?;
///     Ok::<_, std::io::Error>(text)
/// });
/// assert_eq!(&task.wait()?, b"hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SharedStream<T> {
    stream: Arc<T>,
}

impl<T: ByteStream> SharedStream<T> {
    /// Shares a stream.
    pub fn new(stream: T) -> Self {
        Self { stream: Arc::new(stream) }
    }

    /// Returns the stream, if this is its only owner.
    ///
    /// # Errors
    /// Gives itself back if there is another owner.
    pub fn try_into_inner(self) -> Result<T, Self> {
        Arc::try_unwrap(self.stream).map_err(|stream| Self { stream })
    }
}

impl<T> Clone for SharedStream<T> {
    fn clone(&self) -> Self {
        Self { stream: Arc::clone(&self.stream) }
    }
}

impl<T> Deref for SharedStream<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.stream
    }
}

impl<T> AsRef<T> for SharedStream<T> {
    fn as_ref(&self) -> &T {
        &self.stream
    }
}

impl<T> From<Arc<T>> for SharedStream<T> {
    fn from(stream: Arc<T>) -> Self {
        Self { stream }
    }
}

impl<T> From<SharedStream<T>> for Arc<T> {
    fn from(shared: SharedStream<T>) -> Self {
        shared.stream
    }
}

impl<T: Watched> Watched for SharedStream<T> {
    type Source = T::Source;

    fn watched(&self) -> &Io<T::Source> {
        self.stream.watched()
    }
}

impl<T: super::ByteReader> super::buf_reader::sealed::Read for SharedStream<T> {
    fn poll_read(&self, cx: &mut std::task::Context<'_>, buffer: &mut [u8]) -> std::task::Poll<std::io::Result<usize>> {
        super::buf_reader::sealed::Read::poll_read(&*self.stream, cx, buffer)
    }
}
