//! Servers in processes of their own, and who loads them.
//!
//! `offtick-bench --serve NAME` is one server: it prints its port and serves until it is killed. So each peer has a
//! process to itself, whose CPU time is that of its serving alone.

mod client;
mod http;
mod mio_server;
mod servers;
pub mod wrk;

use crate::measure::machine::process_time;
pub use client::{Load, Traffic};
pub use servers::{SERVERS, serve};

use std::io::{self, BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A server's process. Killed with its drop.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
}

impl Server {
    /// Starts the server of this name.
    ///
    /// # Errors
    /// Those of starting a process, and of one that does not say its port.
    pub fn start(name: &str) -> io::Result<Self> {
        let mut child =
            Command::new(std::env::current_exe()?).args(["--serve", name]).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        if let Some(out) = child.stdout.take() {
            BufReader::new(out).read_line(&mut line)?;
        }
        let port: u16 = line.trim().parse().map_err(|_| io::Error::other(format!("{name} did not start")))?;
        Ok(Self { child, address: (Ipv4Addr::LOCALHOST, port).into() })
    }

    /// CPU time of all threads of the process so far.
    pub fn cpu(&self) -> Duration {
        process_time(self.child.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _killed = self.child.kill();
        let _reaped = self.child.wait();
    }
}
