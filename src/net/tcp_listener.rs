//! Where connections over TCP come in.

use super::address::{AddressError, ToSocketAddrs, no_address, resolve};
use super::backlog::Backlog;
use super::io::Io;
use super::tcp_stream::TcpStream;
use crate::reactor::Facts;
use crate::runtime::{Handle, any_handle};
use mio::Interest;
use std::fmt;
use std::io;
use std::net::SocketAddr;

/// A socket where connections over TCP come in.
///
/// # Which runtime, cancel safety
/// As [`Io`]; accepted connections are on the runtime of the listener. An `accept` that is dropped has taken no connection.
///
/// # Example
/// See [`TcpStream`].
pub struct TcpListener {
    io: Io<mio::net::TcpListener>,
    handle: Handle,
    backlog: Backlog,
}

impl TcpListener {
    /// Listens at an address, or at the first of several that can be bound. Port 0 lets the system choose:
    /// [`local_addr`](Self::local_addr) tells. On Unix the address may be bound again at once after this listener is gone
    /// (`SO_REUSEADDR`).
    ///
    /// # Errors
    /// The one of the last address that was tried, as `AddrInUse`, with that address in its text; those of looking up a
    /// name; [`ReactorGone`](super::ReactorGone).
    pub async fn bind(addresses: impl ToSocketAddrs) -> io::Result<Self> {
        let handle = any_handle().map_err(io::Error::other)?;
        let mut last = None;
        for address in resolve(&handle, &addresses).await? {
            match mio::net::TcpListener::bind(address) {
                Ok(listener) => return Self::new(&handle, listener),
                Err(error) => last = Some(AddressError::binding(address, error)),
            }
        }
        Err(last.unwrap_or_else(no_address))
    }

    /// Watches a listener of the standard library, which is put into non-blocking mode. For programs that bind before
    /// there is a task.
    ///
    /// # Errors
    /// Those of the system; [`ReactorGone`](super::ReactorGone).
    pub fn from_std(listener: std::net::TcpListener) -> io::Result<Self> {
        Self::from_std_on(&any_handle().map_err(io::Error::other)?, listener)
    }

    /// As [`from_std`](Self::from_std), on a given runtime.
    ///
    /// # Errors
    /// Those of [`from_std`](Self::from_std).
    pub fn from_std_on(handle: &Handle, listener: std::net::TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Self::new(handle, mio::net::TcpListener::from_std(listener))
    }

    fn new(handle: &Handle, listener: mio::net::TcpListener) -> io::Result<Self> {
        let io = Io::watch(handle, listener, Interest::READABLE, Facts::OPEN)?;
        Ok(Self { io, handle: handle.clone(), backlog: Backlog::default() })
    }

    /// Waits for a connection: the stream, and the address of its peer.
    ///
    /// A connection that was given up before it was accepted is passed over. Where the system has no room for another
    /// one (no descriptor, no memory) the error is returned, and the next call waits, 10 ms at first and a second at most,
    /// before it tries again: a loop that goes on after an error does not spin.
    ///
    /// # Errors
    /// Those of the system; [`ReactorGone`](super::ReactorGone).
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, peer) = self.backlog.accept(&self.handle, &self.io, |listener| listener.accept()).await?;
        Ok((TcpStream::from_mio(&self.handle, stream)?, peer))
    }

    /// The address where it listens.
    ///
    /// # Errors
    /// Those of the system.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.get_ref().local_addr()
    }
}

#[cfg(unix)]
impl std::os::fd::AsFd for TcpListener {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.io.as_fd()
    }
}

impl fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TcpListener").field(&self.io).finish()
    }
}
