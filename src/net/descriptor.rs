//! Descriptors: watching those of anyone, and lending those of the sockets, for options that are not here.

use super::io::{BOTH, Deregister, Step};
use super::ready::sealed::Watched;
use super::refused::{Refused, watch_on_any};
use super::system::{check, is_ready};
use super::{
    ByteStream, Io, OwnedReadHalf, OwnedWriteHalf, ReadHalf, SharedStream, TcpListener, TcpStream, UdpSocket,
    UnixDatagram, UnixListener, UnixStream, WriteHalf,
};
use crate::reactor::{Facts, Sockets};
use crate::runtime::Handle;
use mio::unix::SourceFd;
use rustix::fs::{OFlags, fcntl_getfl};
use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

impl<F: AsFd> Io<F> {
    /// Watches a descriptor for both directions.
    ///
    /// # Its mode
    /// Non-blocking mode belongs to the open file, which duplicates of the descriptor and other processes share.
    /// - A **terminal**, and each of the standard streams (descriptors 0, 1 and 2), keeps the mode that it has: in non-blocking mode
    ///   `println!` would fail on the same terminal, and so would the shell after the program. The system is asked before each
    ///   operation instead, so an operation should do one read or one write. A read waits all the same if another
    ///   process is faster to take what was there. A write to a pipe waits if it is longer than `PIPE_BUF` (512 bytes at least)
    ///   and the pipe has no room for all of it.
    /// - **Any other** descriptor is put into non-blocking mode, and back when the `Io` is dropped or taken apart. The end of its
    ///   runtime drops what tasks hold. Programs that share the open file see the mode meanwhile: give them a duplicate
    ///   that was opened anew.
    ///
    /// A descriptor that is in non-blocking mode already stays in it.
    ///
    /// # Errors
    /// [`Refused`] gives it back, in the mode that it was in: [`AlreadyExists`](io::ErrorKind::AlreadyExists) for a
    /// descriptor that is watched by this reactor already: watch a duplicate;
    /// [`PermissionDenied`](io::ErrorKind::PermissionDenied) for a file that cannot be polled;
    /// [`ReactorGone`](super::ReactorGone).
    pub fn from_fd(fd: F) -> Result<Self, Refused<F>> {
        watch_on_any(fd, Self::from_fd_on)
    }

    /// Does what [`Io::from_fd`] does, on a given runtime.
    ///
    /// # Errors
    /// Those of [`Io::from_fd`].
    pub fn from_fd_on(handle: &impl AsRef<Handle>, fd: F) -> Result<Self, Refused<F>> {
        let register = |fd: &mut F, sockets: &Sockets| {
            sockets.register(&mut SourceFd(&fd.as_fd().as_raw_fd()), BOTH, Facts::ASSUMED)
        };
        let deregister: Deregister<F> = |fd, registry| registry.deregister(&mut SourceFd(&fd.as_fd().as_raw_fd()));
        let mut io = Self::watch_by(handle.as_ref(), fd, register, deregister, check())?;
        // Last, so that one which is refused was not changed.
        match adopt(io.as_fd()) {
            Ok(Adopted::NonBlocking) => {}
            Ok(Adopted::Changed) => io.mode = Some(changed),
            Ok(Adopted::Kept) => io.mode = Some(kept),
            Err(error) => return Err(Refused::new(io.into_inner(), error)),
        }
        Ok(io)
    }
}

/// The mode of a descriptor that the program brings.
enum Adopted {
    /// It was in non-blocking mode.
    NonBlocking,
    /// It was put into non-blocking mode.
    Changed,
    /// It stays in blocking mode.
    Kept,
}

fn adopt(fd: BorrowedFd<'_>) -> io::Result<Adopted> {
    if fcntl_getfl(fd)?.contains(OFlags::NONBLOCK) {
        return Ok(Adopted::NonBlocking);
    }
    if fd.as_raw_fd() <= 2 || fd.is_terminal() {
        return Ok(Adopted::Kept);
    }
    rustix::io::ioctl_fionbio(fd, true)?;
    Ok(Adopted::Changed)
}

/// The mode of a descriptor that goes back to blocking mode.
fn changed<F: AsFd>(fd: &F, step: Step) -> io::Result<bool> {
    if let Step::Released = step {
        rustix::io::ioctl_fionbio(fd, false)?;
    }
    Ok(true)
}

/// The mode of a descriptor that stays in blocking mode: asks the system before each operation.
fn kept<F: AsFd>(fd: &F, step: Step) -> io::Result<bool> {
    match step {
        Step::Before(direction) => is_ready(fd, direction),
        Step::Released => Ok(true),
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
                self.watched().as_fd()
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
    [T: Watched<Source: AsFd>] SharedStream<T>;
}

/// Reads and leaves it there.
pub(super) fn peek(socket: impl AsFd, buffer: &mut [u8]) -> io::Result<usize> {
    let (_, n) = rustix::net::recv(socket, buffer, rustix::net::RecvFlags::PEEK)?;
    Ok(n)
}
