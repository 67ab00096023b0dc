//! Sockets, and whatever else the system can poll, as futures.
//!
//! ```text
//! Io                      any source: readiness, and operations tried until they do not block
//! TcpStream, TcpListener  over Io
//! lookup, ToSocketAddrs   names, on the blocking pool
//! reconnect               a stream over connections that come and go (a layer above)
//! ```

mod address;
mod backlog;
mod io;
pub mod reconnect;
mod stream;
mod tcp_listener;
mod tcp_stream;

pub use crate::reactor::ReactorGone;
pub use address::{ToSocketAddrs, lookup};
pub use io::Io;
pub use reconnect::Reconnecting;
pub use tcp_listener::TcpListener;
pub use tcp_stream::TcpStream;
