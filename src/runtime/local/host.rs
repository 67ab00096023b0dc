//! The host between two ticks, and how it is notified of work.
//!
//! A host that draws sixty frames a second needs no notification. A host that sleeps is notified in one of two ways, or
//! both:
//! - its **hook** is called ([`HostWaker`]);
//! - the poll's **descriptor** becomes readable (`AsFd`), which the host's own poll waits for.
//!
//! Both use one park word ([`ParkState`](crate::park::ParkState)) with the same handshake as a parked reactor:
//!
//! ```text
//! host, at the end of a tick:    inbox empty? -> arm the timers -> set: EMPTY -> PARKED     failed: tell the host now
//! others, with work:             publish it -> notify: any -> NOTIFIED                      was PARKED: tell the host
//! host, at the next tick:        unset: any -> EMPTY -> read the descriptor -> look for work
//! ```
//! - Work published before `set` makes `set` fail, and work after it finds PARKED: in either case there is one
//!   notification.
//! - The timers are armed before `set`, by the rules of [`time::driver`](crate::time::driver): a thread that adds an
//!   earlier one notifies as well. The alarm of the descriptor is set to the deadline that arming returned.
//! - The tick takes the word back and reads the descriptor before it checks for work, so it finds everything that it
//!   reads away. A producer after that finds EMPTY, does not ring, and makes the next `set` fail.
//! - Work that the tick left (ready tasks, owed time, due timers) makes the descriptor readable immediately. The hook
//!   is not called for it: the report of the tick has it.
//!
//! - The alarm may ring slightly before anything is due: `run_until` set it ahead, or a timer nearby was cancelled. The
//!   next tick then sets the alarm again.
//!
//! A tick with nothing to do changes none of this, and costs as much as without a waiting host. With the descriptor and
//! pending timers it costs one more clock read.

use super::call_later::{CALLS_LATER, call_later};
use crate::park::{Descriptor, ParkState, Unpark};
use crate::sync::Arc;
use crate::task::raw::thread_token;
use crate::time::driver::{Driver, ParkTime};
use crate::util::catch::guarded;
use std::cell::Cell;

/// A waker that calls the host's hook, once until the host has ticked.
pub(crate) struct HostWaker {
    parker: Arc<dyn Unpark>,
    quiet: ParkState,
    hook: Arc<dyn Fn() + Send + Sync>,
    /// The host's thread.
    ///
    /// A call of the host never runs the hook: afterwards the host asks whether a tick is needed. On a web page, where
    /// every wake comes on this thread, a microtask calls the hook.
    owner_thread: Option<u64>,
}

impl HostWaker {
    pub(crate) fn new(parker: Arc<dyn Unpark>, hook: Arc<dyn Fn() + Send + Sync>, owner_thread: Option<u64>) -> Self {
        Self { parker, quiet: ParkState::new(), hook, owner_thread }
    }

    fn is_owner_thread(&self) -> bool {
        self.owner_thread.is_some_and(|owner| owner == thread_token())
    }

    fn ring(&self) {
        if !(CALLS_LATER && self.is_owner_thread()) {
            guarded(|| (self.hook)());
        } else {
            call_later(&self.hook);
        }
    }
}

impl Unpark for HostWaker {
    fn unpark(&self) {
        // For a host that waits in `run_until`, or in its own poll.
        self.parker.unpark();
        if !CALLS_LATER && self.is_owner_thread() {
            return;
        }
        if self.quiet.notify() {
            self.ring();
        }
    }
}

/// The state of the host between ticks.
pub(crate) struct HostState {
    host_waker: Option<Arc<HostWaker>>,
    /// True if the host has requested the descriptor.
    polls: Cell<bool>,
    /// True between `arm` and `disarm`.
    armed: Cell<bool>,
}

impl HostState {
    pub(crate) fn new(host_waker: Option<Arc<HostWaker>>) -> Self {
        Self { host_waker, polls: Cell::new(false), armed: Cell::new(false) }
    }

    /// Records that the host waits for the descriptor; returns true if it did not before.
    #[cfg_attr(not(all(unix, feature = "net")), allow(dead_code, reason = "there is no descriptor to ask for"))]
    pub(crate) fn set_polls(&self) -> bool {
        !self.polls.replace(true)
    }

    /// Returns true if the host was notified since the last tick, or the alarm may have rung.
    #[inline]
    pub(super) fn is_called(&self, descriptor: &impl Descriptor) -> bool {
        self.armed.get()
            && (self.host_waker.as_ref().is_some_and(|host_waker| !host_waker.quiet.is_parked())
                || (self.polls.get() && (!descriptor.word().is_parked() || descriptor.may_have_rung())))
    }

    /// Ends the tick: from here on the host is notified of work.
    ///
    /// `work` is true if there is some already. Returns true if work came meanwhile for which the hook must be
    /// [called](Self::call).
    #[must_use]
    pub(crate) fn arm(&self, descriptor: &mut impl Descriptor, driver: &Driver, work: bool) -> bool {
        if self.host_waker.is_none() && !self.polls.get() {
            return false;
        }
        self.armed.set(true);
        let wait = driver.prepare_park();
        if self.polls.get() {
            descriptor.set_alarm(match wait {
                ParkTime::AtMost(wait) => Some(wait),
                ParkTime::Zero | ParkTime::Unlimited => None,
            });
            if !descriptor.word().set() || work || wait == ParkTime::Zero {
                descriptor.ring();
            }
        }
        self.host_waker.as_ref().is_some_and(|host_waker| !host_waker.quiet.set())
    }

    /// Calls the hook, outside of any borrow.
    pub(crate) fn call(&self) {
        if let Some(host_waker) = &self.host_waker {
            host_waker.ring();
        }
    }

    /// Begins the tick. The check of the descriptor follows, and then the check for work.
    pub(crate) fn disarm(&self, word: &ParkState) {
        self.armed.set(false);
        if self.polls.get() {
            word.unset();
        }
        if let Some(host_waker) = &self.host_waker {
            host_waker.quiet.unset();
        }
    }

    /// Returns true if the host waits for the descriptor.
    pub(super) fn polls(&self) -> bool {
        self.polls.get()
    }
}
