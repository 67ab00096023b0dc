//! The metrics of a runtime.

use super::shared::Shared;
use crate::blocking::PriorityRefused;
use crate::executor::SlowPoll;
use std::time::Duration;

/// Metrics of a runtime, counted since its start unless the name says otherwise.
///
/// Reading them takes no lock that a task may hold. Each number is exact, but they are not one snapshot.
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// rt.spawn(async {}).wait()?;
/// let metrics = rt.metrics();
/// assert_eq!(metrics.spawned, 1);
/// assert!(metrics.polls >= 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Metrics {
    /// Futures that the reactor has accepted.
    pub spawned: u64,
    /// Futures that are alive now.
    pub alive: u64,
    /// Futures that were ready at the end of the last turn.
    pub ready: u64,
    /// Polls of futures, including drops of futures that were cancelled while they waited.
    pub polls: u64,
    /// Wakes from the reactor's own thread.
    pub local_wakes: u64,
    /// Wakes from other threads.
    pub remote_wakes: u64,
    /// The number of times that the reactor parked.
    pub parks: u64,
    /// Pending timers.
    pub timers: u64,
    /// Sockets and other sources that the reactor watches; 0 without the feature `net`.
    pub sockets: u64,
    /// Events that the system reported for sources, including dropped ones.
    pub socket_events: u64,
    /// Live pool threads.
    pub blocking_threads: u64,
    /// Pool threads that wait for a closure.
    pub blocking_idle: u64,
    /// The largest number of pool threads alive at one time.
    pub blocking_threads_peak: u64,
    /// The reason why pool threads run at normal priority.
    ///
    /// [`Builder::blocking_priority`](crate::Builder::blocking_priority) requested a lower one. `None` if they run as
    /// requested.
    pub blocking_priority_refused: Option<PriorityRefused>,
    /// Pool threads held by closures whose task has ended.
    ///
    /// The task was cancelled or timed out.
    pub blocking_left_running: u64,
    /// Threads that look up names; 0 without the feature `net`.
    pub name_threads: u64,
    /// Closures that wait for a thread.
    pub blocking_queued: u64,
    /// Closures that were started.
    pub blocking_started: u64,
    /// The poll in progress, if it exceeds the threshold of [`Builder::watch_polls`](crate::Builder::watch_polls).
    ///
    /// `None` in a runtime that does not watch its polls.
    pub slow_poll: Option<SlowPoll>,
    /// The longest poll so far, including the one in progress.
    ///
    /// `None` in a runtime that does not watch its polls.
    pub longest_poll: Option<SlowPoll>,
    /// Polls that exceeded the threshold and were reported.
    pub slow_polls: u64,
    /// The time since the runtime was built.
    pub uptime: Duration,
}

impl Shared {
    pub(crate) fn metrics(&self) -> Metrics {
        let counters = &self.counters;
        // Closed before accepted: the difference is never negative.
        let closed = counters.closed.get();
        let spawned = counters.intake.accepted();
        let pool = self.pool.stats();
        let (slow_poll, longest_poll, slow_polls) =
            self.poll_watcher.as_ref().map(|watcher| watcher.watch().polls()).unwrap_or_default();
        Metrics {
            spawned,
            alive: spawned.saturating_sub(closed),
            ready: counters.ready.get(),
            polls: counters.polls.get(),
            local_wakes: counters.local_wakes.get(),
            remote_wakes: counters.remote_wakes.get(),
            parks: self.parks.get(),
            timers: self.driver.len() as u64,
            #[cfg(feature = "net")]
            sockets: self.sockets.len() as u64,
            #[cfg(feature = "net")]
            socket_events: self.sockets.events(),
            #[cfg(not(feature = "net"))]
            sockets: 0,
            #[cfg(not(feature = "net"))]
            socket_events: 0,
            blocking_threads: pool.threads as u64,
            blocking_idle: pool.idle as u64,
            blocking_threads_peak: pool.peak as u64,
            #[cfg(feature = "net")]
            name_threads: self.names.as_ref().map_or(0, |names| names.stats().threads as u64),
            #[cfg(not(feature = "net"))]
            name_threads: 0,
            blocking_priority_refused: self.pool.priority_refused(),
            blocking_left_running: self.closures.left_running() as u64,
            blocking_queued: pool.queued,
            blocking_started: pool.taken,
            slow_poll,
            longest_poll,
            slow_polls,
            uptime: self.started.elapsed(),
        }
    }
}
