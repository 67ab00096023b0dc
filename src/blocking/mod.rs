//! The blocking pool: runs jobs that may block, on threads that come and go with the need.
//!
//! # Parts
//! | file | one idea |
//! |---|---|
//! | [`config`] | the settings, their defaults and their checks |
//! | [`admission`] | one word: how many jobs were ever admitted, and three flags for whoever admits the next |
//! | [`queue`] | where jobs from outside wait |
//! | [`places`] | the queue limit, only there if one is set |
//! | [`crew`] | who sleeps, who is called, who leaves: all that needs the lock (state, decisions and watcher apart) |
//! | [`grow`] | when the pool has stalled, and how many threads that calls for |
//! | [`probe`] | whether a thread computes or waits, where the system tells |
//! | [`roster`] | an append-only array that is read without a lock |
//! | [`worker`] | the thread: where it finds jobs, and what it does when there are none |
//! | [`pool`] | the front: admit, submit, close, join |
//!
//! # Rules
//! 1. A job is *admitted* (a [`Permit`]), *pushed*, then *taken*. The admission word counts the admitted
//!    ones and each worker counts in a word of its own what it has taken. A job is *pending* from its admission until it
//!    is taken: `pending = admitted - sum of taken`. Both sides only grow (but for permits given back), so reading
//!    `taken` first and `admitted` after it never finds fewer pending jobs than there are.
//! 2. The crew's lock guards who does what. It is never taken by a submit that finds the flags down, nor by a worker
//!    that goes from job to job.
//! 3. `CALL` is up whenever the next admitted job needs somebody to act: a sleeper to be called, a thread to be started,
//!    a watcher to be appointed. It may be up without need, never down in need. Whoever raises it gets the count of
//!    admitted jobs out of the same read-modify-write, and must not sleep if that count says that a job is pending.
//!    A job is therefore seen by the sleeper (admitted before) or its submitter sees the flag (admitted after), and
//!    there is no third case. That is the whole of the wake-up protocol.
//! 4. `EMPTY` is up while no thread lives. A permit is handed out only when one lives (or has just been started), and a
//!    thread leaves only if nothing is pending, so no job is ever left without a thread: a start that fails is reported
//!    before the job is built, or there is another thread to run it.
//! 5. At most one thread at a time is on its way to work (after a stall several): it looks for more to do when it has found its first
//!    job, and calls the next. A burst of submits costs one wake-up.
//! 6. A panic that escapes from a job ends at the worker's loop.
//!
//! # Growing
//! Up to `core_threads` are called or started as soon as a job is pending and nobody is on the way. Beyond that, jobs
//! that block decide, not the length of the queue: one surplus thread becomes the *watcher* and looks every `stall`
//! whether a job was taken since its last look. If none was while jobs are pending, the working threads are held up: the
//! watcher asks the system which of them wait (where it does not tell, all do), and notes these as *blocked*. A blocked
//! thread does not count against `core_threads` until it takes its next job, and the watcher calls or starts as many
//! as are missing, or twice as many as it found newly blocked. So a million tiny jobs use `core_threads` and the watcher,
//! also on a machine so busy that threads wait for a core; a hundred jobs that sleep get a hundred threads in five
//! rounds; a pool with ten long waits serves a new job at once. Jobs that compute for long get one thread more about
//! every hundred `stall`s only, in case they wait for one another in loops. With nothing pending nobody watches.
//!
//! # What a thread does
//! ```text
//!            1 start                2 arrive
//!  VACANT ------------> STARTING ---------------+
//!    ^                     | 3 the system refuses|
//!    +---------------------+                     v     4 finds nothing, nothing pending
//!    ^                                         AWAKE ------------------------------------> ASLEEP
//!    |                                         |  ^                                          |
//!    | 8 vacate           7 nothing pending    |  |   6 wakes up            5 call           |
//!  LEAVING <-----------------------------------+  +-------------- CALLED <-------------------+
//!    ^                                                                                       |
//!    +---------------------------------------------------------------------------------------+
//!                         7 slept for keep_alive, nothing pending
//! ```
//! 1. Under the lock a seat is reserved; the system call follows outside of it, except for the very first thread: those
//!    who need one must know whether they got it.
//! 2. The new thread reports. 3. Or its starter does, and looks again for somebody to act.
//! 4. The sleeper raises `CALL` and compares (rule 3). 5. The newest sleeper is called first: the oldest may time out.
//! 6. A called or started thread counts as on its way until it has found a job or sleeps again. If it was called to watch,
//!    it watches. 7. The last one to leave raises `EMPTY` and compares (rule 4); if the pool is closed, threads leave as
//!    soon as nothing is pending. 8. The seat, with its empty deque, is free for the next thread.

mod admission;
mod config;
mod crew;
mod grow;
mod places;
mod pool;
#[cfg(any(target_os = "linux", target_os = "android"))]
#[path = "probe_linux.rs"]
mod probe;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[path = "probe_other.rs"]
mod probe;
mod queue;
mod roster;
mod worker;

#[cfg(all(test, not(loom)))]
mod tests;

use crate::task::raw::Runnable;

pub(crate) use {
    config::Config,
    pool::{Permit, Pool, PoolStats, Refused},
};

#[cfg(all(loom, test))]
pub(crate) use {
    admission::{Admission, Entry},
    crew::{AdmitError, Crew, Limits, Order, Rest},
    places::Places,
};

/// A piece of work of the pool: a task, and what there is to do around it.
pub(crate) trait Job: From<Runnable> + Into<Runnable> + Send + 'static {
    /// Does the work, on a thread of the pool. Must not unwind; if it does, the pool drops the panic.
    fn run(self);
}
