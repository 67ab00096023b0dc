//! How long to wait for room that no event tells of.
//!
//! Linux has two such cases between Unix sockets: a connect to a listener whose backlog is full, and a datagram to an
//! address whose queue is full (of other senders' datagrams) by a socket that is not connected to it. Both fail with
//! `WouldBlock` although the socket itself is writable. They are tried again after 1 ms, and each time in a row after
//! twice as long, up to 32 ms.

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

    pub(super) fn next(&mut self) -> Duration {
        let wait = self.next;
        self.next = (wait * 2).min(LONGEST);
        wait
    }
}
