//! Sockets from those of Windows, and those of Windows from sockets.
//!
//! `FromRawSocket` is not implemented: it cannot fail, and watching a socket can. A raw socket becomes an
//! [`OwnedSocket`] first, where the program states that it owns it.

use super::ready::sealed::Watched;
use super::{ByteStream, Io, OwnedReadHalf, OwnedWriteHalf, ReadHalf, Refused, SharedStream, WriteHalf};
use super::{TcpListener, TcpStream, UdpSocket};
use std::os::windows::io::{AsRawSocket, AsSocket, BorrowedSocket, IntoRawSocket, OwnedSocket, RawSocket};

impl<S: AsSocket> AsSocket for Io<S> {
    fn as_socket(&self) -> BorrowedSocket<'_> {
        self.get_ref().as_socket()
    }
}

macro_rules! as_socket {
    ($([$($generics:tt)*] $socket:ty;)+) => {$(
        impl<$($generics)*> AsSocket for $socket {
            fn as_socket(&self) -> BorrowedSocket<'_> {
                self.watched().as_socket()
            }
        }
    )+};
}

as_socket! {
    [] TcpListener;
    [] TcpStream;
    [] UdpSocket;
    [T: ByteStream<Source: AsSocket>] ReadHalf<'_, T>;
    [T: ByteStream<Source: AsSocket>] WriteHalf<'_, T>;
    [T: ByteStream<Source: AsSocket>] OwnedReadHalf<T>;
    [T: ByteStream<Source: AsSocket>] OwnedWriteHalf<T>;
    [T: Watched<Source: AsSocket>] SharedStream<T>;
}

macro_rules! owned_socket {
    ($($socket:ty: $std:ty;)+) => {$(
        /// Watches a socket, as [`from_std`](Self::from_std) does.
        impl TryFrom<OwnedSocket> for $socket {
            type Error = Refused<OwnedSocket>;

            fn try_from(socket: OwnedSocket) -> Result<Self, Refused<OwnedSocket>> {
                Self::from_std(<$std>::from(socket)).map_err(|refused| refused.map(OwnedSocket::from))
            }
        }

        /// The socket, which is no longer watched; back in blocking mode.
        impl From<$socket> for OwnedSocket {
            fn from(socket: $socket) -> Self {
                let socket = <$std>::from(Self::from(socket.unwatched()));
                // A socket that refuses its mode is returned as it is: this conversion cannot fail.
                let _blocking = socket.set_nonblocking(false);
                socket.into()
            }
        }

        impl IntoRawSocket for $socket {
            fn into_raw_socket(self) -> RawSocket {
                OwnedSocket::from(self).into_raw_socket()
            }
        }

        impl AsRawSocket for $socket {
            fn as_raw_socket(&self) -> RawSocket {
                self.as_socket().as_raw_socket()
            }
        }
    )+};
}

owned_socket! {
    TcpListener: std::net::TcpListener;
    TcpStream: std::net::TcpStream;
    UdpSocket: std::net::UdpSocket;
}
