//! Sockets, and whatever else the system can poll, as futures.
//!
//! ```text
//! Io                        any source: readiness, and operations tried until they do not block
//! TcpStream, TcpListener    connections over TCP
//! UdpSocket                 datagrams over UDP
//! UnixStream, UnixListener, UnixDatagram
//!                           the same between the processes of one machine (Unix)
//! ReadHalf, WriteHalf, OwnedReadHalf, OwnedWriteHalf
//!                           the directions of a stream
//! SharedStream              a stream with several owners
//! Ready, OwnedReadiness     what a socket is ready for; a wait that a struct can hold
//! BufReader                 reading by lines
//! Incoming                  the connections of a listener
//! Refused, ReactorGone      why a source is not watched; it comes back
//! lookup, ToSocketAddrs, ToSocketAddr
//!                           names, on the blocking pool; addresses
//! reconnect                 a stream over connections that come and go (a layer above)
//! ```
//!
//! With the feature `futures-io`, all streams of bytes, shared references to them and [`Io`] are
//! `futures_io::{AsyncRead, AsyncWrite}`. Closing a stream by them shuts its writing side.
//!
//! # Readiness
//! `readable`, `writable` and `ready` wait until an operation should be tried. A source stays ready until an operation
//! through this module would have blocked. System calls on the descriptor itself are unseen: run them in
//! [`try_io`](Io::try_io) or [`io`](Io::io), which every socket has. Any number of tasks may wait for one socket, by futures
//! and by `poll_` calls alike: an event wakes all of its direction.

mod address;
mod backlog;
mod buf_reader;
#[cfg(unix)]
mod bytes;
#[cfg(any(target_os = "linux", target_os = "android"))]
#[path = "calls_linux.rs"]
mod calls;
#[cfg(not(any(target_os = "linux", target_os = "android", windows)))]
#[path = "calls_other.rs"]
mod calls;
#[cfg(windows)]
#[path = "calls_windows.rs"]
mod calls;
mod custom;
mod datagram;
#[cfg(unix)]
mod descriptor;
#[cfg(feature = "futures-io")]
mod futures_io;
mod half;
mod inbox;
mod io;
#[cfg(not(unix))]
#[path = "limits_other.rs"]
mod limits;
#[cfg(unix)]
#[path = "limits_unix.rs"]
mod limits;
mod listener;
#[cfg(unix)]
mod owned_fd;
mod owned_half;
#[cfg(windows)]
mod owned_socket;
mod ready;
pub mod reconnect;
mod refused;
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd", target_os = "macos"))]
mod service_class;
mod shared_stream;
mod socket;
mod spare;
mod stream;
#[cfg(not(unix))]
#[path = "system_other.rs"]
mod system;
#[cfg(unix)]
#[path = "system_unix.rs"]
mod system;
mod tcp_listener;
#[cfg(all(unix, not(any(target_os = "haiku", target_os = "nto", target_os = "openbsd"))))]
mod tcp_options;
mod tcp_stream;
mod udp_multicast;
mod udp_socket;
#[cfg(unix)]
mod unix_address;
#[cfg(unix)]
mod unix_datagram;
#[cfg(unix)]
mod unix_listener;
#[cfg(unix)]
mod unix_stream;
#[cfg(unix)]
mod unix_waits;
#[cfg(any(target_os = "linux", target_os = "android"))]
#[path = "urgent_linux.rs"]
mod urgent;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[path = "urgent_other.rs"]
mod urgent;

pub use crate::reactor::ReactorGone;
pub use address::{ToSocketAddr, ToSocketAddrs, lookup};
pub use buf_reader::{BufReader, ByteReader};
pub use half::{ReadHalf, WriteHalf};
pub use io::Io;
pub use listener::{Incoming, Listener};
/// What to wait for: the `Interest` of the `mio` crate.
pub use mio::Interest;
pub use owned_half::{OwnedReadHalf, OwnedWriteHalf, ReuniteError};
pub use ready::{OwnedReadiness, Ready, Watch};
pub use reconnect::Reconnecting;
pub use refused::Refused;
pub use shared_stream::SharedStream;
pub use stream::ByteStream;
pub use tcp_listener::TcpListener;
pub use tcp_stream::TcpStream;
pub use udp_socket::UdpSocket;
#[cfg(unix)]
pub use unix_datagram::UnixDatagram;
#[cfg(unix)]
pub use unix_listener::UnixListener;
#[cfg(unix)]
pub use unix_stream::UnixStream;
