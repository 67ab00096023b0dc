//! Where connections over TCP come in.

use super::address::{ToSocketAddrs, bind_first};
use super::backlog::Backlog;
use super::io::Io;
use super::limits::lengthen;
use super::listener::listener;
use super::socket::{socket_methods, ttl_methods};
use super::tcp_stream::TcpStream;
use crate::runtime::any_handle;
use std::io;
use std::net::SocketAddr;

/// A socket where connections over TCP come in.
///
/// # Which runtime, cancel safety
/// As [`Io`]; accepted connections are on the runtime of the listener. An `accept` that is dropped has taken no connection.
///
/// # Example
/// ```
/// use offtick::net::TcpListener;
/// let rt = offtick::Runtime::new()?;
/// let mut task = rt.run(async {
///     let listener = TcpListener::bind("127.0.0.1:0").await?;
///     let _client = std::net::TcpStream::connect(listener.local_addr()?)?;
///     let (stream, peer) = listener.accept().await?;
///     Ok::<_, std::io::Error>(stream.peer_addr()? == peer)
/// });
/// assert!(task.wait()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct TcpListener {
    io: Io<mio::net::TcpListener>,
    backlog: Backlog,
}

fn listen(address: SocketAddr) -> io::Result<mio::net::TcpListener> {
    let listener = mio::net::TcpListener::bind(address)?;
    lengthen(&listener)?;
    Ok(listener)
}

impl TcpListener {
    /// Listens at an address, or at the first of several that can be bound. Port 0 lets the system choose:
    /// [`local_addr`](Self::local_addr) tells. On Unix the address may be bound again at once after this listener is gone
    /// (`SO_REUSEADDR`), and up to 1024 connections may wait to be accepted, or as many as the system allows
    /// (`net.core.somaxconn` of Linux); of a listener of the standard library, 128.
    ///
    /// # Errors
    /// The one of the last address that was tried, as `AddrInUse`, with that address in its text; those of looking up a
    /// name; [`ReactorGone`](super::ReactorGone).
    pub async fn bind(addresses: impl ToSocketAddrs) -> io::Result<Self> {
        let handle = any_handle().map_err(io::Error::other)?;
        Ok(Self::from_mio(&handle, bind_first(&handle, addresses, listen).await?)?)
    }

    socket_methods!(std::net::TcpListener, mio::net::TcpListener, SocketAddr);
    ttl_methods!();
}

listener!(TcpListener: mio::net::TcpListener => TcpStream, SocketAddr);
