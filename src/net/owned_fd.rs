//! Sockets from descriptors, and descriptors from sockets.
//!
//! `FromRawFd` is not implemented: it cannot fail, and watching a descriptor can. A raw descriptor becomes an
//! [`OwnedFd`] first, where the program states that it owns it.

use super::{Refused, TcpListener, TcpStream, UdpSocket, UnixDatagram, UnixListener, UnixStream};
use std::os::fd::{AsFd, AsRawFd, IntoRawFd, OwnedFd, RawFd};

macro_rules! owned_fd {
    ($($socket:ty: $std:ty;)+) => {$(
        /// Watches the descriptor of a socket, as [`from_std`](Self::from_std) does.
        impl TryFrom<OwnedFd> for $socket {
            type Error = Refused<OwnedFd>;

            fn try_from(fd: OwnedFd) -> Result<Self, Refused<OwnedFd>> {
                Self::from_std(<$std>::from(fd)).map_err(|refused| refused.map(OwnedFd::from))
            }
        }

        /// The descriptor, which is no longer watched; back in blocking mode.
        impl From<$socket> for OwnedFd {
            fn from(socket: $socket) -> Self {
                let fd = Self::from(socket.unwatched());
                // A descriptor that refuses its mode is returned as it is: this conversion cannot fail.
                let _blocking = rustix::io::ioctl_fionbio(&fd, false);
                fd
            }
        }

        impl IntoRawFd for $socket {
            fn into_raw_fd(self) -> RawFd {
                OwnedFd::from(self).into_raw_fd()
            }
        }

        impl AsRawFd for $socket {
            fn as_raw_fd(&self) -> RawFd {
                self.as_fd().as_raw_fd()
            }
        }
    )+};
}

owned_fd! {
    TcpListener: std::net::TcpListener;
    TcpStream: std::net::TcpStream;
    UdpSocket: std::net::UdpSocket;
    UnixDatagram: std::os::unix::net::UnixDatagram;
    UnixListener: std::os::unix::net::UnixListener;
    UnixStream: std::os::unix::net::UnixStream;
}

impl<S: AsFd> AsRawFd for super::Io<S> {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}
