//! Ticks without a host's loop: until a future is ready, or until nothing is.

use super::LocalRuntime;
use super::budget::{Budget, Meter, TickError, TickReport};
use super::tick::{Moment, ROUNDS};
use super::world::World;
use crate::park::Unpark;
use crate::runtime::context;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, HAS_THREADS};
use crate::time::driver::ParkTime;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Wake, Waker};

/// The number of polls of tasks between two checks of the main future.
const TURN: usize = 128;

/// A waker that marks the main future as due, and ends the wait.
struct MainWaker {
    woken: AtomicBool,
    unparker: Arc<dyn Unpark>,
}

impl Wake for MainWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // AcqRel publishes what was done before the wake to the swap of the loop.
        if !self.woken.swap(true, Ordering::AcqRel) {
            self.unparker.unpark();
        }
    }
}

impl LocalRuntime {
    /// Drives the runtime until `future` is ready, sleeping in between.
    ///
    /// Use it in tools and tests, at the end of `main`, and to wait for a task on the thread that drives it. The future
    /// is polled here and need not be `Send` or `'static`. Each turn of the wait counts as a tick, so a task that waits
    /// for ticks runs at full speed meanwhile, and the thread does not sleep.
    ///
    /// Under a manual clock time does not pass: if the future waits for time, another thread must move the clock.
    ///
    /// # Errors
    /// [`TickError::Nested`] inside a task of this runtime; [`TickError::WouldDeadlock`] if this thread drives another
    /// one. The future is dropped unpolled.
    ///
    /// On wasm32-unknown-unknown no thread may block. There the error is [`TickError::WouldDeadlock`] as soon as nothing is ready,
    /// even if a timer is pending.
    ///
    /// # Panics
    /// If the future does. The runtime continues.
    ///
    /// # Example
    /// ```
    /// let rt = offtick::LocalRuntime::new()?;
    /// let task = rt.spawn(async { 20 });
    /// let sum = rt.run_until(async { task.await.map(|value| value + 1) })??;
    /// assert_eq!(sum, 21);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn run_until<F: Future>(&self, future: F) -> Result<F::Output, TickError> {
        let park = |_polled, idle| {
            if idle && HAS_THREADS {
                self.park();
            }
            HAS_THREADS || !idle
        };
        // The loop ends early only where no thread may block.
        self.drive(future, park)?.ok_or(TickError::WouldDeadlock)
    }

    /// Sleeps until the next deadline at most, or until this thread is woken.
    fn park(&self) {
        let shared = &self.ticker.local.shared;
        let timeout = match shared.driver.prepare_park() {
            ParkTime::Zero => return,
            ParkTime::AtMost(wait) => Some(wait),
            ParkTime::Unlimited => None,
        };
        shared.parks.add(1);
        self.ticker.parker.borrow_mut().park(self.ticker.local.limit_park(timeout));
    }

    /// Runs the loop of `run_until`.
    ///
    /// After each turn it calls `then` with the number of polls, and whether nothing is left to do. `then` may return
    /// false to end the loop.
    pub(crate) fn drive<F: Future>(
        &self,
        future: F,
        mut then: impl FnMut(usize, bool) -> bool,
    ) -> Result<Option<F::Output>, TickError> {
        let ticker = &self.ticker;
        ticker.refuse_nested()?;
        if context::drives_any() {
            return Err(TickError::WouldDeadlock);
        }
        let shared = &ticker.local.shared;
        let mut future = pin!(future);
        let main = Arc::new(MainWaker { woken: AtomicBool::new(true), unparker: Arc::clone(&shared.unparker) });
        let waker = Waker::from(Arc::clone(&main));
        let turn = ticker.begin();
        loop {
            // AcqRel pairs with `wake_by_ref`.
            if main.woken.swap(false, Ordering::AcqRel)
                && let Poll::Ready(output) =
                    ticker.local.core.beside(|| future.as_mut().poll(&mut Context::from_waker(&waker)))
            {
                return Ok(Some(output));
            }
            let mut meter = Meter::new(Budget::polls(TURN));
            let end = turn.run(&mut meter, ROUNDS, &mut World::none());
            // Acquire, as above. Awaited ticks come immediately.
            let idle = end == Moment::Settled && !main.woken.load(Ordering::Acquire) && !turn.is_awaited();
            if !then(meter.polled, idle) {
                return Ok(None);
            }
        }
    }

    /// Ticks until every task waits for time, for another thread, or for the next tick.
    ///
    /// It is one frame, without the limit of rounds that a tick with an unlimited budget has; so a task that always
    /// wakes itself holds it for ever. Under a manual clock time does not pass, but owed time does.
    ///
    /// # Errors
    /// [`TickError::Nested`] inside a task of this runtime.
    ///
    /// # Example
    /// ```
    /// let rt = offtick::LocalRuntime::new()?;
    /// let first = rt.spawn(async { 1 });
    /// let second = rt.spawn(async { first.await.map(|value| value + 1) });
    /// rt.run_until_stalled()?;
    /// assert!(matches!(second.result(), Some(Ok(Ok(2)))));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn run_until_stalled(&self) -> Result<TickReport, TickError> {
        self.ticker.refuse_nested()?;
        let mut meter = Meter::new(Budget::unlimited());
        let turn = self.ticker.begin();
        let _settled = turn.run(&mut meter, usize::MAX, &mut World::none());
        drop(turn);
        Ok(self.ticker.report(&meter))
    }
}
