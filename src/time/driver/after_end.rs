//! Timers whose runtime has shut down: one thread of the process drives them all.
//!
//! # The rule
//! The end of a runtime ends no timer. What was left of the wait passes in real time, and then the timer fires; new timers
//! of that runtime go the same way. So whoever waits on another thread or on another runtime waits no longer and no
//! shorter than it asked for. Under a manual clock real time is *added* to what the clock shows: a clock that the program
//! still moves fires them as well, and one that nobody moves holds up nobody.
//!
//! # The thread
//! It is started by the first such timer, is called `offtick-timer`, and ends when it has had no timer for a while
//! ([`IDLE_TIMEOUT`]). It drives a [`Driver`] by the protocol of a reactor, so nothing else differs.
//!
//! ```text
//! end, insert:  timer in the wheel -> adopt: not adopted? mark it, hand the driver over, unpark the thread
//! thread:       fire what is due -> no timer left? under the driver's lock: take the mark back, let the driver go
//! ```
//! The mark changes under the lock of the wheel: an insert comes before the thread's look, which finds its timer, or after
//! it, and then finds no mark and hands the driver over again.
//!
//! # No thread
//! Where the system refuses one, whoever polls such a timer drives it, in steps of [`STEP`]: see [`Driver::step`].

use super::{Driver, ParkTime};
use crate::instant::Instant;
use crate::park::{CondvarParker, Unpark};
use crate::sync::{Arc, LazyLock, plain, thread};
use crate::time::clock::Clock;
use crate::util::catch::guarded;
use std::task::{Context, Waker};
use std::time::Duration;

/// How long the thread outlives its last timer: a loop of short sleeps does not start a thread for each.
const IDLE_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a poll waits where no thread can be started.
const STEP: Duration = Duration::from_millis(1);

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
pub(super) fn unpark() {
    THREAD.parker.unpark();
}

/// A driver of no runtime, for timers where none can be started.
pub(crate) fn orphan() -> Arc<Driver> {
    static ORPHAN: LazyLock<Arc<Driver>> = LazyLock::new(|| {
        let driver = Driver::new(Clock::system(), Arc::new(CondvarParker::default()));
        driver.end();
        driver
    });
    Arc::clone(&ORPHAN)
}

/// Hands a driver to the thread; false if that cannot be started.
fn hand_over(driver: Arc<Driver>) -> bool {
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

impl Driver {
    /// Makes sure that somebody fires the timers of a driver that has ended; false if no thread can be started.
    fn adopt(self: &Arc<Self>) -> bool {
        {
            let mut shared = self.shared.lock();
            if shared.adopted || shared.wheel.len() == 0 {
                return true;
            }
            shared.adopted = true;
        }
        let adopted = hand_over(Arc::clone(self));
        if !adopted {
            self.shared.lock().adopted = false;
        }
        adopted
    }

    /// To be called after a timer was found pending, or made, by a poll: if the runtime has shut down, the timer goes on.
    #[inline]
    pub(crate) fn carry_on(self: &Arc<Self>, cx: &Context<'_>) {
        if self.ended.get().is_some() && !self.adopt() {
            self.step(cx);
        }
    }

    /// Drives the timers from a poll: waits a little, fires what is due, and has the future polled again.
    #[cold]
    pub(super) fn step(&self, cx: &Context<'_>) {
        thread::park_timeout(STEP);
        let _fired = self.fire_due(self.now());
        cx.waker().wake_by_ref();
    }

    /// The runtime shuts down: from now on real time passes for its timers, see the module. Everybody who waits is woken
    /// once, without need for most; a task of the runtime itself finds that it is gone.
    pub(crate) fn end(self: &Arc<Self>) {
        let mut wakers = {
            let mut shared = self.shared.lock();
            if self.ended.set(Instant::now()).is_err() {
                return;
            }
            shared.wheel.take_payloads(Waker::noop())
        };
        self.adopt();
        while let Some(waker) = wakers.pop() {
            guarded(|| waker.wake());
        }
    }

    /// Lets the thread forget the driver, if there is no timer.
    fn release_if_empty(&self) -> bool {
        let mut shared = self.shared.lock();
        let empty = shared.wheel.len() == 0;
        if empty {
            shared.adopted = false;
        }
        empty
    }
}
