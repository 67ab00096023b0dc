//! A connection over TCP.

use super::address::{AddressError, ToSocketAddrs, no_address, resolve};
use super::io::Io;
use crate::reactor::Facts;
use crate::runtime::{Handle, any_handle};
use crate::time::timeout;
use mio::Interest;
use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{Shutdown, SocketAddr};
use std::task::{Context, Poll};
use std::time::Duration;

/// A connection over TCP.
///
/// Everything works over a shared reference: one task may read while another writes, through `&TcpStream`, an
/// [`Arc`](std::sync::Arc), or the halves of a split. Dropping it closes the connection.
///
/// # Which runtime, cancel safety
/// As [`Io`]. `read`, `write` and `peek` that are dropped have moved nothing; `read_exact` and `write_all` that are
/// dropped may have moved a part.
///
/// # Example
/// ```
/// use offtick::net::{TcpListener, TcpStream};
/// use std::net::Ipv4Addr;
/// let rt = offtick::Runtime::new()?;
/// let mut echoed = rt.run(async {
///     let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
///     let client = TcpStream::connect(listener.local_addr()?).await?;
///     let (server, _peer) = listener.accept().await?;
///     client.write_all(b"over there").await?;
///     let mut text = [0; 10];
///     server.read_exact(&mut text).await?;
///     Ok::<_, std::io::Error>(text)
/// });
/// assert_eq!(&echoed.wait()?, b"over there");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct TcpStream {
    io: Io<mio::net::TcpStream>,
}

/// What the system is to tell of a stream: of urgent data too where it can, for that cuts reads short.
fn interest() -> Interest {
    let both = Interest::READABLE | Interest::WRITABLE;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let both = both | Interest::PRIORITY;
    both
}

impl TcpStream {
    /// Connects to an address, or to the first of several that accepts: `"example.org:80"`, `(host, port)`, a
    /// [`SocketAddr`], a list of them.
    ///
    /// Names are resolved on the blocking pool. There is no limit in time but the system's, which is minutes:
    /// [`connect_timeout`](Self::connect_timeout) has one. Dropping the future gives up.
    ///
    /// # Errors
    /// The one of the last address that was tried, with that address in its text; `NotFound` for a name without addresses;
    /// [`ReactorGone`](super::ReactorGone).
    pub async fn connect(addresses: impl ToSocketAddrs) -> io::Result<Self> {
        let handle = any_handle().map_err(io::Error::other)?;
        let mut last = None;
        for address in resolve(&handle, &addresses).await? {
            match Self::connect_to(&handle, address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = Some(AddressError::connecting(address, error)),
            }
        }
        Err(last.unwrap_or_else(no_address))
    }

    /// As [`connect`](Self::connect), within `limit` altogether, resolving the name included.
    ///
    /// # Errors
    /// `TimedOut`; those of [`connect`](Self::connect).
    pub async fn connect_timeout(addresses: impl ToSocketAddrs, limit: Duration) -> io::Result<Self> {
        match timeout(limit, Self::connect(addresses)).await {
            Ok(connected) => connected,
            Err(_elapsed) => Err(io::Error::new(io::ErrorKind::TimedOut, format!("not connected within {limit:?}"))),
        }
    }

    /// Connects to one address, without a limit of its own in time but the system's.
    pub(super) async fn connect_to(handle: &Handle, address: SocketAddr) -> io::Result<Self> {
        let stream = mio::net::TcpStream::connect(address)?;
        // Not writable before it is connected.
        let io = Io::watch(handle, stream, interest(), Facts::NONE)?;
        io.write_with(connected).await?;
        Ok(Self { io })
    }

    /// Watches a stream of the standard library, which is put into non-blocking mode.
    ///
    /// # Errors
    /// Those of the system; [`ReactorGone`](super::ReactorGone).
    pub fn from_std(stream: std::net::TcpStream) -> io::Result<Self> {
        Self::from_std_on(&any_handle().map_err(io::Error::other)?, stream)
    }

    /// As [`from_std`](Self::from_std), on a given runtime.
    ///
    /// # Errors
    /// Those of [`from_std`](Self::from_std).
    pub fn from_std_on(handle: &Handle, stream: std::net::TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Self::from_mio(handle, mio::net::TcpStream::from_std(stream))
    }

    pub(super) fn from_mio(handle: &Handle, stream: mio::net::TcpStream) -> io::Result<Self> {
        Ok(Self { io: Io::watch(handle, stream, interest(), Facts::OPEN)? })
    }

    /// The stream as the standard library's, not watched any more; back in blocking mode.
    ///
    /// # Errors
    /// Those of the system.
    pub fn into_std(self) -> io::Result<std::net::TcpStream> {
        let stream = std::net::TcpStream::from(self.io.into_inner());
        stream.set_nonblocking(false)?;
        Ok(stream)
    }

    /// Reads what is there, at most a buffer full; waits until something is. Zero is the end: the peer sends no more.
    ///
    /// # Errors
    /// Those of the system, as `ConnectionReset`; [`ReactorGone`](super::ReactorGone).
    pub async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.io.recv(buffer).await
    }

    /// As [`read`](Self::read), into several buffers, the first ones first.
    ///
    /// # Errors
    /// Those of [`read`](Self::read).
    pub async fn read_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.io.recv_vectored(buffers).await
    }

    /// Fills the buffer.
    ///
    /// # Errors
    /// Those of [`read`](Self::read); `UnexpectedEof` if the peer sends less.
    pub async fn read_exact(&self, buffer: &mut [u8]) -> io::Result<()> {
        self.io.recv_exact(buffer).await
    }

    /// Looks at what is there without taking it.
    ///
    /// # Errors
    /// Those of [`read`](Self::read).
    pub async fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.io.read_with(|stream| stream.peek(buffer)).await
    }

    /// Writes as much as there is room for, and says how much; waits until there is room for something.
    ///
    /// # Errors
    /// Those of the system, as `BrokenPipe`; [`ReactorGone`](super::ReactorGone).
    pub async fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.io.send(bytes).await
    }

    /// As [`write`](Self::write), from several slices, the first ones first.
    ///
    /// # Errors
    /// Those of [`write`](Self::write).
    pub async fn write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.io.send_vectored(slices).await
    }

    /// Writes all.
    ///
    /// # Errors
    /// Those of [`write`](Self::write); how much was written before is not known.
    pub async fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        self.io.send_all(bytes).await
    }

    /// Waits until a read should be tried.
    ///
    /// # Errors
    /// [`ReactorGone`](super::ReactorGone).
    pub async fn readable(&self) -> io::Result<()> {
        self.io.readable().await
    }

    /// Waits until a write should be tried.
    ///
    /// # Errors
    /// [`ReactorGone`](super::ReactorGone).
    pub async fn writable(&self) -> io::Result<()> {
        self.io.writable().await
    }

    /// Reads what is there now.
    ///
    /// # Errors
    /// `WouldBlock` if nothing is; those of [`read`](Self::read).
    pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.io.try_recv(buffer)
    }

    /// Writes what there is room for now.
    ///
    /// # Errors
    /// `WouldBlock` if there is none; those of [`write`](Self::write).
    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.io.try_send(bytes)
    }

    /// As [`read`](Self::read), for futures written by hand. One task at a time: of several, the last to call is woken.
    ///
    /// # Errors
    /// Those of [`read`](Self::read).
    pub fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.io.poll_recv(cx, buffer)
    }

    /// As [`write`](Self::write), for futures written by hand. One task at a time: of several, the last to call is woken.
    ///
    /// # Errors
    /// Those of [`write`](Self::write).
    pub fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.io.poll_send(cx, bytes)
    }

    /// Shuts a direction, or both, of the connection itself; its other owners notice.
    ///
    /// Never blocks: what was written is still sent.
    ///
    /// # Errors
    /// `NotConnected` if the peer has reset the connection.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.io.get_ref().shutdown(how)
    }

    /// The address of this end.
    ///
    /// # Errors
    /// Those of the system.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.get_ref().local_addr()
    }

    /// The address of the other end.
    ///
    /// # Errors
    /// Those of the system.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.io.get_ref().peer_addr()
    }

    /// True if small writes are sent at once (`TCP_NODELAY`).
    ///
    /// # Errors
    /// Those of the system.
    pub fn nodelay(&self) -> io::Result<bool> {
        self.io.get_ref().nodelay()
    }

    /// Whether small writes are sent at once instead of being gathered. Off by default, as in the standard library.
    ///
    /// # Errors
    /// Those of the system.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.io.get_ref().set_nodelay(nodelay)
    }

    /// The hops that a packet may take.
    ///
    /// # Errors
    /// Those of the system.
    pub fn ttl(&self) -> io::Result<u32> {
        self.io.get_ref().ttl()
    }

    /// Sets the hops that a packet may take.
    ///
    /// # Errors
    /// Those of the system.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.io.get_ref().set_ttl(ttl)
    }

    /// An error that the socket has met and no call has told of, once.
    ///
    /// # Errors
    /// Those of the system.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.io.get_ref().take_error()
    }
}

/// Connected is: writable, no error, and a peer.
fn connected(stream: &mio::net::TcpStream) -> io::Result<()> {
    if let Some(error) = stream.take_error()? {
        return Err(error);
    }
    match stream.peer_addr() {
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Err(io::ErrorKind::WouldBlock.into()),
        connected => connected.map(drop),
    }
}

#[cfg(unix)]
impl std::os::fd::AsFd for TcpStream {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.io.as_fd()
    }
}

impl fmt::Debug for TcpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TcpStream").field(&self.io).finish()
    }
}
