//! The connection: lines from a server that hangs up now and then. It connects again by itself, or when it is told to.

use crate::feed::Feed;
use offtick::net::reconnect::{Fresh, State};
use offtick::net::{Reconnecting, TcpStream};
use offtick::{BoxError, Handle, RetryPolicy};
use std::time::Duration;

/// The wait after a first try that failed, and the longest one.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// A connection that is lost sooner counts as a failed try.
const STABLE_AFTER: Duration = Duration::from_millis(500);

pub(crate) struct Link {
    connection: Reconnecting<TcpStream>,
    _server: Feed,
    pub(crate) state: String,
    pub(crate) newest: String,
    lines: u64,
    connected: u64,
    lost: u64,
}

impl Link {
    /// # Errors
    /// Those of the server.
    pub(crate) fn open(rt: &Handle) -> Result<Self, BoxError> {
        let server = Feed::start(rt)?;
        let address = server.address;
        let policy = RetryPolicy::exponential(FIRST_WAIT).max_delay(LONGEST_WAIT).jitter(0.2).max_attempts(u32::MAX);
        let connection = Reconnecting::builder(async move || TcpStream::connect(address).await)
            .policy(policy)
            .stable_after(STABLE_AFTER)
            // The line that the old connection broke off in does not go on in the new one.
            .handshake(async |fresh: &mut Fresh<TcpStream>| {
                fresh.take_partial(b'\n');
                Ok(())
            })
            .name("link")
            .open_on(rt)?;
        Ok(Self {
            connection,
            _server: server,
            state: String::new(),
            newest: String::new(),
            lines: 0,
            connected: 0,
            lost: 0,
        })
    }

    pub(crate) fn tick(&mut self) {
        for event in self.connection.events() {
            match event {
                State::Connected => self.connected += 1,
                State::Lost { .. } => self.lost += 1,
                _ => {}
            }
            self.state = event.to_string();
        }
        // What is neither a line nor `None` is a stream that is closed: the state says so.
        while let Ok(Some(line)) = self.connection.try_read_line() {
            self.lines += 1;
            self.newest = line;
        }
    }

    pub(crate) fn reconnect(&self) {
        self.connection.reconnect();
    }

    pub(crate) fn numbers(&self) -> [(&'static str, u64); 3] {
        // The first connection is none again.
        [("reconnects", self.connected.saturating_sub(1)), ("link_losses", self.lost), ("link_lines", self.lines)]
    }
}
