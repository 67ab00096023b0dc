//! Looking into a running runtime: numbers at any time, a listing on request.
//!
//! The owner list lives on the reactor thread, so that keeping it costs no lock. Whoever wants a listing leaves a
//! request, wakes the reactor and waits a moment; the reactor answers between two polls.

use super::context;
use super::shared::Shared;
use crate::executor::Core;
use crate::sync::atomic::Ordering;
use crate::sync::{Arc, Condvar, Mutex};
use crate::task::TaskInfo;
use crate::task::raw::Listed;
use std::time::{Duration, Instant};

/// How long a listing waits for a reactor that is held up by a task.
const PATIENCE: Duration = Duration::from_millis(20);

/// A request for a listing, and its answer.
#[derive(Debug)]
pub(crate) struct Listing {
    answer: Mutex<Option<Vec<Listed>>>,
    told: Condvar,
}

/// Numbers of a runtime, all since its start unless the name says otherwise.
///
/// Reading them takes no lock that a task may hold; each is exact by itself, but they are not one snapshot.
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
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Metrics {
    /// Futures that the reactor has taken in.
    pub spawned: u64,
    /// Futures that it holds now.
    pub alive: u64,
    /// Futures that wait to be polled, as of its last turn.
    pub ready: u64,
    /// Polls of futures; the drop of one that was cancelled while it waited counts as well.
    pub polls: u64,
    /// Wakes from the reactor's own thread.
    pub local_wakes: u64,
    /// Wakes from other threads.
    pub remote_wakes: u64,
    /// Times that the reactor went to sleep.
    pub parks: u64,
    /// Timers that are pending now.
    pub timers: u64,
    /// Sockets and other sources that the reactor watches now; none without the feature `net`.
    pub sockets: u64,
    /// What the system has told of them, dropped ones included.
    pub socket_events: u64,
    /// Pool threads alive now.
    pub blocking_threads: u64,
    /// Pool threads that wait for a closure now.
    pub blocking_idle: u64,
    /// The most pool threads alive at one time.
    pub blocking_threads_peak: u64,
    /// Closures that wait for a thread now.
    pub blocking_queued: u64,
    /// Closures that were started.
    pub blocking_started: u64,
    /// Closures that one pool thread took from another's queue.
    pub blocking_steals: u64,
    /// Time since the runtime was built.
    pub uptime: Duration,
}

impl Shared {
    pub(crate) fn metrics(&self) -> Metrics {
        let counters = &self.counters;
        // Closed before accepted: the difference is never negative.
        let closed = counters.closed.get();
        let spawned = counters.accepted.get();
        let pool = self.pool.stats();
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
            blocking_queued: pool.queued,
            blocking_started: pool.taken,
            blocking_steals: pool.steals,
            uptime: self.started.elapsed(),
        }
    }

    /// The live futures and the running closures. Without the futures if the reactor does not answer in time.
    pub(crate) fn list(&self) -> Vec<TaskInfo> {
        let own = context::with_local(|local| {
            std::ptr::eq(Arc::as_ptr(&local.shared), self).then(|| {
                local.core.drain(&self.inbox);
                local.core.list()
            })
        });
        let listed = match own.flatten() {
            Some(listed) => listed,
            // The host between two ticks: it would wait for itself.
            None if self.is_home() => Vec::new(),
            None => self.ask_for_listing(),
        };
        let now = self.driver.clock().nanos();
        let mut infos: Vec<_> = listed
            .iter()
            .map(|listed| {
                let age = Duration::from_nanos(now.saturating_sub(listed.since));
                TaskInfo::of(&listed.task).with_age(age)
            })
            .collect();
        infos.extend(self.closures.running().iter().map(TaskInfo::of));
        infos.sort_by_key(TaskInfo::id);
        infos
    }

    fn ask_for_listing(&self) -> Vec<Listed> {
        let request = Arc::new(Listing { answer: Mutex::new(None), told: Condvar::new() });
        {
            let mut listings = self.listings.lock();
            listings.push(Arc::clone(&request));
            // Relaxed: the unpark below orders it before the look of the reactor's next turn.
            self.wanted.store(listings.len(), Ordering::Relaxed);
        }
        self.unparker.unpark();
        let until = Instant::now() + PATIENCE;
        let mut answer = request.answer.lock();
        loop {
            if let Some(listed) = answer.take() {
                return listed;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || self.ending.is_told() {
                drop(answer);
                let mut listings = self.listings.lock();
                listings.retain(|other| !Arc::ptr_eq(other, &request));
                self.wanted.store(listings.len(), Ordering::Relaxed);
                return Vec::new();
            }
            let _timed_out = request.told.wait_for(&mut answer, left);
        }
    }

    /// Answers all requests; on the reactor thread.
    pub(crate) fn answer_listings(&self, core: &Core) {
        let requests = {
            let mut listings = self.listings.lock();
            self.wanted.store(0, Ordering::Relaxed);
            std::mem::take(&mut *listings)
        };
        for request in requests {
            *request.answer.lock() = Some(core.list());
            request.told.notify_all();
        }
    }
}
