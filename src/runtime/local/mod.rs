//! The runtime without a thread: the same engine, pumped by the host.
//!
//! # Parts
//! - [`LocalRuntime`] owns it and is what the host ticks; [`LocalHandle`] spawns on its thread, futures that are not
//!   `Send` among them; an ordinary [`Handle`](super::Handle) reaches it from every thread.
//! - `Shared` and `Local` are those of a [`Runtime`](super::Runtime): a wake inside a tick goes straight to the ready
//!   queue, one from anywhere else (another thread, or the host between two ticks) through the inbox.
//! - The *pump* is what a reactor thread has on its stack: the parker, and where the host stands.
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
//! - A **round** runs the tasks that are ready as it begins. What becomes ready meanwhile, a task that wakes itself among
//!   it, runs in the next one, behind all that came from elsewhere.
//! - **Budget**: it is looked at after every poll, and after every batch of timers. An unlimited one ends a moment after
//!   [`ROUNDS`](tick::ROUNDS) rounds, and the tick after as many moments in a row between which no time could pass.
//! - **Time** that the host moves is walked through from deadline to deadline, so that what repeats runs at each of its
//!   own times and in their order. What the budget did not reach is owed, and the next tick goes on there.
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

use super::engine::LastWord;
use super::shared::Shared;
use super::shutdown::{ShutdownReport, drop_patience};
use super::{Handle, Parker};
use crate::error::BuildError;
use crate::instant::Instant;
use crate::sync::Arc;
pub use budget::{Budget, TickError, TickReport};
pub use builder::LocalBuilder;
pub use handle::LocalHandle;
/// The host's wait by itself, for its models.
#[cfg(all(loom, test))]
pub(crate) use host::{Bell, Host};
pub(crate) use probe::Remains;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;
pub use take::TakeFrom;
use tick::Pump;
pub(crate) use world::WorldRequests;
pub use world::{WithHost, WithHostError, with_host};

/// A runtime without a thread: the host's own loop drives it, tick by tick.
///
/// For game loops, GUIs that live on one thread, embedded loops, simulations and tests. Everything that runs on a
/// [`Runtime`](crate::Runtime) runs here: the same [`Task`](crate::Task), timers, progress, groups and sets. Beyond that:
/// - futures need not be `Send`, nor their results: they never leave this thread;
/// - each [`tick`](Self::tick) obeys a [`Budget`] of time, of polls or of both;
/// - under a manual clock the host says what time it is ([`advance`](Self::advance), [`tick_at`](Self::tick_at)): game
///   time that pauses, runs slowly or steps.
///
/// It is not `Send`: it is built, ticked and dropped on one thread. It has the methods of its [`LocalHandle`], which spawns;
/// [`handle`](Self::handle) is the [`Handle`] for other threads.
///
/// No thread is started by it, but for closures that block: [`LocalBuilder::blocking_threads`] says how many, and zero is
/// fine; with [`LocalBuilder::blocking_inline`] they run in the ticks.
///
/// **Waiting**: this thread drives the tasks, so a [`Task::wait`](crate::Task::wait) here would wait for itself and is
/// refused with [`TaskError::WouldDeadlock`](crate::TaskError::WouldDeadlock), between two ticks as well as in one;
/// [`run_until`](Self::run_until) waits for any future, a task among them. (A [`block_on`](crate::block_on) between two
/// ticks knows nothing of this runtime, and ticks it for nobody.)
///
/// Dropping it drops every future on this thread; every task that is not over ends as
/// [`TaskError::RuntimeGone`](crate::TaskError::RuntimeGone). Like a tick, the drop and [`shutdown`](Self::shutdown) call the
/// hooks that are due, so the host must hold no lock then that a hook takes. The drop waits for closures that run, 200 ms at
/// most; inside a task of another runtime, not at all. Inside
/// the first poll of a task that is [started eagerly](LocalHandle::spawn_eager) it waits for nothing, and the futures are
/// dropped as soon as that poll is over.
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
/// It stays on its thread, and so does what only it may run:
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
    pump: Pump,
    seed: Option<u64>,
    /// Until `shutdown`, which leaves nothing for the drop to do.
    open: bool,
}

impl LocalRuntime {
    /// A runtime with the default settings; [`LocalBuilder`] has the others.
    ///
    /// # Errors
    /// [`BuildError::Poll`] where the system refuses its poll.
    pub fn new() -> Result<Self, BuildError> {
        LocalBuilder::new().build()
    }

    fn with_parts(shared: Shared, parker: Parker, bell: Option<Arc<host::Bell>>, seed: Option<u64>) -> Self {
        let handle = LocalHandle::new(Arc::new(shared));
        Self { pump: Pump::new(Rc::clone(handle.local()), parker, bell), handle, seed, open: true }
    }

    /// What spawns on this runtime from any thread, futures that are `Send`.
    ///
    /// What it hands over is taken in by the next tick.
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

    /// What spawns on this runtime from its own thread, futures that are not `Send` as well: for tasks that spawn tasks.
    pub fn local_handle(&self) -> &LocalHandle {
        &self.handle
    }

    /// The seed by which the runtime does the same again: the one given ([`LocalBuilder::seed`]), or made up for a
    /// [shuffled](LocalBuilder::shuffle) queue.
    pub fn seed(&self) -> Option<u64> {
        self.seed
    }

    /// Ends the runtime and waits for closures that run, at most for `patience`.
    ///
    /// Every future is dropped here, closures that wait never run, closures that run are told through their context. All
    /// of their tasks end as [`TaskError::RuntimeGone`](crate::TaskError::RuntimeGone). The report says what did not stop
    /// in time; futures always have.
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
        if self.pump.is_turning() {
            // A tick borrows the runtime, so this is the end of a thread-local, by a task (a hook, a waker) that ends the
            // process. The task cannot be dropped, and nothing waits for it: all is left as it is.
            std::mem::forget(Rc::clone(&self.pump.local));
            return shared.shutdown_report(false, shared.pool.stats().threads);
        }
        let stopped = !self.pump.local.visited.get();
        if stopped {
            let _last_word = LastWord(Arc::clone(shared));
            self.pump.close();
        } else {
            self.pump.close_later();
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
        f.debug_struct("LocalRuntime").field("pump", &self.pump).finish_non_exhaustive()
    }
}
