//! The two directions of a stream, each with an owner of its own.

use super::io::Io;
use super::stream::{ByteStream, read_methods, shut_methods, write_methods};
use crate::sync::Arc;
use std::fmt;

/// The reading direction of a stream, to be moved to a task of its own; made by
/// [`TcpStream::into_split`](super::TcpStream::into_split).
///
/// Dropping it leaves the other half as it is; the socket is closed when both are gone.
///
/// # Example
/// ```
/// use offtick::net::{TcpListener, TcpStream};
/// use std::net::Ipv4Addr;
/// let rt = offtick::Runtime::new()?;
/// let handle = rt.handle().clone();
/// let mut echoed = rt.run(async move {
///     let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
///     let (reading, writing) = TcpStream::connect(listener.local_addr()?).await?.into_split();
///     let (server, _peer) = listener.accept().await?;
///     // One task writes while this one reads; the end of its half is the end of what the server reads.
///     let wrote = handle.run(async move { writing.write_all(b"one way").await });
///     let mut text = [0; 16];
///     while let n @ 1.. = server.read(&mut text).await? {
///         server.write_all(&text[..n]).await?;
///     }
///     drop(server);
///     let mut text = [0; 7];
///     reading.read_exact(&mut text).await?;
///     wrote.await.map_err(std::io::Error::other)?;
///     Ok::<_, std::io::Error>(text)
/// });
/// assert_eq!(&echoed.wait()?, b"one way");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct OwnedReadHalf<T> {
    stream: Arc<T>,
}

/// The writing direction of a stream, to be moved to a task of its own; made by
/// [`TcpStream::into_split`](super::TcpStream::into_split).
///
/// Dropping it shuts this direction: the peer reads what was written, then the end. [`forget`](Self::forget) leaves it
/// open.
///
/// # Example
/// See [`OwnedReadHalf`].
#[derive(Debug)]
pub struct OwnedWriteHalf<T: ByteStream> {
    stream: Arc<T>,
    shut_on_drop: bool,
}

/// The two halves come from two streams; here they are.
#[derive(thiserror::Error)]
#[error("the halves belong to two different streams")]
pub struct ReuniteError<T: ByteStream>(pub OwnedReadHalf<T>, pub OwnedWriteHalf<T>);

pub(super) fn into_split<T: ByteStream>(stream: T) -> (OwnedReadHalf<T>, OwnedWriteHalf<T>) {
    let stream = Arc::new(stream);
    (OwnedReadHalf { stream: Arc::clone(&stream) }, OwnedWriteHalf { stream, shut_on_drop: true })
}

fn reunite<T: ByteStream>(read: OwnedReadHalf<T>, write: OwnedWriteHalf<T>) -> Result<T, ReuniteError<T>> {
    if !Arc::ptr_eq(&read.stream, &write.stream) {
        return Err(ReuniteError(read, write));
    }
    write.forget();
    Ok(Arc::into_inner(read.stream).expect("a stream has two halves, and both were given"))
}

impl<T: ByteStream> OwnedReadHalf<T> {
    read_methods!();

    /// The stream of which both are the halves. Nothing is shut.
    ///
    /// # Errors
    /// [`ReuniteError`], which gives both back, if they are of two streams.
    pub fn reunite(self, write: OwnedWriteHalf<T>) -> Result<T, ReuniteError<T>> {
        reunite(self, write)
    }

    pub(super) fn watched(&self) -> &Io<T::Source> {
        self.stream.watched()
    }
}

impl<T: ByteStream> OwnedWriteHalf<T> {
    write_methods!();
    shut_methods!();

    /// Drops this half and leaves its direction open until the other half is dropped.
    pub fn forget(mut self) {
        self.shut_on_drop = false;
    }

    /// The stream of which both are the halves. Nothing is shut.
    ///
    /// # Errors
    /// [`ReuniteError`], which gives both back, if they are of two streams.
    pub fn reunite(self, read: OwnedReadHalf<T>) -> Result<T, ReuniteError<T>> {
        reunite(read, self)
    }

    pub(super) fn watched(&self) -> &Io<T::Source> {
        self.stream.watched()
    }
}

impl<T: ByteStream> Drop for OwnedWriteHalf<T> {
    fn drop(&mut self) {
        if self.shut_on_drop {
            // It fails if the peer has reset the connection: then there is nothing to shut.
            let _shut = self.shutdown();
        }
    }
}

/// The whole stream, for its addresses and options.
impl<T> AsRef<T> for OwnedReadHalf<T> {
    fn as_ref(&self) -> &T {
        &self.stream
    }
}

/// The whole stream, for its addresses and options.
impl<T: ByteStream> AsRef<T> for OwnedWriteHalf<T> {
    fn as_ref(&self) -> &T {
        &self.stream
    }
}

impl<T: ByteStream> fmt::Debug for ReuniteError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReuniteError").finish_non_exhaustive()
    }
}
