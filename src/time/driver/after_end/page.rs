//! The timer of the page, worker or node that fires them: `setTimeout`.
//!
//! One timeout is set at a time, for the earliest moment of all drivers. A timer that is earlier sets another one; the later
//! timeout then finds less to do.

use super::super::{Driver, ParkTime};
use crate::instant::Instant;
use crate::sync::{Arc, plain};
use crate::util::page::{call_after, has_timers};
use std::time::Duration;

static PAGE: plain::Mutex<State> = plain::Mutex::new(State { drivers: Vec::new(), rings_at: None });

struct State {
    drivers: Vec<Arc<Driver>>,
    /// When the earliest timeout that is set will end.
    rings_at: Option<Instant>,
}

/// Sets a timeout for a timer that became the earliest.
pub(in super::super) fn unpark() {
    arm();
}

/// Has the page fire the timers of a driver; false if it has no `setTimeout`.
pub(super) fn hand_over(driver: Arc<Driver>) -> bool {
    let found = has_timers();
    if found {
        PAGE.lock().drivers.push(driver);
        arm();
    }
    found
}

fn arm() {
    let mut state = PAGE.lock();
    let waits = state.drivers.iter().map(|driver| driver.prepare_park());
    let wait = match waits.reduce(ParkTime::shorter) {
        None | Some(ParkTime::Unlimited) => return,
        Some(ParkTime::Zero) => Duration::ZERO,
        Some(ParkTime::AtMost(wait)) => wait,
    };
    let rings_at = Instant::now().checked_add(wait);
    if state.rings_at.is_some_and(|set| rings_at.is_none_or(|at| set <= at)) {
        return;
    }
    if call_after(wait, ring) {
        state.rings_at = rings_at;
    }
}

/// Fires what is due. Runs in a callback of the page.
fn ring() {
    let mut drivers = {
        let mut state = PAGE.lock();
        state.rings_at = None;
        std::mem::take(&mut state.drivers)
    };
    drivers.retain(|driver| {
        // What one call leaves makes the next timeout one of zero.
        let _fired = driver.fire_due(driver.now());
        !driver.release_if_empty()
    });
    PAGE.lock().drivers.append(&mut drivers);
    arm();
}
