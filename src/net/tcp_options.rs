//! Options of connections over TCP that only some systems have.

use super::TcpStream;
use rustix::net::sockopt;
use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

impl TcpStream {
    /// The silence after which the system asks the peer whether it is still there; `None` if it never asks.
    ///
    /// # Errors
    /// Those of the system.
    pub fn keepalive(&self) -> io::Result<Option<Duration>> {
        if !sockopt::socket_keepalive(self.as_fd())? {
            return Ok(None);
        }
        Ok(Some(sockopt::tcp_keepidle(self.as_fd())?))
    }

    /// Lets the system ask a silent peer whether it is still there, after `idle` of silence, rounded up to
    /// seconds; a peer that does not answer ends the connection with an error. `None`, the default, never asks: a peer
    /// whose machine is gone is then not noticed by reading.
    ///
    /// # Errors
    /// `InvalidInput` for zero, or more than the system takes; those of the system.
    pub fn set_keepalive(&self, idle: Option<Duration>) -> io::Result<()> {
        if let Some(idle) = idle {
            sockopt::set_tcp_keepidle(self.as_fd(), idle)?;
        }
        Ok(sockopt::set_socket_keepalive(self.as_fd(), idle.is_some())?)
    }

    /// Lets the close of this stream reset the connection: what was written and not yet sent is lost, the peer sees
    /// `ConnectionReset`, and the system keeps nothing of it. For a peer that is not worth a good end.
    ///
    /// # Errors
    /// Those of the system.
    pub fn set_zero_linger(&self) -> io::Result<()> {
        self.set_linger(Some(Duration::ZERO))
    }

    /// How long the close of this stream waits until the peer has received all; `None` if it does not wait.
    ///
    /// # Errors
    /// Those of the system.
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        Ok(sockopt::socket_linger(self.as_fd())?)
    }

    /// Sets how long the close of this stream waits until the peer has received all (`SO_LINGER`), rounded up to seconds.
    /// `None`, the default, does not wait, and the system sends what was written all the same.
    ///
    /// A length other than zero blocks the thread that drops the stream. Drop such a stream in a closure on the blocking
    /// pool.
    ///
    /// # Errors
    /// `InvalidInput` for more than the system takes; those of the system.
    pub fn set_linger(&self, linger: Option<Duration>) -> io::Result<()> {
        Ok(sockopt::set_socket_linger(self.as_fd(), linger)?)
    }
}
