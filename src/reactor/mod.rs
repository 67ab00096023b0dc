//! The reactor's wait in the operating system's poll: sockets, timers and wakes end the same call.
//!
//! The handshake with whoever wakes is that of [`crate::park`]; only the blocking differs. One [`mio::Waker`] per
//! poll, kept alive as long as anyone may unpark. Waking is one system call, and only for a reactor that is parked.

use crate::park::{ParkState, Unpark};
use crate::sync::Arc;
use mio::{Events, Poll, Token, Waker};
use std::io;
use std::time::Duration;

/// The token of the waker; no socket gets it.
const WAKE: Token = Token(usize::MAX);

/// How many events one poll takes.
const EVENTS: usize = 256;

/// The parking half: stays with the reactor thread.
#[derive(Debug)]
pub(crate) struct PollParker {
    poll: Poll,
    events: Events,
    unparker: Arc<PollUnparker>,
}

/// The waking half.
#[derive(Debug)]
pub(crate) struct PollUnparker {
    state: ParkState,
    waker: Waker,
}

impl PollParker {
    /// Opens the system's poll.
    ///
    /// # Errors
    /// Those of the system: out of file descriptors, out of memory.
    pub(crate) fn new() -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKE)?;
        let unparker = Arc::new(PollUnparker { state: ParkState::new(), waker });
        Ok(Self { poll, events: Events::with_capacity(EVENTS), unparker })
    }

    pub(crate) fn unparker(&self) -> Arc<PollUnparker> {
        Arc::clone(&self.unparker)
    }

    pub(crate) fn state(&self) -> &ParkState {
        &self.unparker.state
    }

    /// Blocks until unparked, until an event, or until `timeout` has passed.
    ///
    /// EINTR is an early return, not an error. Any other failure of the poll means a broken descriptor: there is
    /// nothing to wait on any more, and the loop goes on without sleeping rather than never wake again.
    pub(crate) fn park(&mut self, timeout: Option<Duration>) {
        if !self.state().set() {
            return;
        }
        if let Err(error) = self.poll.poll(&mut self.events, timeout) {
            debug_assert!(error.kind() == io::ErrorKind::Interrupted, "the system's poll failed: {error}");
        }
        self.state().unset();
    }
}

impl Unpark for PollUnparker {
    fn unpark(&self) {
        if self.state.notify() {
            // Fails only if the descriptor's counter is full, and then the poll wakes anyway.
            let _woken = self.waker.wake();
        }
    }
}
