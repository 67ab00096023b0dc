//! Where the host stands between two ticks, and how it is told that there is work.
//!
//! A host that draws sixty frames a second needs no telling. One that sleeps is told in one of two ways, or both:
//! - its **hook** is called ([`Bell`]);
//! - the poll's **descriptor** becomes readable (`AsFd`), which the host's own poll waits for.
//!
//! Either is one park word ([`ParkState`](crate::park::ParkState)) under the same handshake as a parked reactor's:
//!
//! ```text
//! host, at the end of a tick:    inbox empty? -> arm the timers -> set: EMPTY -> PARKED     failed: tell the host now
//! others, with work:             publish it -> notify: any -> NOTIFIED                      was PARKED: tell the host
//! host, at the next tick:        unset: any -> EMPTY -> read the descriptor -> look for work
//! ```
//! - Work published before `set` makes `set` fail, and work after it finds PARKED: it is told in either case, once.
//! - The timers are armed before `set`, by the rules of [`time::driver`](crate::time::driver): whoever brings an earlier
//!   one notifies as well. The alarm of the descriptor is set to the deadline that the arming gave.
//! - The word is taken back and the descriptor read before the tick looks for work, so nothing is read away that it does
//!   not find. Whoever comes after the word was taken back finds EMPTY, rings nothing, and makes the next `set` fail.
//! - What the tick left (ready tasks, owed time, timers that are due) makes the descriptor readable at once. The hook is
//!   not called for it: the report of the tick has said so.
//!
//! - The alarm may ring a little before anything is due: it was set ahead by `run_until`, or for a timer nearby that was
//!   cancelled. The tick that follows is one that does something: it sets the alarm anew.
//!
//! A tick that finds nothing to do leaves all of it standing, and costs what it costs without a host that waits; for one
//! that waits for the descriptor, while timers are pending, another look at the clock.

use super::call_later::{CALLS_LATER, call_later};
use crate::park::{Descriptor, ParkState, Unpark};
use crate::sync::Arc;
use crate::task::raw::thread_token;
use crate::time::driver::{Driver, ParkTime};
use crate::util::catch::guarded;
use std::cell::Cell;

/// Calls the host's hook, once until the host has ticked.
pub(crate) struct Bell {
    parker: Arc<dyn Unpark>,
    quiet: ParkState,
    hook: Arc<dyn Fn() + Send + Sync>,
    /// The host's thread. A call of its own never runs the hook: afterwards the host asks whether a tick is needed. A page,
    /// where every wake comes on this thread, calls the hook from a microtask.
    home: Option<u64>,
}

impl Bell {
    pub(crate) fn new(parker: Arc<dyn Unpark>, hook: Arc<dyn Fn() + Send + Sync>, home: Option<u64>) -> Self {
        Self { parker, quiet: ParkState::new(), hook, home }
    }

    fn is_home(&self) -> bool {
        self.home.is_some_and(|home| home == thread_token())
    }

    fn ring(&self) {
        if !(CALLS_LATER && self.is_home()) {
            guarded(|| (self.hook)());
        } else {
            call_later(&self.hook);
        }
    }
}

impl Unpark for Bell {
    fn unpark(&self) {
        // A host that waits in `run_until`, or in the poll of its own.
        self.parker.unpark();
        if !CALLS_LATER && self.is_home() {
            return;
        }
        if self.quiet.notify() {
            self.ring();
        }
    }
}

/// The host's side.
pub(crate) struct Host {
    bell: Option<Arc<Bell>>,
    /// The host has asked for the descriptor.
    polls: Cell<bool>,
    /// Between `arm` and `disarm`.
    armed: Cell<bool>,
}

impl Host {
    pub(crate) fn new(bell: Option<Arc<Bell>>) -> Self {
        Self { bell, polls: Cell::new(false), armed: Cell::new(false) }
    }

    /// The host waits for the descriptor from now on; true if it did not before.
    #[cfg_attr(not(all(unix, feature = "net")), allow(dead_code, reason = "there is no descriptor to ask for"))]
    pub(crate) fn set_polls(&self) -> bool {
        !self.polls.replace(true)
    }

    /// True if somebody has told the host since the last tick, or the alarm may have.
    #[inline]
    pub(super) fn is_called(&self, descriptor: &impl Descriptor) -> bool {
        self.armed.get()
            && (self.bell.as_ref().is_some_and(|bell| !bell.quiet.is_parked())
                || (self.polls.get() && (!descriptor.word().is_parked() || descriptor.may_have_rung())))
    }

    /// The tick ends: from here on the host is told of work. `work`: there is some already. True if something came
    /// meanwhile that the hook is to [tell](Self::call) of.
    #[must_use]
    pub(crate) fn arm(&self, descriptor: &mut impl Descriptor, driver: &Driver, work: bool) -> bool {
        if self.bell.is_none() && !self.polls.get() {
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
        self.bell.as_ref().is_some_and(|bell| !bell.quiet.set())
    }

    /// Calls the hook, under no borrow.
    pub(crate) fn call(&self) {
        if let Some(bell) = &self.bell {
            bell.ring();
        }
    }

    /// The tick begins: the look at the descriptor follows, and only then the look for work.
    pub(crate) fn disarm(&self, word: &ParkState) {
        self.armed.set(false);
        if self.polls.get() {
            word.unset();
        }
        if let Some(bell) = &self.bell {
            bell.quiet.unset();
        }
    }

    /// True if the host waits for the descriptor.
    pub(super) fn polls(&self) -> bool {
        self.polls.get()
    }
}
