//! Descriptors: watching those of anyone, and lending those of the sockets, for options that are not here.

use super::io::{BOTH, Deregister};
use super::refused::{Refused, watch_on_any};
use super::stream::sealed::Stream;
use super::{
    ByteStream, Io, OwnedReadHalf, OwnedWriteHalf, ReadHalf, TcpListener, TcpStream, UdpSocket, UnixDatagram,
    UnixListener, UnixStream, WriteHalf,
};
use crate::reactor::{Facts, Sockets};
use crate::runtime::Handle;
use mio::unix::SourceFd;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

impl<F: AsFd> Io<F> {
    /// Watches a descriptor for both directions, and puts it into non-blocking mode; that mode belongs to the open file
    /// and so to all its duplicates.
    ///
    /// # Errors
    /// [`Refused`] gives it back, in the mode that it was in: [`AlreadyExists`](io::ErrorKind::AlreadyExists) for a
    /// descriptor that is watched by this reactor already: watch a duplicate;
    /// [`PermissionDenied`](io::ErrorKind::PermissionDenied) for a file that cannot be polled;
    /// [`ReactorGone`](super::ReactorGone).
    pub fn from_fd(fd: F) -> Result<Self, Refused<F>> {
        watch_on_any(fd, Self::from_fd_on)
    }

    /// As [`Io::from_fd`], on a given runtime.
    ///
    /// # Errors
    /// Those of [`Io::from_fd`].
    pub fn from_fd_on(handle: &impl AsRef<Handle>, fd: F) -> Result<Self, Refused<F>> {
        let register =
            |fd: &mut F, sockets: &Sockets| sockets.register(&mut SourceFd(&fd.as_fd().as_raw_fd()), BOTH, Facts::OPEN);
        let deregister: Deregister<F> = |fd, registry| registry.deregister(&mut SourceFd(&fd.as_fd().as_raw_fd()));
        let io = Self::watch_by(handle.as_ref(), fd, register, deregister)?;
        // Last, so that one which is refused was not changed.
        match rustix::io::ioctl_fionbio(&io, true) {
            Ok(()) => Ok(io),
            Err(error) => Err(Refused::new(io.into_inner(), error.into())),
        }
    }
}

impl<S: AsFd> AsFd for Io<S> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.get_ref().as_fd()
    }
}

macro_rules! as_fd {
    ($([$($generics:tt)*] $socket:ty;)+) => {$(
        impl<$($generics)*> AsFd for $socket {
            fn as_fd(&self) -> BorrowedFd<'_> {
                self.io().as_fd()
            }
        }
    )+};
}

as_fd! {
    [] TcpListener;
    [] TcpStream;
    [] UdpSocket;
    [] UnixDatagram;
    [] UnixListener;
    [] UnixStream;
    [T: ByteStream<Source: AsFd>] ReadHalf<'_, T>;
    [T: ByteStream<Source: AsFd>] WriteHalf<'_, T>;
    [T: ByteStream<Source: AsFd>] OwnedReadHalf<T>;
    [T: ByteStream<Source: AsFd>] OwnedWriteHalf<T>;
}

/// Reads and leaves it there.
pub(super) fn peek(socket: impl AsFd, buffer: &mut [u8]) -> io::Result<usize> {
    let (_, n) = rustix::net::recv(socket, buffer, rustix::net::RecvFlags::PEEK)?;
    Ok(n)
}
