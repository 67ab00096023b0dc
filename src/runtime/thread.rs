//! The reactor thread: it runs turns, and parks when there is nothing to do.
//!
//! ```text
//! loop: inbox -> timers -> one turn of ready tasks -> hooks -> list of tasks -> sockets, in passing or in the park
//! ```
//! [`Wait`] decides how long it checks for work before it parks.
//!
//! Inbox, timers and sockets are checked between any two turns, and a turn is bounded. So nothing starves the rest: not
//! a task that always wakes itself, not a flood of spawns, not timers that are due whenever the thread would park.

use super::Parker;
use super::context::{self, Local};
use super::engine::ShutdownGuard;
use super::shared::Shared;
use super::stack;
use super::wait::Wait;
use crate::sync::Arc;
use crate::time::driver::ParkTime;
use crate::util::update::ThreadFlag;
use std::rc::Rc;
use std::time::Duration;

/// The number of tasks per turn.
///
/// Enough that the checks around a turn cost little, and few enough that inbox and timers wait only for microseconds.
const TURN: usize = 128;

/// A function that runs on the thread before its first task.
///
/// It returns the function to run there after the last future was dropped.
pub(crate) type Around = Box<dyn FnOnce() -> Box<dyn FnOnce()> + Send>;

/// Runs the reactor thread.
pub(crate) fn run(shared: Arc<Shared>, mut parker: Parker, spin: Duration, stack_size: usize, around: Option<Around>) {
    stack::enter_thread(stack_size);
    shared.ending.set_thread();
    let _guard = ShutdownGuard(Arc::clone(&shared));
    let _flag = ThreadFlag::of_driver(&shared.update);
    let local = Rc::new(Local::new(shared));
    let _entered = context::enter(Rc::clone(&local));
    let leave = around.map(|enter| enter());
    let wait = Wait::new(spin, local.shared.driver.clock().runs_by_itself());
    turn_until_closing(&local, &mut parker, wait);
    local.close();
    if let Some(leave) = leave {
        leave();
    }
}

fn turn_until_closing(local: &Local, parker: &mut Parker, mut wait: Wait) {
    let (core, shared) = (&local.core, &*local.shared);
    while !shared.is_closing() {
        let now = shared.driver.clock().nanos();
        wait.turn(now, || !shared.inbox.is_empty());
        local.take_in(now);
        let fired = shared.driver.fire_due(now);
        core.turn(&shared.inbox, TURN);
        local.deliver_hooks();
        local.serve_listing();
        if fired.more || local.has_work() {
            parker.look();
            continue;
        }
        // A waker that the check called may have posted to a hook.
        if wait.look(shared, parker) || shared.hooks.is_due() {
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
        if !shared.inbox.prepare_park() {
            parker.look();
            continue;
        }
        shared.parks.add(1);
        parker.park(local.limit_park(timeout));
        shared.inbox.unparked();
        wait.parked();
    }
}
