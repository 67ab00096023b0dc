//! A connection over TCP.

use super::address::{AddressError, ToSocketAddrs, no_address, resolve};
use super::io::Io;
use super::ready::sealed::Watched;
use super::refused::Refused;
use super::socket::{
    owned_readable_methods, owned_writable_methods, peer_methods, shutdown_methods, socket_methods, ttl_methods,
    watched,
};
use super::stream::{read_methods, split_methods, stream_source, write_methods};
use super::urgent::{INTEREST, SHORT_IS_ALL};
use crate::reactor::Facts;
use crate::runtime::{Handle, any_handle};
use crate::time::timeout;
use std::io;
use std::net::SocketAddr;
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
#[derive(Debug)]
pub struct TcpStream {
    io: Io<mio::net::TcpStream>,
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

    /// Does what [`connect`](Self::connect) does, within `limit` altogether, resolving the name included. On the clock of the runtime.
    ///
    /// # Errors
    /// `TimedOut`, with what was to be connected to in its text; those of [`connect`](Self::connect).
    pub async fn connect_timeout(addresses: impl ToSocketAddrs, limit: Duration) -> io::Result<Self> {
        match timeout(limit, Self::connect(&addresses)).await {
            Ok(connected) => connected,
            Err(_elapsed) => Err(AddressError::connecting_within(limit, &addresses)),
        }
    }

    /// Connects to one address, without a limit of its own in time but the system's.
    pub(super) async fn connect_to(handle: &Handle, address: SocketAddr) -> io::Result<Self> {
        let stream = mio::net::TcpStream::connect(address)?;
        let io = Io::watch(handle, stream, INTEREST, Facts::CONNECTING)?;
        io.connected().await?;
        Ok(Self { io })
    }

    pub(super) fn from_mio(handle: &Handle, stream: mio::net::TcpStream) -> Result<Self, Refused<mio::net::TcpStream>> {
        Ok(Self { io: Io::watch(handle, stream, INTEREST, Facts::ASSUMED)? })
    }

    read_methods!();
    write_methods!();
    owned_readable_methods!();
    owned_writable_methods!();
    split_methods!();
    shutdown_methods!();
    socket_methods!(std::net::TcpStream, mio::net::TcpStream, SocketAddr);
    peer_methods!(SocketAddr);
    ttl_methods!();

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
}

watched!(TcpStream: mio::net::TcpStream);

stream_source!(mio::net::TcpStream, SHORT_IS_ALL = SHORT_IS_ALL, peek = mio::net::TcpStream::peek);
