//! Ends a poll to the microsecond, where the poll itself counts in milliseconds: a timer descriptor among its sources.

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

/// An alarm that is set this close to where it should be is left as it is: a system call costs more than it gains.
const CLOSE_ENOUGH: Duration = Duration::from_micros(5);

/// The timer of one poll.
#[derive(Debug)]
pub(super) struct Alarm {
    timer: OwnedFd,
    /// When it is going to ring.
    at: Option<Instant>,
}

impl Alarm {
    pub(super) fn new(registry: &Registry, token: Token) -> io::Result<Self> {
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        // Edge-triggered, and setting it anew takes an expiration back: nothing ever needs to be read.
        registry.register(&mut SourceFd(&timer.as_raw_fd()), token, Interest::READABLE)?;
        Ok(Self { timer, at: None })
    }

    /// Sets it to ring in `timeout`, or not at all. Returns the timeout that is left to the poll: none, unless the timer
    /// cannot be set.
    pub(super) fn set(&mut self, timeout: Option<Duration>) -> Option<Duration> {
        let Some(timeout) = timeout else {
            if self.at.is_some() && self.arm(Duration::ZERO).is_ok() {
                self.at = None;
            }
            return None;
        };
        let Some(wanted) = Instant::now().checked_add(timeout) else {
            // Beyond the end of the system's time.
            return Some(timeout);
        };
        let close = |at: Instant| at.max(wanted) - at.min(wanted) <= CLOSE_ENOUGH;
        if self.at.is_some_and(close) {
            return None;
        }
        // Zero would disarm it.
        match self.arm(timeout.max(Duration::from_nanos(1))) {
            Ok(()) => {
                self.at = Some(wanted);
                None
            }
            Err(_) => Some(timeout),
        }
    }

    /// It rang: it will not ring again before it is set anew.
    pub(super) fn rang(&mut self) {
        self.at = None;
    }

    fn arm(&self, timeout: Duration) -> io::Result<()> {
        let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
        let value = Timespec::try_from(timeout).map_err(io::Error::other)?;
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &Itimerspec { it_interval: zero, it_value: value })?;
        Ok(())
    }
}
