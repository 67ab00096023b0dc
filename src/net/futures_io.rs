//! `AsyncRead` and `AsyncWrite` of the `futures-io` crate, on everything here that moves bytes.
//!
//! All of it reads and writes over a shared reference, so the traits stand on `T` and on `&T` alike: a library may be
//! given the stream, or a reference to it while another task writes.

use super::{
    BufReader, ByteReader, ByteStream, Io, OwnedReadHalf, OwnedWriteHalf, ReadHalf, SharedStream, TcpStream, WriteHalf,
};
use futures_io::{AsyncBufRead, AsyncRead, AsyncWrite};
use std::io::{self, IoSlice, IoSliceMut};
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
    [S: Bytes] Io<S>;
    [S: Bytes] &Io<S>;
}

async_write! {
    [] TcpStream;
    [] &TcpStream;
    [T: ByteStream] WriteHalf<'_, T>;
    [T: ByteStream] &WriteHalf<'_, T>;
    [T: ByteStream] OwnedWriteHalf<T>;
    [T: ByteStream] &OwnedWriteHalf<T>;
    [S: Bytes] Io<S>;
    [S: Bytes] &Io<S>;
}

/// A source of bytes: any descriptor.
#[cfg(unix)]
use std::os::fd::AsFd as Bytes;

/// A source of bytes: reads and writes over a shared reference.
#[cfg(not(unix))]
use by_reference::Bytes;

/// Nothing is known of the source but that it moves bytes: it is closed by dropping it.
impl<S: Bytes> Io<S> {
    /// What is written is the system's.
    fn poll_flush(&self, _: &Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(&self, _: &Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(not(unix))]
mod by_reference {
    use super::{Context, Io, IoSlice, IoSliceMut, Poll, io};
    use std::io::{Read, Write};

    /// Sources that read and write over a shared reference.
    pub trait Bytes {
        fn read(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize>;
        fn write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize>;
    }

    impl<S> Bytes for S
    where
        for<'a> &'a S: Read + Write,
    {
        fn read(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
            (&mut &*self).read_vectored(buffers)
        }

        fn write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
            (&mut &*self).write_vectored(slices)
        }
    }

    impl<S: Bytes> Io<S> {
        pub(super) fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
            self.poll_read_vectored(cx, &mut [IoSliceMut::new(buffer)])
        }

        pub(super) fn poll_read_vectored(
            &self,
            cx: &mut Context<'_>,
            buffers: &mut [IoSliceMut<'_>],
        ) -> Poll<io::Result<usize>> {
            self.poll_read_with(cx, |source| source.read(buffers))
        }

        pub(super) fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
        }

        pub(super) fn poll_write_vectored(
            &self,
            cx: &mut Context<'_>,
            slices: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            self.poll_write_with(cx, |source| source.write(slices))
        }
    }
}

/// A shared stream passes all on to the stream.
macro_rules! passes_on {
    ($($method:ident($self:ident $(, $name:ident: $type:ty)*) -> $output:ty;)+) => {$(
        fn $method($self: Pin<&mut Self>, cx: &mut Context<'_> $(, $name: $type)*) -> Poll<io::Result<$output>> {
            Pin::new(&mut &**$self).$method(cx $(, $name)*)
        }
    )+};
}

impl<T> AsyncRead for SharedStream<T>
where
    for<'a> &'a T: AsyncRead,
{
    passes_on! {
        poll_read(self, buffer: &mut [u8]) -> usize;
        poll_read_vectored(self, buffers: &mut [IoSliceMut<'_>]) -> usize;
    }
}

impl<T> AsyncWrite for SharedStream<T>
where
    for<'a> &'a T: AsyncWrite,
{
    passes_on! {
        poll_write(self, bytes: &[u8]) -> usize;
        poll_write_vectored(self, slices: &[IoSlice<'_>]) -> usize;
        poll_flush(self) -> ();
        poll_close(self) -> ();
    }
}

impl<R: ByteReader> AsyncRead for BufReader<R> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.get_mut().poll_read(cx, buffer)
    }
}

impl<R: ByteReader> AsyncBufRead for BufReader<R> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        self.get_mut().poll_fill_buf(cx)
    }

    fn consume(self: Pin<&mut Self>, bytes: usize) {
        Self::consume(self.get_mut(), bytes);
    }
}

/// What is written goes past the buffer.
impl<R> AsyncWrite for BufReader<R>
where
    for<'a> &'a R: AsyncWrite,
{
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_ref()).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_ref()).poll_write_vectored(cx, slices)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_ref()).poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_ref()).poll_close(cx)
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
