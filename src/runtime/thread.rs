//! The reactor thread: turn after turn, and parked when there is nothing to do.
//!
//! ```text
//! loop: inbox -> timers -> one turn of ready tasks -> listings -> sockets, in passing or in the park
//! ```
//! Inbox, timers and sockets are looked at between any two turns, and a turn is bounded, so neither a task that wakes
//! itself for ever, nor a flood of spawns, nor timers that are due whenever the thread would park starve the rest.

use super::Parker;
use super::context::{self, Local};
use super::engine::LastWord;
use super::shared::Shared;
use crate::sync::Arc;
use crate::time::driver::ParkTime;
use crate::util::update::Lane;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Tasks per turn: long enough that the looks around cost little, short enough that inbox and timers wait for
/// microseconds only.
const TURN: usize = 128;

/// What is done on the thread before its first task; it gives what is to be done there after the last future was dropped.
pub(crate) type Around = Box<dyn FnOnce() -> Box<dyn FnOnce()> + Send>;

/// The body of the reactor thread.
pub(crate) fn run(shared: Arc<Shared>, mut parker: Parker, spin: Duration, around: Option<Around>) {
    let _last_word = LastWord(Arc::clone(&shared));
    let _lane = Lane::of_driver(&shared.update);
    let local = Rc::new(Local::new(shared));
    let _entered = context::enter(Rc::clone(&local));
    let leave = around.map(|enter| enter());
    turn_until_closing(&local, &mut parker, spin);
    local.close();
    if let Some(leave) = leave {
        leave();
    }
}

fn turn_until_closing(local: &Local, parker: &mut Parker, spin: Duration) {
    let (core, shared) = (&local.core, &*local.shared);
    while !shared.is_closing() {
        let now = shared.driver.clock().nanos();
        local.take_in(now);
        let fired = shared.driver.fire_due(now);
        core.turn(&shared.inbox, TURN);
        local.answer_listings();
        if fired.more || local.has_work() {
            parker.look();
            continue;
        }
        if !spin.is_zero() && spun(shared, parker, spin) {
            continue;
        }
        let timeout = match shared.driver.prepare_park() {
            ParkTime::Zero => {
                parker.look();
                continue;
            }
            ParkTime::AtMost(wait) => Some(wait),
            ParkTime::Unlimited => None,
        };
        shared.parks.add(1);
        parker.park(timeout);
    }
}

/// Looks for work for at most `limit` before the thread gives its core away. True if there is some.
fn spun(shared: &Shared, parker: &mut Parker, limit: Duration) -> bool {
    /// Looks between two readings of the clock.
    const LOOKS: u32 = 64;
    let until = Instant::now() + limit;
    loop {
        for _ in 0..LOOKS {
            if !shared.inbox.is_empty() || parker.state().take_notified() {
                parker.look();
                return true;
            }
            crate::sync::spin_loop();
        }
        if parker.look() {
            return true;
        }
        if Instant::now() >= until || shared.driver.is_due() {
            return false;
        }
    }
}
