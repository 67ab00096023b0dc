//! What needs the descriptors of the sockets: lending them, for options that are not here, and looking at what there is to
//! read.

use super::stream::sealed::Stream;
use super::{
    ByteStream, OwnedReadHalf, OwnedWriteHalf, ReadHalf, TcpListener, TcpStream, UdpSocket, UnixDatagram, UnixListener,
    UnixStream, WriteHalf,
};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

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
