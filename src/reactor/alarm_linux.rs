//! Ends a poll to the microsecond, where the poll itself counts in milliseconds: a timer descriptor among its sources.
//!
//! # Ahead of time
//! Between the ring of a timer and the return of the poll lies the wake of a processor that slept: some tens of microseconds,
//! much longer than the ticks of the timers. So each ring tells how long it was, and the next is set ahead by what has
//! hardly ever been too much ([`Lead`]). A poll that came back too early is followed by another for the rest, which nobody
//! spins through: a processor that has just been awake is soon awake again.

use crate::instant::Instant;
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

/// An alarm that is set this close to where it should be is left as it is: a system call costs more than it gains.
const CLOSE_ENOUGH: Duration = Duration::from_micros(5);

/// From here on a timeout is set ahead. The rest of one that was, is not.
const LONG: Duration = Duration::from_micros(150);

/// The timer of one poll.
#[derive(Debug)]
pub(super) struct Alarm {
    timer: OwnedFd,
    set: Option<Set>,
    /// The poll that is on has set it ahead of that, if it has set it at all.
    ahead: bool,
    lead: Lead,
}

/// What it is set to.
#[derive(Clone, Copy, Debug)]
struct Set {
    /// When the poll is to come back for it.
    wanted: Instant,
    /// When it rings: then, or ahead of that.
    rings: Instant,
}

/// How long before its moment an alarm is set to ring: as long as about one poll in twenty comes back too early.
#[derive(Debug)]
struct Lead(Duration);

impl Lead {
    /// Whatever the system does.
    const MOST: Duration = Duration::from_micros(60);
    /// What one poll may add: one that was held up by something else tells little.
    const STEP: Duration = Duration::from_micros(1);
    /// What part of its lateness a poll adds.
    const PART: u32 = 32;
    /// What one that came too early takes away.
    const BACK: Duration = Duration::from_micros(4);

    /// A poll that was to come back at `wanted` did so at `now`.
    fn learn(&mut self, wanted: Instant, now: Instant) {
        self.0 = match now.checked_duration_since(wanted) {
            Some(late) => (self.0 + (late / Self::PART).min(Self::STEP)).min(Self::MOST),
            None => self.0.saturating_sub(Self::BACK),
        };
    }
}

impl Alarm {
    pub(super) fn new(registry: &Registry, token: Token) -> io::Result<Self> {
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        // Edge-triggered, and setting it anew takes an expiration back: nothing ever needs to be read.
        registry.register(&mut SourceFd(&timer.as_raw_fd()), token, Interest::READABLE)?;
        Ok(Self { timer, set: None, ahead: false, lead: Lead(Duration::ZERO) })
    }

    /// Sets it so that a poll that begins now comes back in `timeout`, or not at all for it; it may come back too early.
    /// Returns the timeout that is left to the poll: none, unless the timer cannot be set.
    pub(super) fn set_ahead(&mut self, timeout: Option<Duration>) -> Option<Duration> {
        self.ahead = timeout.is_some_and(|timeout| timeout >= LONG);
        self.set_by(timeout, if self.ahead { self.lead.0 } else { Duration::ZERO })
    }

    /// Sets it to ring in `timeout` and not before, or not at all. Returns what is left to the poll, as [`Self::set_ahead`].
    pub(super) fn set(&mut self, timeout: Option<Duration>) -> Option<Duration> {
        self.set_by(timeout, Duration::ZERO)
    }

    fn set_by(&mut self, timeout: Option<Duration>, lead: Duration) -> Option<Duration> {
        let Some(timeout) = timeout else {
            if self.set.is_some() && self.arm(Duration::ZERO).is_ok() {
                self.set = None;
            }
            return None;
        };
        let now = Instant::now();
        let Some(wanted) = now.checked_add(timeout) else {
            // Beyond the end of the system's time.
            return Some(timeout);
        };
        let close = |set: Set| set.wanted.max(wanted) - set.wanted.min(wanted) <= CLOSE_ENOUGH;
        if self.set.is_some_and(close) {
            return None;
        }
        // Zero would disarm it.
        let wait = timeout.saturating_sub(lead).max(Duration::from_nanos(1));
        match self.arm(wait) {
            Ok(()) => {
                self.set = Some(Set { wanted, rings: now + wait });
                None
            }
            Err(_) => Some(timeout),
        }
    }

    /// It rang: it will not ring again before it is set anew.
    pub(super) fn rang(&mut self) {
        if let Some(set) = self.set.take().filter(|_| self.ahead) {
            self.lead.learn(set.wanted, Instant::now());
        }
    }

    /// True if it may have rung, and nobody has noticed yet.
    pub(super) fn may_have_rung(&self) -> bool {
        self.set.is_some_and(|set| set.rings <= Instant::now())
    }

    /// The poll is over. A ring that is noticed in passing, any time later, tells nothing of how long a wake takes.
    pub(super) fn awake(&mut self) {
        self.ahead = false;
    }

    fn arm(&self, timeout: Duration) -> io::Result<()> {
        let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
        let value = Timespec::try_from(timeout).map_err(io::Error::other)?;
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &Itimerspec { it_interval: zero, it_value: value })?;
        Ok(())
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// Polls that come back between 30 and 50 us after the ring.
    #[test]
    fn the_lead_stays_where_few_polls_are_early() {
        let (mut lead, mut early, wanted) = (Lead(Duration::ZERO), 0, Instant::now() + Duration::from_secs(1));
        for round in 0..10_000u32 {
            let latency = Duration::from_micros(30 + u64::from(round * 7919 % 20));
            let now = wanted + latency - lead.0;
            early += u32::from(now < wanted);
            lead.learn(wanted, now);
        }
        assert!((25..40).contains(&lead.0.as_micros()), "{lead:?}");
        assert!((1..1000).contains(&early), "{early}");
    }

    #[test]
    fn the_lead_has_bounds() {
        let (mut lead, now) = (Lead(Duration::ZERO), Instant::now());
        lead.learn(now, now + Duration::from_secs(1));
        assert_eq!(lead.0, Lead::STEP, "one poll adds no more, however late");
        for _ in 0..100 {
            lead.learn(now, now + Duration::from_secs(1));
        }
        assert_eq!(lead.0, Lead::MOST);
        for _ in 0..100 {
            lead.learn(now + Duration::from_micros(1), now);
        }
        assert_eq!(lead.0, Duration::ZERO);
    }
}
