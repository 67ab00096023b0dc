//! What runs one body again and again: the owner [`Repeat`], its state, and the future that drives it.
//!
//! # States
//! ```text
//!              start                       pause
//! Idle <-------cancel------- Active <----- resume -----> Paused
//!                              | an error, under ErrorPolicy::Stop --> Stopped
//!                              | no run lies ahead                 --> Finished
//! any --- the runtime goes ---> RuntimeGone
//! ```
//! `start` leads from any state but the last to Active, `cancel` to Idle; a pause holds an error and the end off as little
//! as it holds off a run that was asked for.
//!
//! # Who may touch what
//! - The **state** is under one lock, for a few instructions at a time. No user code runs under it, and what leaves it is
//!   dropped after it.
//! - The **plan** (when a run is due) and the **body** belong to the driver, one future on the reactor. It alone launches
//!   runs, and looks after each one it launched.
//! - A `start` and a `cancel` begin a new **round**. The driver forgets its run when it sees a new number, and a run that
//!   was launched for an older round is cancelled where it would be taken in: so no stale run is ever shown.
//!
//! # No wake-up is lost
//! The driver leaves its waker in the state before it looks at anything. Whoever changes the state takes the waker out
//! after; so does a wall clock that was moved. The end of a run and the runtime's timer wake the driver by themselves.

mod driver;
mod plan;
mod state;

pub(super) use plan::{Due, Plan};

use self::driver::Driver;
use self::state::Shared;
use super::body::Body;
use crate::sync::Arc;
use crate::task::{SharedTask, Task};
use std::fmt;

/// What is done about a run that fails, panics or is cancelled by itself.
///
/// # Example
/// See [`Periodic`](super::Periodic).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorPolicy {
    /// No further run: [`RepeatStatus::Stopped`]. The error is in [`Repeat::latest`], to be read.
    #[default]
    Stop,
    /// The next run is due as if nothing had happened. The error counts as read: it is in [`Repeat::latest`] until the next run
    /// has finished, and is never reported as unhandled. So one refresh that fails does not stop a program whose `Shutdown` is
    /// attached to the runtime. (The hook for panics is called for each panic all the same.)
    GoOn,
}

/// Where a [`Repeat`] stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RepeatStatus {
    /// Runs when it is due.
    Active,
    /// Runs when it is asked only, until [`Repeat::resume`].
    Paused,
    /// [Cancelled](Repeat::cancel).
    Idle,
    /// A run went wrong, under [`ErrorPolicy::Stop`].
    Stopped,
    /// No run lies ahead any more.
    Finished,
    /// The runtime was shut down.
    RuntimeGone,
}

impl fmt::Display for RepeatStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Idle => "idle",
            Self::Stopped => "stopped",
            Self::Finished => "finished",
            Self::RuntimeGone => "runtime gone",
        })
    }
}

/// The common part of [`Periodic`](super::Periodic) and `OnTime`, to which both dereference: one body
/// that runs again and again, never two runs at a time.
///
/// Every run is an ordinary task. An error stays with its run; under [`ErrorPolicy::Stop`] it goes to the runtime's hook
/// [`on_unhandled_error`](crate::Builder::on_unhandled_error) if nobody has read it when its run is let go of. Every call may be made from any thread, also in
/// the body itself, and none waits. Dropping the owner cancels the run that is under way; nothing runs any more.
///
/// The update flag ([`Handle::take_update`](crate::Handle::take_update)) goes up when a run ends, and when the status
/// changes by itself.
///
/// # Example
/// ```
/// use offtick::toolkit::{Periodic, RepeatStatus};
/// let rt = offtick::Runtime::new()?;
/// let poll = Periodic::every(&rt, 60.0).spawn(|_cx| async { "sunny" })?;
/// while poll.latest_done().is_none() {
///     std::thread::yield_now(); // a tick
/// }
/// poll.pause();
/// assert_eq!(poll.status(), RepeatStatus::Paused);
/// poll.run_now();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Repeat<T: Send + Sync + 'static> {
    shared: Arc<Shared<T>>,
    /// Cancelled with its handle.
    _driver: Task<()>,
}

impl<T: Send + Sync + 'static> Repeat<T> {
    pub(super) fn new<P: Plan>(body: Body<T>, policy: ErrorPolicy, plan: impl FnOnce(Notice) -> P) -> Self {
        let handle = body.handle().clone();
        let shared = Arc::new(Shared::new(handle.clone()));
        let notice = Arc::downgrade(&shared);
        // Made here: if the runtime is gone, its drop says so to the state.
        let driver = Driver::new(Arc::clone(&shared), body, policy, plan(notice));
        Self { _driver: handle.spawn_internal(driver), shared }
    }

    /// Begins anew, as when it was made: cancels the run that is under way, ends a pause, and makes up for a stop, an end
    /// or a [`cancel`](Self::cancel). False if the runtime is gone.
    pub fn start(&self) -> bool {
        self.shared.begin_round(RepeatStatus::Active)
    }

    /// Cancels the run that is under way and forgets it; nothing runs until [`start`](Self::start). Does not wait: a
    /// future is dropped where it waits, a closure is told through its context. False if the runtime is gone.
    ///
    /// What earlier runs came to stays in [`latest`](Self::latest) and [`latest_done`](Self::latest_done).
    pub fn cancel(&self) -> bool {
        self.shared.begin_round(RepeatStatus::Idle)
    }

    /// Asks for a run outside of its turn, also in a pause. While a run is under way, one more follows it, however often it
    /// is asked for; one that is due as well is that run. False if there will be none: idle, stopped, finished, or the runtime is gone.
    pub fn run_now(&self) -> bool {
        self.shared.ask()
    }

    /// Lets no further run begin in its turn; one that is under way goes on. False if it was not active.
    pub fn pause(&self) -> bool {
        self.shared.turn(RepeatStatus::Active, RepeatStatus::Paused)
    }

    /// Ends a [`pause`](Self::pause). False if it was not paused.
    pub fn resume(&self) -> bool {
        self.shared.turn(RepeatStatus::Paused, RepeatStatus::Active)
    }

    /// Where it stands.
    pub fn status(&self) -> RepeatStatus {
        self.shared.state.lock().status
    }

    /// The run that is under way.
    pub fn current(&self) -> Option<SharedTask<T>> {
        self.shared.state.lock().runs.current().filter(|task| !task.is_done())
    }

    /// The newest run that is over, well or not; one that was cancelled by [`start`](Self::start) or
    /// [`cancel`](Self::cancel) does not count.
    pub fn latest(&self) -> Option<SharedTask<T>> {
        self.shared.state.lock().runs.latest()
    }

    /// The newest run that ended with a value: what a screen goes on to show while a newer run is under way or has failed.
    pub fn latest_done(&self) -> Option<SharedTask<T>> {
        self.shared.state.lock().runs.latest_done()
    }

    /// How many runs were begun since it was made.
    pub fn runs(&self) -> u64 {
        self.shared.state.lock().begun
    }
}

/// What a plan may have woken when it should be asked again.
pub(super) type Notice = crate::sync::Weak<dyn crate::time::clock::ClockListener>;

impl<T: Send + Sync + 'static> Drop for Repeat<T> {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl<T: Send + Sync + 'static> fmt::Debug for Repeat<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repeat").field("status", &self.status()).field("runs", &self.runs()).finish_non_exhaustive()
    }
}
