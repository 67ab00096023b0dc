//! The reactor's wait in the operating system's poll: sockets, timers and wakes end the same call.
//!
//! The handshake with whoever wakes is that of [`crate::park`]; only the blocking differs. One [`mio::Waker`] per
//! poll, kept alive as long as anyone may unpark. Waking is one system call, and only for a reactor that is parked.
//!
//! How long a poll may take is left to an *alarm*, since the poll's own timeout is too coarse on some systems.

#[cfg(target_os = "linux")]
#[path = "alarm_linux.rs"]
mod alarm;
#[cfg(not(target_os = "linux"))]
#[path = "alarm_other.rs"]
mod alarm;

use crate::park::{ParkState, Unpark};
use crate::sync::Arc;
use mio::{Events, Poll, Token, Waker};
use std::io;
use std::time::Duration;

/// The token of the waker; no socket gets it.
const WAKE: Token = Token(usize::MAX);

/// The token of the alarm; no socket gets it either.
const ALARM: Token = Token(usize::MAX - 1);

/// How many events one poll takes.
const EVENTS: usize = 256;

/// How long a park lasts where the poll is broken.
const STEP: Duration = Duration::from_millis(1);

/// The parking half: stays with the reactor thread.
#[derive(Debug)]
pub(crate) struct PollParker {
    poll: Poll,
    events: Events,
    alarm: alarm::Alarm,
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
        let alarm = alarm::Alarm::new(poll.registry(), ALARM)?;
        let unparker = Arc::new(PollUnparker { state: ParkState::new(), waker });
        Ok(Self { poll, events: Events::with_capacity(EVENTS), alarm, unparker })
    }

    pub(crate) fn unparker(&self) -> Arc<PollUnparker> {
        Arc::clone(&self.unparker)
    }

    pub(crate) fn state(&self) -> &ParkState {
        &self.unparker.state
    }

    /// Blocks until unparked, until an event, or until `timeout` has passed.
    ///
    /// EINTR is an early return, not an error. Any other failure of the poll means a broken descriptor: there is nothing
    /// to wait on any more, and the loop goes on in small steps rather than never wake again.
    pub(crate) fn park(&mut self, timeout: Option<Duration>) {
        if !self.state().set() {
            return;
        }
        let timeout = self.alarm.set(timeout);
        if let Err(error) = self.poll.poll(&mut self.events, timeout)
            && error.kind() != io::ErrorKind::Interrupted
        {
            debug_assert!(false, "the system's poll failed: {error}");
            std::thread::sleep(STEP);
        }
        self.state().unset();
        if self.events.iter().any(|event| event.token() == ALARM) {
            self.alarm.rang();
        }
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
