//! Where connections over Unix sockets come in.

use super::address::AddressError;
use super::backlog::Backlog;
use super::io::Io;
use super::listener::listener;
use super::socket::socket_methods;
use super::unix_address::{address, shown};
use super::unix_stream::UnixStream;
use crate::runtime::any_handle;
use std::io;
use std::os::unix::net::SocketAddr;
use std::path::Path;

/// A socket where connections from processes of this machine come in.
///
/// # Which runtime, cancel safety
/// As [`Io`]; accepted connections are on the runtime of the listener. An `accept` that is dropped has taken no connection.
///
/// # Example
/// ```
/// use offtick::net::{UnixListener, UnixStream};
/// let rt = offtick::Runtime::new()?;
/// let path = std::env::temp_dir().join(format!("offtick-listener-{}", std::process::id()));
/// let at = path.clone();
/// let mut task = rt.run(async move {
///     let listener = UnixListener::bind(&at)?;
///     let client = UnixStream::connect(&at).await?;
///     let (server, _peer) = listener.accept().await?;
///     server.write_all(b"hello").await?;
///     let mut text = [0; 5];
///     client.read_exact(&mut text).await?;
///     Ok::<_, std::io::Error>(text)
/// });
/// let text = task.wait();
/// std::fs::remove_file(path)?;
/// assert_eq!(&text?, b"hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct UnixListener {
    io: Io<mio::net::UnixListener>,
    backlog: Backlog,
}

impl UnixListener {
    /// Listens at a path, where a socket file is made. The file stays when the listener goes: remove it before the next
    /// one is bound there.
    ///
    /// A path that begins with a zero byte is an abstract name (Linux), which has no file.
    ///
    /// # Errors
    /// Those of the system, `AddrInUse` for a file that is there among them, with the path in their text;
    /// [`ReactorGone`](super::ReactorGone).
    pub fn bind(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        let bound = address(path).and_then(|address| mio::net::UnixListener::bind_addr(&address));
        let bound = bound.map_err(|error| AddressError::binding(shown(path), error))?;
        Ok(Self::from_mio(&any_handle().map_err(io::Error::other)?, bound)?)
    }

    /// Does what [`bind`](Self::bind) does, at an address.
    ///
    /// # Errors
    /// Those of [`bind`](Self::bind).
    pub fn bind_addr(address: &SocketAddr) -> io::Result<Self> {
        let bound = mio::net::UnixListener::bind_addr(address)
            .map_err(|error| AddressError::binding(format_args!("{address:?}"), error))?;
        Ok(Self::from_mio(&any_handle().map_err(io::Error::other)?, bound)?)
    }

    socket_methods!(std::os::unix::net::UnixListener, mio::net::UnixListener, SocketAddr);
}

listener!(UnixListener: mio::net::UnixListener => UnixStream, SocketAddr);
