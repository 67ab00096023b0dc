//! The pool: admit, submit, close, join, whoever runs the closures.

use super::admission::Admitted;
use super::config::{Config, Runner};
use super::host::Host;
use super::priority::PriorityRefused;
use super::queue::{Queue, Taker};
use super::state::{AdmitError, Limits, PoolState, PoolStats};
use super::worker;
use crate::instant::Instant;
use crate::sync::{Arc, OnceLock};
use crate::task::raw::{Runnable, TaskRef};
use std::fmt;
use std::io;

/// A pool for closures that may block. Dropping it [closes](Self::close) it and waits for nothing.
///
/// Made for its first closure: a program that runs none pays neither its memory nor the question how many cores there are.
pub(crate) struct BlockingPool {
    config: Config,
    /// `None` inside: closed before the first closure came. The first of the two decides.
    made: OnceLock<Option<Arc<Shared>>>,
}

/// The part of a pool that its threads share; each of them keeps it alive.
pub(super) struct Shared {
    pub(super) queue: Queue,
    pub(super) engine: Engine,
    pub(super) config: Config,
    /// Set by the first thread whose priority the system refused to lower.
    pub(super) priority_refused: OnceLock<PriorityRefused>,
}

/// Who takes closures from the queue.
#[allow(clippy::large_enum_variant, reason = "one per pool, behind an `Arc`; a box would add a load to every submit")]
pub(super) enum Engine {
    Threads(PoolState),
    Host(Host),
}

/// The right to submit one closure, which then cannot fail. Dropped unused, it gives its room back.
#[must_use]
pub(crate) struct Permit<'a> {
    shared: &'a Arc<Shared>,
    admitted: Admitted,
}

/// Why a closure is not admitted. It was never built, so it cannot get lost.
#[derive(Debug)]
pub(crate) enum Refused {
    /// As many closures wait as the queue limit allows.
    Full,
    /// The pool is closed.
    Closed,
    /// No thread lives, and the system refused to start one.
    NoThread(io::Error),
}

impl BlockingPool {
    /// A pool without threads: the first closure starts the first one.
    pub(crate) fn new(config: Config) -> Self {
        Self { config, made: OnceLock::new() }
    }

    /// Reserves room in the queue, within its limit.
    ///
    /// # Errors
    /// [`Refused`] says why not; nothing is reserved then.
    #[inline]
    pub(crate) fn admit(&self) -> Result<Permit<'_>, Refused> {
        self.enter(true)
    }

    /// Reserves room in the queue, even beyond its limit.
    ///
    /// # Errors
    /// [`Refused::Closed`] and [`Refused::NoThread`].
    #[inline]
    pub(crate) fn admit_unlimited(&self) -> Result<Permit<'_>, Refused> {
        self.enter(false)
    }

    #[inline]
    fn enter(&self, limited: bool) -> Result<Permit<'_>, Refused> {
        let made = self.made.get_or_init(|| Some(Arc::new(Shared::new(self.config.clone()))));
        let Some(shared) = made else { return Err(Refused::Closed) };
        if !shared.queue.reserve(limited) {
            return Err(if shared.is_closed() { Refused::Closed } else { Refused::Full });
        }
        let admitted = match &shared.engine {
            Engine::Threads(state) => state.admit(|index, slot| worker::start(shared, index, slot)),
            Engine::Host(host) => host.admit(),
        };
        admitted.map(|admitted| Permit { shared, admitted }).map_err(|error| {
            shared.queue.unreserve();
            match error {
                AdmitError::Closed => Refused::Closed,
                AdmitError::NoThread(error) => Refused::NoThread(error),
            }
        })
    }

    /// Admits no closure any more. What was admitted still runs, unless it is [drained](Self::drain); each thread ends as soon
    /// as nothing is queued. May be called more than once, and from anywhere.
    pub(crate) fn close(&self) {
        if let Some(shared) = self.made.get_or_init(|| None) {
            match &shared.engine {
                Engine::Threads(state) => state.close().iter().for_each(|slot| slot.wake()),
                Engine::Host(host) => host.close(),
            }
        }
    }

    /// Drops the queued closures on this thread; returns how many there were. For a closed pool: a closure that is being
    /// pushed at this moment may be missed, and is run or dropped by its pusher.
    pub(crate) fn drain(&self) -> usize {
        let Some(shared) = self.shared() else { return 0 };
        let mut taker = Taker::default();
        std::iter::from_fn(|| {
            let job = shared.queue.pop_any(&mut taker)?;
            match &shared.engine {
                Engine::Threads(state) => state.count_drained(),
                Engine::Host(host) => host.count_taken(),
            }
            Some(job)
        })
        .map(drop)
        .count()
    }

    /// Waits until every thread of a closed pool has ended, or until `deadline`; returns how many have not. On a thread of
    /// this pool it does not wait, since that thread cannot end meanwhile: it returns how many there are.
    pub(crate) fn join(&self, deadline: Option<Instant>) -> usize {
        match self.threads() {
            Some((shared, state)) if worker::current(shared).is_some() => state.threads(),
            Some((_, state)) => state.join(deadline),
            None => 0,
        }
    }

    /// The counts of this moment.
    pub(crate) fn stats(&self) -> PoolStats {
        match self.shared().map(|shared| &shared.engine) {
            Some(Engine::Threads(state)) => state.stats(),
            Some(Engine::Host(host)) => host.stats(),
            None => PoolStats::default(),
        }
    }

    /// The reason for which threads run at normal priority although a lower one was asked for.
    pub(crate) fn priority_refused(&self) -> Option<PriorityRefused> {
        self.shared()?.priority_refused.get().copied()
    }

    /// How many closures wait for the host's next tick; none if threads run them.
    #[inline]
    pub(crate) fn due(&self) -> usize {
        match self.shared().map(|shared| &shared.engine) {
            Some(Engine::Host(host)) => host.due(),
            _ => 0,
        }
    }

    /// Takes the next closure out, for the host to run; none if threads run them.
    pub(crate) fn take_for_host(&self) -> Option<Runnable> {
        let shared = self.shared()?;
        match &shared.engine {
            Engine::Host(host) => host.take(&shared.queue),
            Engine::Threads(_) => None,
        }
    }

    /// This thread is going to wait for `task`, a closure of this pool, until [`end_wait`](Self::end_wait). False: it must
    /// not, since no thread would be left to finish the closure. On other threads than the pool's nothing happens.
    pub(crate) fn begin_wait(&self, task: &TaskRef) -> bool {
        let Some((shared, state)) = self.threads() else { return true };
        let Some(index) = worker::current(shared) else { return true };
        let Ok(action) = state.begin_wait(index, task.clone()) else { return false };
        // Without `perform` the system refused the thread that was to run the closure.
        let may = worker::perform(shared, action) || !state.all_wait();
        if !may {
            state.end_wait(index);
        }
        may
    }

    /// The wait is over.
    pub(crate) fn end_wait(&self) {
        if let Some((shared, state)) = self.threads()
            && let Some(index) = worker::current(shared)
        {
            state.end_wait(index);
        }
    }

    fn shared(&self) -> Option<&Arc<Shared>> {
        self.made.get()?.as_ref()
    }

    fn threads(&self) -> Option<(&Arc<Shared>, &PoolState)> {
        let shared = self.shared()?;
        match &shared.engine {
            Engine::Threads(state) => Some((shared, state)),
            Engine::Host(_) => None,
        }
    }
}

impl Drop for BlockingPool {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for BlockingPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BlockingPool").field(&self.stats()).finish()
    }
}

impl Shared {
    fn new(config: Config) -> Self {
        let engine = match &config.runner {
            Runner::Threads => Engine::Threads(PoolState::new(Limits {
                core_threads: config.core_threads(),
                max_threads: config.max_threads,
                keep_alive: config.keep_alive,
                stall: config.stall,
            })),
            Runner::Host { host, held } => Engine::Host(Host::new(Arc::clone(host), *held)),
        };
        Self { queue: Queue::new(config.queue_limit), engine, config, priority_refused: OnceLock::new() }
    }

    fn is_closed(&self) -> bool {
        match &self.engine {
            Engine::Threads(state) => state.is_closed(),
            Engine::Host(host) => host.is_closed(),
        }
    }
}

impl Permit<'_> {
    /// Queues the closure.
    #[inline]
    pub(crate) fn submit(self, job: Runnable) {
        // From here on the room and the count belong to the closure.
        let permit = std::mem::ManuallyDrop::new(self);
        let (shared, Admitted { notify, batch }) = (permit.shared, permit.admitted);
        match &shared.engine {
            Engine::Threads(state) => {
                shared.queue.push(job, batch);
                if notify {
                    worker::perform(shared, state.notify_workers());
                }
            }
            Engine::Host(host) => host.submit(&shared.queue, job),
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        match &self.shared.engine {
            Engine::Threads(state) => state.withdraw(),
            Engine::Host(_) => {}
        }
        self.shared.queue.unreserve();
    }
}
