//! Sockets, and whatever else the system can poll, as futures.
//!
//! ```text
//! Io                      any source: readiness, and operations tried until they do not block
//! TcpStream, TcpListener  over Io
//! lookup, ToSocketAddrs   names, on the blocking pool
//! ```
//!
//! With the feature `futures-io`, all streams of bytes, shared references to them and [`Io`] are
//! `futures_io::{AsyncRead, AsyncWrite}`. Closing a stream by them shuts its writing side. As with all calls by the name
//! of `poll_`, one task at a time may read by them and one write: of several, the last to call is woken.

mod address;
mod backlog;
#[cfg(feature = "futures-io")]
mod futures_io;
mod io;
mod stream;
mod tcp_listener;
mod tcp_stream;

pub use crate::reactor::ReactorGone;
pub use address::{ToSocketAddrs, lookup};
pub use io::Io;
pub use tcp_listener::TcpListener;
pub use tcp_stream::TcpStream;
