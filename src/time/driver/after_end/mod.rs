//! Timers whose runtime has shut down, or that no runtime polls: one thread of the process drives them all.
//!
//! # The rule
//! The end of a runtime ends no timer. What was left of the wait passes in real time, and then the timer fires; new timers
//! of that runtime go the same way. So whoever waits on another thread or on another runtime waits no longer and no
//! shorter than it asked for. Under a manual clock real time is *added* to what the clock shows: a clock that the program
//! still moves fires them as well, and one that nobody moves holds up nobody.
//!
//! # Who fires them
//! ```text
//! thread.rs   a thread of the process     page.rs   `setTimeout`, on wasm32-unknown-unknown
//! ```
//! Either drives a [`Driver`] by the protocol of a reactor, so nothing else differs.
//!
//! ```text
//! end, insert:  timer in the wheel -> adopt: not adopted? mark it, hand the driver over, unpark the thread
//! thread:       fire what is due -> no timer left? under the driver's lock: take the mark back, let the driver go
//! ```
//! The mark changes under the lock of the wheel: an insert comes before the thread's look, which finds its timer, or after
//! it, and then finds no mark and hands the driver over again.
//!
//! Where neither can be had, whoever polls such a timer drives it, in steps of [`STEP`]: see [`Driver::step`].

#[cfg(all(target_family = "wasm", target_os = "unknown", not(offtick_host_clock)))]
mod page;
#[cfg(not(all(target_family = "wasm", target_os = "unknown", not(offtick_host_clock))))]
mod thread;

#[cfg(all(target_family = "wasm", target_os = "unknown", not(offtick_host_clock)))]
use self::page::hand_over;
#[cfg(all(target_family = "wasm", target_os = "unknown", not(offtick_host_clock)))]
pub(super) use self::page::unpark;
#[cfg(not(all(target_family = "wasm", target_os = "unknown", not(offtick_host_clock))))]
use self::thread::hand_over;
#[cfg(not(all(target_family = "wasm", target_os = "unknown", not(offtick_host_clock))))]
pub(super) use self::thread::unpark;
use super::Driver;
use crate::instant::Instant;
use crate::park::CondvarParker;
use crate::sync::{Arc, HAS_THREADS, LazyLock};
use crate::time::clock::Clock;
use crate::util::catch::guarded;
use std::task::{Context, Waker};
use std::time::Duration;

/// How long a poll waits where no thread can be started.
const STEP: Duration = Duration::from_millis(1);

/// A driver of no runtime, for timers where none can be started.
pub(crate) fn orphan() -> Arc<Driver> {
    static ORPHAN: LazyLock<Arc<Driver>> = LazyLock::new(|| {
        let driver = Driver::new(Clock::system(), Arc::new(CondvarParker::default()));
        driver.end();
        driver
    });
    Arc::clone(&ORPHAN)
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
        if HAS_THREADS {
            crate::sync::thread::park_timeout(STEP);
        }
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
