//! `AsyncRead` and `AsyncWrite` of the `futures-io` crate, on everything here that moves bytes.
//!
//! All of it reads and writes over a shared reference, so the traits stand on `T` and on `&T` alike: a library may be
//! given the stream, or a reference to it while another task writes.

use super::io::Io;
use super::tcp_stream::TcpStream;
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
    [S] Io<S> where { for<'a> &'a S: Read };
    [S] &Io<S> where { for<'a> &'a S: Read };
}

async_write! {
    [] TcpStream;
    [] &TcpStream;
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

impl TcpStream {
    /// Nothing is kept back: what is written is the system's.
    fn poll_flush(&self, _: &Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(&self, _: &Context<'_>) -> Poll<io::Result<()>> {
        match self.shutdown(Shutdown::Write) {
            // The peer has reset the connection: it is closed as far as it can be.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Poll::Ready(Ok(())),
            done => Poll::Ready(done),
        }
    }
}
