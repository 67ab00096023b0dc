//! `AsyncRead` and `AsyncWrite` of the `futures-io` crate, on everything here that moves bytes.
//!
//! All of it reads and writes over a shared reference, so the traits stand on `T` and on `&T` alike: a library may be
//! given the stream, or a reference to it while another task writes.

use super::{ByteStream, Io, OwnedReadHalf, OwnedWriteHalf, ReadHalf, TcpStream, WriteHalf};
use futures_io::{AsyncRead, AsyncWrite};
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll};

/// `AsyncRead` by the `poll_` methods of a type.
macro_rules! async_read {
    ($([$($generics:tt)*] $type:ty $(where { $($bounds:tt)+ })?;)+) => {$(
        impl<$($generics)*> AsyncRead for $type $(where $($bounds)+)? {
            fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
                self.into_ref().get_ref().poll_read(cx, buffer)
            }

            fn poll_read_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buffers: &mut [IoSliceMut<'_>],
            ) -> Poll<io::Result<usize>> {
                self.into_ref().get_ref().poll_read_vectored(cx, buffers)
            }
        }
    )+};
}

/// `AsyncWrite` by the `poll_` methods of a type.
macro_rules! async_write {
    ($([$($generics:tt)*] $type:ty $(where { $($bounds:tt)+ })?;)+) => {$(
        impl<$($generics)*> AsyncWrite for $type $(where $($bounds)+)? {
            fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
                self.into_ref().get_ref().poll_write(cx, bytes)
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                slices: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                self.into_ref().get_ref().poll_write_vectored(cx, slices)
            }

            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.into_ref().get_ref().poll_flush(cx)
            }

            fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.into_ref().get_ref().poll_close(cx)
            }
        }
    )+};
}

async_read! {
    [] TcpStream;
    [] &TcpStream;
    [T: ByteStream] ReadHalf<'_, T>;
    [T: ByteStream] &ReadHalf<'_, T>;
    [T: ByteStream] OwnedReadHalf<T>;
    [T: ByteStream] &OwnedReadHalf<T>;
    [S] Io<S> where { for<'a> &'a S: Read };
    [S] &Io<S> where { for<'a> &'a S: Read };
}

async_write! {
    [] TcpStream;
    [] &TcpStream;
    [T: ByteStream] WriteHalf<'_, T>;
    [T: ByteStream] &WriteHalf<'_, T>;
    [T: ByteStream] OwnedWriteHalf<T>;
    [T: ByteStream] &OwnedWriteHalf<T>;
    [S] Io<S> where { for<'a> &'a S: Write };
    [S] &Io<S> where { for<'a> &'a S: Write };
}

/// Nothing is known of the source but that it reads.
impl<S> Io<S>
where
    for<'a> &'a S: Read,
{
    fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.poll_read_with(cx, |mut source| source.read(buffer))
    }

    fn poll_read_vectored(&self, cx: &mut Context<'_>, buffers: &mut [IoSliceMut<'_>]) -> Poll<io::Result<usize>> {
        self.poll_read_with(cx, |mut source| source.read_vectored(buffers))
    }
}

/// Nothing is known of the source but that it writes: it is closed by dropping it.
impl<S> Io<S>
where
    for<'a> &'a S: Write,
{
    fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_with(cx, |mut source| source.write(bytes))
    }

    fn poll_write_vectored(&self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.poll_write_with(cx, |mut source| source.write_vectored(slices))
    }

    fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_write_with(cx, |mut source| source.flush())
    }

    fn poll_close(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

/// The end of writing.
trait Shut {
    fn shut(&self) -> io::Result<()>;

    /// Nothing is kept back: what is written is the system's.
    fn poll_flush(&self, _: &Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(&self, _: &Context<'_>) -> Poll<io::Result<()>> {
        match self.shut() {
            // The peer has reset the connection: it is closed as far as it can be.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Poll::Ready(Ok(())),
            done => Poll::Ready(done),
        }
    }
}

impl Shut for TcpStream {
    fn shut(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

impl<T: ByteStream> Shut for WriteHalf<'_, T> {
    fn shut(&self) -> io::Result<()> {
        self.shutdown()
    }
}

impl<T: ByteStream> Shut for OwnedWriteHalf<T> {
    fn shut(&self) -> io::Result<()> {
        self.shutdown()
    }
}

#[cfg(unix)]
mod unix {
    use super::super::UnixStream;
    use super::{AsyncRead, AsyncWrite, Context, IoSlice, IoSliceMut, Pin, Poll, Shut, Shutdown, io};

    async_read! {
        [] UnixStream;
        [] &UnixStream;
    }

    async_write! {
        [] UnixStream;
        [] &UnixStream;
    }

    impl Shut for UnixStream {
        fn shut(&self) -> io::Result<()> {
            self.shutdown(Shutdown::Write)
        }
    }
}
