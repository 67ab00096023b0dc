//! The thread that fires them.
//!
//! The first such timer starts it. It is called `offtick-timer`, and ends when it has had no timer for a while ([`IDLE_TIMEOUT`]).

use super::super::{Driver, ParkTime};
use crate::park::{CondvarParker, Unpark};
use crate::sync::{Arc, LazyLock, plain, thread};
use std::time::Duration;

/// How long the thread outlives its last timer: a loop of short sleeps does not start a thread for each.
const IDLE_TIMEOUT: Duration = Duration::from_secs(1);

static THREAD: LazyLock<TimerThread> = LazyLock::new(TimerThread::default);

/// The thread, whether it runs or not.
#[derive(Default)]
struct TimerThread {
    state: plain::Mutex<State>,
    parker: Arc<CondvarParker>,
}

#[derive(Default)]
struct State {
    running: bool,
    /// Handed over, and not taken in yet.
    adopted: Vec<Arc<Driver>>,
}

/// Ends the park of the thread.
pub(in super::super) fn unpark() {
    THREAD.parker.unpark();
}

/// Hands a driver to the thread; false if that cannot be started.
pub(super) fn hand_over(driver: Arc<Driver>) -> bool {
    let mut state = THREAD.state.lock();
    if !state.running {
        let started = thread::Builder::new().name("offtick-timer".to_owned()).spawn(run);
        if started.is_err() {
            return false;
        }
        state.running = true;
    }
    state.adopted.push(driver);
    drop(state);
    unpark();
    true
}

fn run() {
    let mut drivers = Vec::new();
    loop {
        drivers.append(&mut THREAD.state.lock().adopted);
        let mut more = false;
        drivers.retain(|driver: &Arc<Driver>| {
            more |= driver.fire_due(driver.now()).more;
            !driver.release_if_empty()
        });
        if more {
            continue;
        }
        if drivers.is_empty() {
            THREAD.parker.park(Some(IDLE_TIMEOUT));
            let mut state = THREAD.state.lock();
            if state.adopted.is_empty() {
                state.running = false;
                return;
            }
            continue;
        }
        let waits = drivers.iter().map(|driver| driver.prepare_park());
        let wait = waits.reduce(ParkTime::shorter).unwrap_or(ParkTime::Zero);
        match wait {
            ParkTime::Zero => {}
            ParkTime::AtMost(wait) => THREAD.parker.park(Some(wait)),
            ParkTime::Unlimited => THREAD.parker.park(None),
        }
    }
}
