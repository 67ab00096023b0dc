//! How long to wait for room that no event tells of.
//!
//! Linux has two such cases between Unix sockets: a connect to a listener whose backlog is full, and a datagram to an
//! address whose queue is full by a socket that is not connected to it. Both fail with `WouldBlock` although the socket
//! itself is writable; for the datagram, the failed call even causes an event that says so, and whoever tried again at
//! that event would spin. They are tried again after 1 ms, and each time in a row after twice as long, up to 32 ms.

use crate::reactor::ReactorGone;
use crate::runtime::Handle;
use std::time::Duration;

/// The first wait.
const FIRST: Duration = Duration::from_millis(1);

/// The longest wait.
const LONGEST: Duration = Duration::from_millis(32);

/// The waits, one after the other.
pub(super) struct Waits {
    next: Duration,
}

impl Waits {
    pub(super) fn new() -> Self {
        Self { next: FIRST }
    }

    /// Waits, each time longer.
    ///
    /// # Errors
    /// [`ReactorGone`]: the sleeps of a runtime that is shut down are over at once.
    pub(super) async fn pause(&mut self, handle: &Handle) -> Result<(), ReactorGone> {
        handle.sleep(self.next).await;
        self.next = (self.next * 2).min(LONGEST);
        if handle.is_closed() { Err(ReactorGone) } else { Ok(()) }
    }
}
