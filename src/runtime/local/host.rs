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
//! - The word is taken back before the descriptor is read. So what is read away was told of work that this tick looks
//!   for only afterwards; who comes later finds EMPTY, rings nothing, and makes the next `set` fail.
//! - What the tick left (ready tasks, owed time, timers that are due) rings at once.
//!
//! A tick that finds nothing to do leaves all of it standing, and costs what it costs without a host that waits.

use crate::park::{ParkState, Unpark};
use crate::runtime::Parker;
use crate::sync::Arc;
use crate::time::driver::{Driver, ParkTime};
use crate::util::catch::guarded;
use std::cell::Cell;

/// Calls the host's hook, once until the host has ticked.
pub(crate) struct Bell {
    parker: Arc<dyn Unpark>,
    quiet: ParkState,
    hook: Box<dyn Fn() + Send + Sync>,
}

impl Bell {
    pub(super) fn new(parker: Arc<dyn Unpark>, hook: Box<dyn Fn() + Send + Sync>) -> Self {
        Self { parker, quiet: ParkState::new(), hook }
    }

    fn ring(&self) {
        guarded(|| (self.hook)());
    }
}

impl Unpark for Bell {
    fn unpark(&self) {
        // A host that waits in `run_until`, or in the poll of its own.
        self.parker.unpark();
        if self.quiet.notify() {
            self.ring();
        }
    }
}

/// The host's side.
pub(super) struct Host {
    bell: Option<Arc<Bell>>,
    /// The host has asked for the descriptor.
    polls: Cell<bool>,
    /// Between `arm` and `disarm`.
    armed: Cell<bool>,
}

impl Host {
    pub(super) fn new(bell: Option<Arc<Bell>>) -> Self {
        Self { bell, polls: Cell::new(false), armed: Cell::new(false) }
    }

    /// The host waits for the descriptor from now on; true if it did not before.
    #[cfg(all(unix, feature = "net"))]
    pub(super) fn set_polls(&self) -> bool {
        !self.polls.replace(true)
    }

    /// True if somebody has told the host since the last tick, or if there are sockets to look at.
    #[inline]
    pub(super) fn may_have_news(&self, parker: &Parker) -> bool {
        parker.has_sockets()
            || self.armed.get()
                && (self.bell.as_ref().is_some_and(|bell| !bell.quiet.is_parked())
                    || (self.polls.get() && !parker.state().is_parked()))
    }

    /// The tick ends: from here on the host is told of work. `work`: there is some already.
    pub(super) fn arm(&self, parker: &mut Parker, driver: &Driver, work: bool) {
        if self.bell.is_none() && !self.polls.get() {
            return;
        }
        self.armed.set(true);
        let wait = driver.prepare_park();
        if self.polls.get() {
            ring_by_descriptor(parker, wait, work);
        }
        if let Some(bell) = &self.bell
            && !bell.quiet.set()
        {
            bell.ring();
        }
    }

    /// The tick begins; [`look`](Self::look) follows, and only then the look for work.
    pub(super) fn disarm(&self, parker: &Parker) {
        self.armed.set(false);
        if self.polls.get() {
            parker.state().unset();
        }
        if let Some(bell) = &self.bell {
            bell.quiet.unset();
        }
    }

    /// Wakes whom the sockets concern, and leaves the descriptor unreadable.
    pub(super) fn look(&self, parker: &mut Parker) {
        if self.polls.get() {
            read_descriptor(parker);
        } else {
            parker.look();
        }
    }
}

#[cfg(all(unix, feature = "net"))]
fn ring_by_descriptor(parker: &mut Parker, wait: ParkTime, work: bool) {
    match wait {
        ParkTime::Zero => parker.arm(None, true),
        ParkTime::AtMost(wait) => parker.arm(Some(wait), work),
        ParkTime::Unlimited => parker.arm(None, work),
    }
}

#[cfg(all(unix, feature = "net"))]
fn read_descriptor(parker: &mut Parker) {
    parker.look_at_all();
}

/// There is no descriptor to wait for.
#[cfg(not(all(unix, feature = "net")))]
fn ring_by_descriptor(_: &mut Parker, _: ParkTime, _: bool) {}

#[cfg(not(all(unix, feature = "net")))]
fn read_descriptor(_: &mut Parker) {}
