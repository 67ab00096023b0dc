//! Notifies of steps of the system's wall clock: a timer that the system cancels when the clock is set.
//!
//! The timer is set for a moment that never comes. A step, and the end of a suspend, make its descriptor readable.

use crate::sync::{Mutex, Weak};
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

/// Called after each step. Must not block, nor call user code.
pub(crate) type OnStep = dyn Fn() + Send + Sync;

/// The watch of one reactor. Opens its descriptor for the first listener.
#[derive(Default)]
pub(super) struct ClockWatch(Mutex<State>);

#[derive(Default)]
struct State {
    timer: Option<OwnedFd>,
    listeners: Vec<Weak<OnStep>>,
}

impl ClockWatch {
    /// Adds a listener. Its steps are noticed from now on.
    ///
    /// # Errors
    /// Those of the system: out of file descriptors, no such timer.
    pub(super) fn add(&self, registry: &Registry, token: Token, listener: Weak<OnStep>) -> io::Result<()> {
        let mut state = self.0.lock();
        if state.timer.is_none() {
            let timer = timerfd_create(TimerfdClockId::Realtime, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
            arm(&timer, NEVER)?;
            registry.register(&mut SourceFd(&timer.as_raw_fd()), token, Interest::READABLE)?;
            state.timer = Some(timer);
        }
        state.listeners.retain(|known| known.strong_count() > 0);
        state.listeners.push(listener);
        Ok(())
    }

    /// The descriptor is readable: calls the listeners.
    pub(super) fn rang(&self) {
        let mut state = self.0.lock();
        if let Some(timer) = &state.timer {
            // Setting it anew takes the cancellation back: nothing needs to be read. If it fails, steps are noticed at the next look.
            let _armed = arm(timer, NEVER);
        }
        state.listeners.retain(|known| known.strong_count() > 0);
        let listeners: Vec<_> = state.listeners.iter().filter_map(Weak::upgrade).collect();
        drop(state);
        listeners.iter().for_each(|listener| listener());
    }

    /// Closes the descriptor.
    pub(super) fn close(&self) {
        let state = std::mem::take(&mut *self.0.lock());
        drop(state);
    }

    /// Makes the timer ring at once, as a step does.
    #[cfg(all(test, not(loom)))]
    pub(super) fn ring(&self) {
        arm(self.0.lock().timer.as_ref().expect("a listener was added"), Timespec { tv_sec: 1, tv_nsec: 0 })
            .expect("a timer");
    }
}

/// Far beyond the end of the system's time.
const NEVER: Timespec = Timespec { tv_sec: 1 << 60, tv_nsec: 0 };

fn arm(timer: &OwnedFd, at: Timespec) -> io::Result<()> {
    let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
    let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
    timerfd_settime(timer, flags, &Itimerspec { it_interval: zero, it_value: at })?;
    Ok(())
}
