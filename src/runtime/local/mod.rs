//! The runtime without a thread: the same engine, driven by the host.
//!
//! # Parts
//! - [`LocalRuntime`] owns it, and the host ticks it. [`LocalHandle`] spawns on its thread, also futures that are not
//!   `Send`. A [`Handle`](super::Handle) spawns from every thread.
//! - `Shared` and `Local` are those of a [`Runtime`](super::Runtime): a wake inside a tick goes directly to the ready
//!   queue, one from anywhere else (another thread, or the host between two ticks) through the inbox.
//! - The *ticker* has what a reactor thread has on its stack: the parker, and the state of the host.
//!
//! # What one tick does
//! ```text
//! nothing to do? ---------------------------------------------------------------> report     (a few loads)
//! otherwise:  leave the host's wait (the park word is taken back, the descriptor read)
//!             a new frame: waits for ticks come due
//!             moment:  round: inbox -> due timers, due ticks -> closures, if they run here -> the tasks that are ready
//!                      now    (requests for the host's world are answered ahead of the tasks)
//!                             again, while there are some, and budget; timers and clock are looked at in the first
//!                      round, when nothing is ready, and after each 128 polls
//!             time is owed (advance, tick_at)? move the clock to the next deadline, and again: moment
//!             enter the host's wait -----------------------------------------------> report
//! ```
//! - A **round** runs the tasks that are ready when it begins. Tasks that become ready meanwhile run in the next one,
//!   behind all tasks from elsewhere. That includes a task that wakes itself.
//! - The **budget** is checked after every poll, and after every batch of timers. An unlimited one ends a moment after
//!   [`ROUNDS`](tick::ROUNDS) rounds, and the tick after as many moments in a row between which no time could pass.
//! - **Time** that the host moves passes from deadline to deadline, so that repeating tasks run at each of their own
//!   times and in order. Time that the budget did not reach is owed, and the next tick continues there.
//!
//! # The host's wait
//! See [`host`].

mod budget;
mod builder;
#[cfg_attr(all(target_family = "wasm", target_os = "unknown", not(offtick_host_clock)), path = "call_later_page.rs")]
#[cfg_attr(
    not(all(target_family = "wasm", target_os = "unknown", not(offtick_host_clock))),
    path = "call_later_none.rs"
)]
mod call_later;
#[cfg(all(unix, feature = "net"))]
mod descriptor;
mod eager;
mod handle;
mod host;
mod probe;
mod take;
mod tick;
mod until;
mod world;

use super::engine::ShutdownGuard;
use super::shared::Shared;
use super::shutdown::{ShutdownReport, drop_patience};
use super::{Handle, Parker};
use crate::error::BuildError;
use crate::instant::Instant;
use crate::sync::Arc;
pub use budget::{Budget, TickError, TickReport};
pub use builder::LocalBuilder;
pub use handle::LocalHandle;
/// The host's wait itself, for its models.
#[cfg(all(loom, test))]
pub(crate) use host::{HostState, HostWaker};
pub(crate) use probe::Remains;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;
pub use take::TakeFrom;
use tick::Ticker;
pub(crate) use world::WorldRequests;
pub use world::{WithHost, WithHostError, with_host};

/// A runtime without a thread: the host's own loop drives it by ticks.
///
/// Use it in game loops, GUIs on one thread, embedded loops, simulations and tests. Everything that runs on a
/// [`Runtime`](crate::Runtime) runs here: the same [`Task`](crate::Task), timers, progress, groups and sets. In
/// addition:
/// - futures and their results need not be `Send`: they never leave this thread;
/// - each [`tick`](Self::tick) obeys a [`Budget`] of time, of polls or of both;
/// - under a manual clock the host sets the time ([`advance`](Self::advance), [`tick_at`](Self::tick_at)): game time
///   that pauses, runs slowly or steps.
///
/// It is not `Send`: it is built, ticked and dropped on one thread. It has the methods of its [`LocalHandle`];
/// [`handle`](Self::handle) returns the [`Handle`] for other threads.
///
/// It starts no thread except for closures that block: [`LocalBuilder::blocking_threads`] limits those, and with
/// [`LocalBuilder::blocking_inline`] closures run in the ticks.
///
/// **Waiting**: this thread drives the tasks, so a [`Task::wait`](crate::Task::wait) on it could never end. It returns
/// [`TaskError::WouldDeadlock`](crate::TaskError::WouldDeadlock), between two ticks as well as in one.
/// [`run_until`](Self::run_until) waits for any future, including a task. (A [`block_on`](crate::block_on) between two
/// ticks does not tick this runtime.)
///
/// Dropping it drops every future on this thread; every unfinished task ends with
/// [`TaskError::RuntimeGone`](crate::TaskError::RuntimeGone). Like a tick, the drop and [`shutdown`](Self::shutdown)
/// call the due hooks, so the host must not hold a lock then that a hook takes. The drop waits for running closures, at
/// most 200 ms; inside a task of another runtime it does not wait. Inside the first poll of a task that is [started
/// eagerly](LocalHandle::spawn_eager) it does not wait either, and the futures are dropped as soon as that poll ends.
///
/// # Example
/// ```
/// use offtick::{Budget, LocalRuntime};
/// use std::{cell::Cell, rc::Rc, time::Duration};
///
/// let rt = LocalRuntime::new()?;
/// let score = Rc::new(Cell::new(0));
/// let theirs = Rc::clone(&score); // not `Send`, and need not be
/// let task = rt.spawn(async move { theirs.set(7) });
/// while !task.is_done() {
///     // One frame: read the input, then up to 2 ms of tasks, then draw.
///     rt.tick(Budget::time(Duration::from_millis(2)))?;
/// }
/// assert_eq!(score.get(), 7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// It stays on its thread, and so do its local tasks:
/// ```compile_fail,E0277
/// let rt = offtick::LocalRuntime::new().unwrap();
/// std::thread::spawn(move || drop(rt));
/// ```
/// It is not `Clone`; its [`handle`](Self::handle) and its [`local_handle`](Self::local_handle) are:
/// ```compile_fail,E0599
/// let rt = offtick::LocalRuntime::new().unwrap();
/// let other = rt.clone();
/// ```
pub struct LocalRuntime {
    handle: LocalHandle,
    ticker: Ticker,
    seed: Option<u64>,
    /// True until `shutdown`, which leaves nothing for the drop to do.
    open: bool,
}

impl LocalRuntime {
    /// Creates a runtime with the default options; [`LocalBuilder`] has the others.
    ///
    /// # Errors
    /// [`BuildError::Poll`] if the system refuses its poll.
    pub fn new() -> Result<Self, BuildError> {
        LocalBuilder::new().build()
    }

    fn with_parts(shared: Shared, parker: Parker, host_waker: Option<Arc<host::HostWaker>>, seed: Option<u64>) -> Self {
        let handle = LocalHandle::new(Arc::new(shared));
        Self { ticker: Ticker::new(Rc::clone(handle.local()), parker, host_waker), handle, seed, open: true }
    }

    /// Returns the handle that spawns `Send` futures from any thread.
    ///
    /// The next tick accepts them.
    ///
    /// # Example
    /// ```
    /// let rt = offtick::LocalRuntime::new()?;
    /// let handle = rt.handle().clone();
    /// let task = std::thread::spawn(move || handle.spawn(async { 5 })).join().expect("spawns");
    /// assert_eq!(rt.run_until(task)??, 5);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Returns the handle that spawns from this thread, for tasks that spawn tasks.
    ///
    /// Its futures need not be `Send`.
    pub fn local_handle(&self) -> &LocalHandle {
        &self.handle
    }

    /// Returns the seed that makes the runtime repeat a run.
    ///
    /// It is the one of [`LocalBuilder::seed`], or one chosen for a [shuffled](LocalBuilder::shuffle) queue.
    pub fn seed(&self) -> Option<u64> {
        self.seed
    }

    /// Ends the runtime and waits for running closures, at most for `patience`.
    ///
    /// Every future is dropped here, waiting closures never run, and running closures find out through their context.
    /// All of their tasks end with [`TaskError::RuntimeGone`](crate::TaskError::RuntimeGone). The report lists what did
    /// not stop in time; futures always have.
    ///
    /// # Example
    /// ```
    /// use std::time::Duration;
    /// let rt = offtick::LocalRuntime::new()?;
    /// let task = rt.spawn(std::future::pending::<()>());
    /// assert!(rt.shutdown(Duration::from_secs(1)).is_clean());
    /// assert!(matches!(task.error(), Some(offtick::TaskError::RuntimeGone)));
    /// # Ok::<(), offtick::BuildError>(())
    /// ```
    pub fn shutdown(mut self, patience: Duration) -> ShutdownReport {
        self.end(patience)
    }

    fn end(&mut self, patience: Duration) -> ShutdownReport {
        self.open = false;
        let shared = self.handle.shared();
        if self.ticker.is_turning() {
            // A tick borrows the runtime, so this is the end of a thread-local, caused by a task (a hook, a waker) that
            // ends the process. The task cannot be dropped, and nothing waits for it: everything is left as it is.
            std::mem::forget(Rc::clone(&self.ticker.local));
            return shared.shutdown_report(false, shared.pool.stats().threads);
        }
        let stopped = !self.ticker.local.visited.get();
        if stopped {
            let _guard = ShutdownGuard(Arc::clone(shared));
            self.ticker.close();
        } else {
            self.ticker.close_later();
        }
        let deadline = Instant::now().checked_add(patience);
        if stopped {
            shared.end_poll_watcher(deadline);
        }
        shared.end_pools(stopped, deadline, !stopped)
    }
}

impl Drop for LocalRuntime {
    fn drop(&mut self) {
        if self.open {
            self.end(drop_patience());
        }
    }
}

impl AsRef<Handle> for LocalRuntime {
    fn as_ref(&self) -> &Handle {
        &self.handle
    }
}

impl fmt::Debug for LocalRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalRuntime").field("ticker", &self.ticker).finish_non_exhaustive()
    }
}
