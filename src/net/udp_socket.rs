//! Datagrams over UDP.

use super::address::{AddressError, ToSocketAddr, ToSocketAddrs, bind_first, no_address, resolve};
use super::datagram::datagram_methods;
use super::io::{BOTH, Io};
use super::refused::Refused;
use super::socket::{
    owned_readable_methods, owned_writable_methods, peer_methods, socket_methods, ttl_methods, watched,
};
use crate::reactor::{Direction, Facts};
use crate::runtime::{Handle, any_handle};
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

/// A socket for datagrams over UDP.
///
/// Datagrams may be lost, come twice or in another order. [Connected](Self::connect), it sends to one address and
/// receives from there alone; else use [`send_to`](Self::send_to) and [`recv_from`](Self::recv_from).
///
/// Everything works over a shared reference, from any number of tasks.
///
/// # Windows
/// A datagram that is longer than the buffer is an error there (`WSAEMSGSIZE`, 10040). The buffer has its beginning, and the
/// rest is lost as on other systems. Use a buffer for the longest datagram that you expect, and one byte more.
///
/// # Which runtime, cancel safety
/// As [`Io`]. What is dropped has sent and received nothing.
///
/// # Example
/// ```
/// use offtick::net::UdpSocket;
/// use std::net::Ipv4Addr;
/// let rt = offtick::Runtime::new()?;
/// let mut task = rt.run(async {
///     let here = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
///     let there = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
///     here.send_to(b"state 17", there.local_addr()?).await?;
///     let mut datagram = [0; 64];
///     let (n, from) = there.recv_from(&mut datagram).await?;
///     assert_eq!(from, here.local_addr()?);
///     Ok::<_, std::io::Error>(datagram[..n].to_vec())
/// });
/// assert_eq!(task.wait()?, b"state 17");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct UdpSocket {
    io: Io<mio::net::UdpSocket>,
    /// Resolves names.
    handle: Handle,
}

impl UdpSocket {
    /// Binds to an address, or to the first of several that can be bound. Port 0 lets the system choose:
    /// [`local_addr`](Self::local_addr) tells.
    ///
    /// # Errors
    /// The one of the last address that was tried, as `AddrInUse`, with that address in its text; those of looking up a
    /// name; [`ReactorGone`](super::ReactorGone).
    pub async fn bind(addresses: impl ToSocketAddrs) -> io::Result<Self> {
        let handle = any_handle().map_err(io::Error::other)?;
        Ok(Self::from_mio(&handle, bind_first(&handle, addresses, mio::net::UdpSocket::bind).await?)?)
    }

    fn from_mio(handle: &Handle, socket: mio::net::UdpSocket) -> Result<Self, Refused<mio::net::UdpSocket>> {
        Ok(Self { io: Io::watch(handle, socket, BOTH, Facts::ASSUMED)?, handle: handle.clone() })
    }

    /// Sends to this address from now on, and receives from there alone; of several, the first that can be reached.
    /// Nothing is sent. It may be connected again to another one.
    ///
    /// # Errors
    /// The one of the last address that was tried, with that address in its text; those of looking up a name.
    pub async fn connect(&self, addresses: impl ToSocketAddrs) -> io::Result<()> {
        let mut last = None;
        for address in resolve(&self.handle, &addresses).await? {
            match self.io.get_ref().connect(address) {
                Ok(()) => return Ok(()),
                Err(error) => last = Some(AddressError::connecting(address, error)),
            }
        }
        Err(last.unwrap_or_else(no_address))
    }

    /// Sends a datagram to an address. It is sent whole or not at all.
    ///
    /// A name is no address: [look it up](super::lookup) once, not for each datagram.
    ///
    /// # Errors
    /// Those of [`send`](Self::send).
    pub async fn send_to(&self, bytes: &[u8], target: impl ToSocketAddr) -> io::Result<usize> {
        let target = target.address();
        self.io.operate_some(Direction::Write, |socket| socket.send_to(bytes, target)).await
    }

    /// Does what [`send_to`](Self::send_to) does, if there is room now.
    ///
    /// # Errors
    /// `WouldBlock` if there is none; those of [`send`](Self::send).
    pub fn try_send_to(&self, bytes: &[u8], target: impl ToSocketAddr) -> io::Result<usize> {
        let target = target.address();
        self.io.try_operate_some(Direction::Write, |socket| socket.send_to(bytes, target))
    }

    /// Does what [`send_to`](Self::send_to) does, in the manner of [`poll_send`](Self::poll_send).
    ///
    /// # Errors
    /// Those of [`send`](Self::send).
    pub fn poll_send_to(
        &self,
        cx: &mut Context<'_>,
        bytes: &[u8],
        target: impl ToSocketAddr,
    ) -> Poll<io::Result<usize>> {
        let target = target.address();
        self.io.poll_operate_some(Direction::Write, cx, |socket| socket.send_to(bytes, target))
    }

    /// Does what [`recv`](Self::recv) does, and leaves the datagram there.
    ///
    /// # Errors
    /// Those of [`recv`](Self::recv).
    pub async fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.io.operate_some(Direction::Read, |socket| socket.peek(buffer)).await
    }

    /// Does what [`peek`](Self::peek) does, if a datagram is there.
    ///
    /// # Errors
    /// `WouldBlock` if none is; those of [`recv`](Self::recv).
    pub fn try_peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.io.try_operate_some(Direction::Read, |socket| socket.peek(buffer))
    }

    /// Does what [`peek_from`](Self::peek_from) does, if a datagram is there.
    ///
    /// # Errors
    /// `WouldBlock` if none is; those of [`recv`](Self::recv).
    pub fn try_peek_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.io.try_operate_some(Direction::Read, |socket| socket.peek_from(buffer))
    }

    /// Does what [`peek_from`](Self::peek_from) does, for futures written by hand. Every task that polls is woken.
    ///
    /// # Errors
    /// Those of [`recv`](Self::recv).
    pub fn poll_peek_from(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<(usize, SocketAddr)>> {
        self.io.poll_operate_some(Direction::Read, cx, |socket| socket.peek_from(buffer))
    }

    /// Waits for a datagram and returns its sender, without taking it.
    ///
    /// # Errors
    /// Those of [`recv`](Self::recv).
    pub async fn peek_sender(&self) -> io::Result<SocketAddr> {
        self.io.operate_some(Direction::Read, sender).await
    }

    /// Returns the sender of the next datagram, if one is there, without taking it.
    ///
    /// # Errors
    /// `WouldBlock` if none is; those of [`recv`](Self::recv).
    pub fn try_peek_sender(&self) -> io::Result<SocketAddr> {
        self.io.try_operate_some(Direction::Read, sender)
    }

    /// Does what [`recv_from`](Self::recv_from) does, and leaves the datagram there.
    ///
    /// # Errors
    /// Those of [`recv`](Self::recv).
    pub async fn peek_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.io.operate_some(Direction::Read, |socket| socket.peek_from(buffer)).await
    }

    datagram_methods!(SocketAddr);
    owned_readable_methods!();
    owned_writable_methods!();
    socket_methods!(std::net::UdpSocket, mio::net::UdpSocket, SocketAddr);
    peer_methods!(SocketAddr);
    ttl_methods!();

    pub(super) fn watched(&self) -> &Io<mio::net::UdpSocket> {
        &self.io
    }
}

/// The sender of the next datagram. Windows refuses a buffer that is too short for it.
fn sender(socket: &mio::net::UdpSocket) -> io::Result<SocketAddr> {
    let mut buffer = [0; if cfg!(windows) { 65_536 } else { 1 }];
    Ok(socket.peek_from(&mut buffer)?.1)
}

watched!(UdpSocket: mio::net::UdpSocket);
