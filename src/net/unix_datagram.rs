//! Datagrams between processes of one machine.

use super::address::AddressError;
use super::datagram::datagram_methods;
use super::descriptor::peek;
use super::io::{BOTH, Io};
use super::refused::Refused;
use super::socket::{
    owned_readable_methods, owned_writable_methods, peer_methods, shutdown_methods, socket_methods, watched,
};
use super::unix_address::{address, shown, socket_addr};
use super::unix_waits::Waits;
use crate::reactor::{Direction, Facts};
use crate::runtime::{Handle, any_handle, spend};
use rustix::net::SendFlags;
use std::future::poll_fn;
use std::io;
use std::os::unix::net::SocketAddr;
use std::path::Path;
use std::task::Poll;

/// A socket for datagrams between processes of one machine. None is lost on the way: who sends faster than the other
/// receives has to wait.
///
/// Everything works over a shared reference, from any number of tasks.
///
/// # Which runtime, cancel safety
/// As [`Io`]. What is dropped has sent and received nothing.
///
/// # Example
/// ```
/// use offtick::net::UnixDatagram;
/// let rt = offtick::Runtime::new()?;
/// let mut task = rt.run(async {
///     let (here, there) = UnixDatagram::pair()?;
///     here.send(b"one").await?;
///     here.send(b"two").await?;
///     let mut datagram = [0; 64];
///     let n = there.recv(&mut datagram).await?;
///     Ok::<_, std::io::Error>(datagram[..n].to_vec())
/// });
/// assert_eq!(task.wait()?, b"one");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct UnixDatagram {
    io: Io<mio::net::UnixDatagram>,
    /// Its timers retry what no event tells of.
    handle: Handle,
}

impl UnixDatagram {
    /// Binds to a path, where a socket file is made. The file stays when the socket goes: remove it before the next one
    /// is bound there.
    ///
    /// A path that begins with a zero byte is an abstract name (Linux), which has no file.
    ///
    /// # Errors
    /// Those of the system, `AddrInUse` for a file that is there among them, with the path in their text;
    /// [`ReactorGone`](super::ReactorGone).
    pub fn bind(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        let bound = address(path).and_then(|address| mio::net::UnixDatagram::bind_addr(&address));
        let bound = bound.map_err(|error| AddressError::binding(shown(path), error))?;
        Ok(Self::from_mio(&any_handle().map_err(io::Error::other)?, bound)?)
    }

    /// Does what [`bind`](Self::bind) does, to an address.
    ///
    /// # Errors
    /// Those of [`bind`](Self::bind).
    pub fn bind_addr(address: &SocketAddr) -> io::Result<Self> {
        let bound = mio::net::UnixDatagram::bind_addr(address)
            .map_err(|error| AddressError::binding(format_args!("{address:?}"), error))?;
        Ok(Self::from_mio(&any_handle().map_err(io::Error::other)?, bound)?)
    }

    /// A socket without an address: it can send; it receives only once it is connected.
    ///
    /// # Errors
    /// Those of the system; [`ReactorGone`](super::ReactorGone).
    pub fn unbound() -> io::Result<Self> {
        Ok(Self::from_mio(&any_handle().map_err(io::Error::other)?, mio::net::UnixDatagram::unbound()?)?)
    }

    /// Two sockets that are connected to each other.
    ///
    /// # Errors
    /// Those of the system; [`ReactorGone`](super::ReactorGone).
    pub fn pair() -> io::Result<(Self, Self)> {
        let handle = any_handle().map_err(io::Error::other)?;
        let (one, other) = mio::net::UnixDatagram::pair()?;
        Ok((Self::from_mio(&handle, one)?, Self::from_mio(&handle, other)?))
    }

    fn from_mio(handle: &Handle, socket: mio::net::UnixDatagram) -> Result<Self, Refused<mio::net::UnixDatagram>> {
        Ok(Self { io: Io::watch(handle, socket, BOTH, Facts::ASSUMED)?, handle: handle.clone() })
    }

    /// Sends to the socket at this path from now on, and receives from there alone. It may be connected again to another
    /// one.
    ///
    /// A path that begins with a zero byte is an abstract name (Linux), which has no file.
    ///
    /// # Errors
    /// Those of the system, as `NotFound` and `ConnectionRefused`, with the path in their text.
    pub fn connect(&self, path: impl AsRef<Path>) -> io::Result<()> {
        let path = path.as_ref();
        let connected =
            address(path).and_then(|address| Ok(rustix::net::connect(self.io.get_ref(), &socket_addr(&address)?)?));
        connected.map_err(|error| AddressError::connecting(shown(path), error))
    }

    /// Sends a datagram to the socket at a path; waits while the queue there is full. It is sent whole or not at all.
    ///
    /// A path that begins with a zero byte is an abstract name (Linux), which has no file.
    ///
    /// For a stream of datagrams to one path, [connect](Self::connect): the system then tells of room at once, and else
    /// not at all, so that it is looked for again and again, 32 ms apart at most.
    ///
    /// # Errors
    /// Those of the system, as `NotFound` and `ConnectionRefused`; [`ReactorGone`](super::ReactorGone).
    pub async fn send_to(&self, bytes: &[u8], path: impl AsRef<Path>) -> io::Result<usize> {
        let path = path.as_ref();
        let mut waits = Waits::new();
        loop {
            // Whatever is known of this socket: whether there is room is known of the other one alone.
            let now = poll_fn(|cx| {
                if spend() {
                    return Poll::Ready(self.try_send_to(bytes, path));
                }
                cx.waker().wake_by_ref();
                Poll::Pending
            });
            match now.await {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                sent => return sent,
            }
            waits.pause(&self.handle).await?;
        }
    }

    /// Sends a datagram to the socket at a path, if there is room for it now.
    ///
    /// # Errors
    /// `WouldBlock` if there is none; those of [`send_to`](Self::send_to).
    pub fn try_send_to(&self, bytes: &[u8], path: impl AsRef<Path>) -> io::Result<usize> {
        let address = socket_addr(&address(path.as_ref())?)?;
        loop {
            match rustix::net::sendto(self.io.get_ref(), bytes, SendFlags::empty(), &address) {
                Err(rustix::io::Errno::INTR) => {}
                sent => return Ok(sent?),
            }
        }
    }

    /// Does what [`recv`](Self::recv) does, and leaves the datagram there.
    ///
    /// # Errors
    /// Those of [`recv`](Self::recv).
    pub async fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.io.operate_some(Direction::Read, |socket| peek(socket, buffer)).await
    }

    datagram_methods!(SocketAddr);
    owned_readable_methods!();
    owned_writable_methods!();
    shutdown_methods!();
    socket_methods!(std::os::unix::net::UnixDatagram, mio::net::UnixDatagram, SocketAddr);
    peer_methods!(SocketAddr);

    pub(super) fn watched(&self) -> &Io<mio::net::UnixDatagram> {
        &self.io
    }
}

watched!(UnixDatagram: mio::net::UnixDatagram);
