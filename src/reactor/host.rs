//! A host that waits for the poll's own descriptor, in place of a thread that parks in the poll.
//!
//! The park word is PARKED while the host is outside, so whoever has work rings the waker, which makes the descriptor
//! readable; so do the alarm and the sockets. Coming back inside reads all of that away.

use super::{PollParker, Sockets};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

impl PollParker {
    /// The host goes outside: from here on an unpark makes the descriptor readable, and so does the end of `timeout`.
    /// Something came meanwhile, or `work` says that there is some: it is readable at once.
    ///
    /// Where the system has no alarm, the host itself has to wait no longer than `timeout`.
    pub(crate) fn arm(&mut self, timeout: Option<Duration>, work: bool) {
        let _left_to_the_host = self.alarm.set(timeout);
        if !self.state().set() || work {
            // Fails only if the descriptor's counter is full, and then it is readable anyway.
            let _woken = self.unparker.waker.wake();
        }
    }

    /// As [`look`](Self::look), also while there are no sockets: reads away what made the descriptor readable. Called
    /// after the word was taken back: whoever comes in between rings nothing, and is found by the look for work that
    /// follows.
    pub(crate) fn look_at_all(&mut self) {
        if self.fetch(Some(Duration::ZERO)) {
            self.dispatch();
        }
    }
}

impl AsFd for Sockets {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.registry.as_fd()
    }
}
