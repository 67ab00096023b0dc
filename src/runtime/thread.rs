//! The reactor thread: turn after turn, and parked when there is nothing to do.
//!
//! ```text
//! loop: inbox -> timers -> one turn of ready tasks -> listings -> (spin) -> park
//! ```
//! The inbox and the timers are looked at before every turn, and a turn is bounded, so neither a task that wakes itself
//! for ever nor a flood of spawns starves the rest.

use super::context::{self, Local};
use super::shared::Shared;
use crate::executor::Core;
use crate::park::ParkState;
use crate::sync::Arc;
use crate::sync::atomic::Ordering;
use crate::time::driver::ParkTime;
use std::rc::Rc;
use std::time::{Duration, Instant};

#[cfg(not(feature = "net"))]
use crate::park::CondvarParker;
#[cfg(feature = "net")]
use crate::reactor::PollParker;

/// Tasks per turn: long enough that the looks around cost little, short enough that inbox and timers wait for
/// microseconds only.
const TURN: usize = 128;

/// How the reactor waits: in the system's poll where there may be sockets, else on a condition variable.
#[cfg(feature = "net")]
pub(crate) type Parker = PollParker;
#[cfg(not(feature = "net"))]
pub(crate) type Parker = Arc<CondvarParker>;

/// The body of the reactor thread.
pub(crate) fn run(shared: Arc<Shared>, mut parker: Parker, spin: Duration) {
    // Told on the way out, whatever happens: nobody may wait for a thread that is gone.
    let _last_word = LastWord(Arc::clone(&shared));
    let core = Core::new(Arc::clone(&shared.counters));
    let local = Rc::new(Local { core, shared });
    let _entered = context::enter(Rc::clone(&local));
    turn_until_closing(&local, &mut parker, spin);
    local.core.shut_down(&local.shared.inbox);
    local.shared.driver.close();
    local.shared.answer_listings(&local.core);
}

struct LastWord(Arc<Shared>);

impl Drop for LastWord {
    fn drop(&mut self) {
        drop(self.0.inbox.close());
        self.0.ending.tell();
    }
}

fn turn_until_closing(local: &Local, parker: &mut Parker, spin: Duration) {
    let (core, shared) = (&local.core, &*local.shared);
    while !shared.is_closing() {
        let now = shared.driver.clock().nanos();
        core.set_now(now);
        core.drain(&shared.inbox);
        let fired = shared.driver.fire_due(now);
        core.turn(&shared.inbox, TURN);
        // Relaxed: whoever asks unparks afterwards, and the park handshake orders the look of the next turn.
        if shared.wanted.load(Ordering::Relaxed) != 0 {
            core.drain(&shared.inbox);
            shared.answer_listings(core);
        }
        if core.has_ready() || fired.more || !shared.inbox.is_empty() {
            continue;
        }
        if !spin.is_zero() && spun(shared, parker.state(), spin) {
            continue;
        }
        let timeout = match shared.driver.prepare_park() {
            ParkTime::Zero => continue,
            ParkTime::AtMost(wait) => Some(wait),
            ParkTime::Unlimited => None,
        };
        shared.parks.add(1);
        parker.park(timeout);
    }
}

/// Looks for work for at most `limit` before the thread gives its core away. True if there is some.
fn spun(shared: &Shared, state: &ParkState, limit: Duration) -> bool {
    /// Looks between two readings of the clock.
    const LOOKS: u32 = 64;
    let until = Instant::now() + limit;
    loop {
        for _ in 0..LOOKS {
            if !shared.inbox.is_empty() || state.take_notified() {
                return true;
            }
            crate::sync::spin_loop();
        }
        if Instant::now() >= until || shared.driver.is_due() {
            return false;
        }
    }
}
