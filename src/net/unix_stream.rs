//! A connection between processes of one machine.

use super::address::AddressError;
use super::buf_reader::byte_reader;
use super::descriptor::peek;
use super::io::{BOTH, Io};
use super::ready::sealed::Watched;
use super::refused::Refused;
use super::socket::{
    owned_readable_methods, owned_writable_methods, peer_methods, shutdown_methods, socket_methods, watched,
};
use super::stream::{read_methods, split_methods, stream_source, write_methods};
use super::unix_address::{address, shown};
use super::unix_waits::Waits;
use crate::reactor::Facts;
use crate::runtime::{Handle, any_handle};
use std::io;
use std::os::unix::net::SocketAddr;
use std::path::Path;

/// A connection between processes of one machine, over a Unix socket.
///
/// Does what [`TcpStream`](super::TcpStream) does, and with the same methods: everything works over a shared reference, and it can
/// be split.
///
/// # Which runtime, cancel safety
/// As [`Io`]. `read`, `write` and `peek` that are dropped have moved nothing; `read_exact` and `write_all` that are
/// dropped may have moved a part.
///
/// # Example
/// ```
/// use offtick::net::UnixStream;
/// let rt = offtick::Runtime::new()?;
/// let mut task = rt.run(async {
///     let (here, there) = UnixStream::pair()?;
///     here.write_all(b"next door").await?;
///     let mut text = [0; 9];
///     there.read_exact(&mut text).await?;
///     Ok::<_, std::io::Error>(text)
/// });
/// assert_eq!(&task.wait()?, b"next door");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct UnixStream {
    io: Io<mio::net::UnixStream>,
}

impl UnixStream {
    /// Connects to the socket that listens at a path.
    ///
    /// A path that begins with a zero byte is an abstract name (Linux), which has no file.
    ///
    /// Waits while the listener's backlog is full. There is no limit in time: [`timeout`](crate::time::timeout) sets one.
    /// Dropping the future gives up.
    ///
    /// # Errors
    /// Those of the system, as `NotFound` and `ConnectionRefused`, with the path in their text;
    /// [`ReactorGone`](super::ReactorGone).
    pub async fn connect(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        let connected = async {
            let address = address(path)?;
            Self::connect_by(|| mio::net::UnixStream::connect_addr(&address)).await
        };
        connected.await.map_err(|error| AddressError::connecting(shown(path), error))
    }

    /// Does what [`connect`](Self::connect) does, to an address.
    ///
    /// # Errors
    /// Those of [`connect`](Self::connect).
    pub async fn connect_addr(address: &SocketAddr) -> io::Result<Self> {
        let connected = Self::connect_by(|| mio::net::UnixStream::connect_addr(address)).await;
        connected.map_err(|error| AddressError::connecting(format_args!("{address:?}"), error))
    }

    async fn connect_by(connect: impl Fn() -> io::Result<mio::net::UnixStream>) -> io::Result<Self> {
        let handle = any_handle().map_err(io::Error::other)?;
        let mut waits = Waits::new();
        loop {
            match connect() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
                Ok(stream) => {
                    let stream = Self::from_mio(&handle, stream)?;
                    stream.io.connected().await?;
                    return Ok(stream);
                }
            }
            waits.pause(&handle).await?;
        }
    }

    /// Two streams that are connected to each other.
    ///
    /// # Errors
    /// Those of the system; [`ReactorGone`](super::ReactorGone).
    pub fn pair() -> io::Result<(Self, Self)> {
        let handle = any_handle().map_err(io::Error::other)?;
        let (one, other) = mio::net::UnixStream::pair()?;
        Ok((Self::from_mio(&handle, one)?, Self::from_mio(&handle, other)?))
    }

    pub(super) fn from_mio(
        handle: &Handle,
        stream: mio::net::UnixStream,
    ) -> Result<Self, Refused<mio::net::UnixStream>> {
        Ok(Self { io: Io::watch(handle, stream, BOTH, Facts::ASSUMED)? })
    }

    read_methods!();
    write_methods!();
    owned_readable_methods!();
    owned_writable_methods!();
    split_methods!();
    shutdown_methods!();
    socket_methods!(std::os::unix::net::UnixStream, mio::net::UnixStream, SocketAddr);
    peer_methods!(SocketAddr);
}

watched!(UnixStream: mio::net::UnixStream);

stream_source!(mio::net::UnixStream, SHORT_IS_ALL = false, peek = peek);
byte_reader!([] UnixStream);
