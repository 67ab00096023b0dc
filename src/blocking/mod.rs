//! The blocking pool: runs closures that may block, on threads that come and go with the need.
//!
//! # Parts
//! | file | one idea |
//! |---|---|
//! | [`pool`] | admit, submit, close, join |
//! | [`queue`] | where closures wait: one line per priority, and the queue limit |
//! | [`admission`] | one word: how many closures were ever admitted, and three flags for the next submitter |
//! | [`state`] | who works, sleeps, starts or leaves: all that needs the lock ([rebalance](state), watcher and waits apart) |
//! | [`worker`] | the thread: takes closures, and sleeps or leaves when there are none |
//! | [`host`] | the same queue, run in the ticks of a host |
//! | [`running`] | which closures run right now |
//! | [`grow`] | when the pool has stalled, and how many threads that calls for |
//! | [`probe`] | whether a thread computes or waits, where the system tells |
//! | [`priority`] | the priority of the threads, where the system lets it be set |
//! | [`config`] | the options, their defaults and their checks |
//!
//! # Rules
//! 1. A closure is *admitted* (a [`Permit`]), *pushed*, then *taken*. The admission word counts the admitted closures, and
//!    each thread counts in a word of its own what it has taken. A closure is *pending* from its admission until it is taken:
//!    `pending = admitted - sum of taken`. Both sides only grow (except for unused permits), so reading `taken` first and
//!    `admitted` after it never finds fewer pending closures than there are.
//! 2. The lock of the state guards who does what. A submit that finds the flags clear never takes it, nor does a thread that
//!    goes from closure to closure.
//! 3. *Nobody sleeps while work waits.* `NOTIFY` is set whenever the next admitted closure needs an action: a thread to wake,
//!    to start, or to appoint as watcher. The flag may be set spuriously, but is never clear while an action is needed. The
//!    thread that sets it gets the count of admitted closures from the same read-modify-write, and must not sleep if that
//!    count shows a pending closure. So the sleeping thread sees the closure (admitted before), or its submitter sees the
//!    flag (admitted after). There is no third case.
//! 4. *No closure is lost.* `NO_THREAD` is set while no thread lives. A permit is handed out only when one lives (or has just
//!    been started), and a thread leaves only if nothing is pending. A start that fails is reported before the closure is
//!    built, or another thread runs it. A closure leaves the queue by `pop` alone, which hands it to one thread.
//! 5. *The order holds.* Every closure, whoever submits it, goes to the back of one line per priority, and every thread takes
//!    one at a time from the front and runs it at once. So closures of one priority are taken exactly in the order in which
//!    they were pushed. A thread may be interrupted between taking a closure and its first instruction: with n threads, at
//!    most n-1 closures that were submitted earlier have not begun when a closure begins, and with one thread none.
//!    A closure that retries is submitted again for each attempt. Lower priorities are passed over a bounded number of times
//!    per thread ([`PriorityPicker`](crate::task::PriorityPicker)). Since there is one line, the closures of pool threads and
//!    those from outside cannot starve each other.
//! 6. *Waiting for earlier closures never deadlocks*, whatever the limit: of the closures of one priority that are not
//!    finished, look at the earliest. By rule 5 it was taken, or it is the next to be taken. If it was taken it runs, waits
//!    for nothing unfinished, and finishes. If it is next, every earlier closure has finished, so the threads are idle or run
//!    later closures; those were taken after it, which rule 5 excludes. So it is taken. (Threads that are held by closures of
//!    another priority do not help: across priorities only the following holds.)
//!    A closure that waits for *later* closures may need more threads than there are. A thread that waits for a closure of
//!    its own pool says so ([`BlockingPool::begin_wait`]): it counts as blocked at once, and if all threads that the limit
//!    allows would wait for closures that are not finished, the last of them is refused with `WouldDeadlock`.
//! 7. At most one thread at a time is on its way to work (after a stall several): when it has found its first closure it
//!    checks for more, and wakes the next thread. A burst of submits costs one wake-up.
//! 8. A panic that escapes from a closure ends at the worker's loop.
//!
//! # Growing
//! Up to `core_threads` are woken or started as soon as a closure is pending and no thread is on its way. Beyond that, blocked
//! threads decide, not the length of the queue: one surplus thread becomes the *watcher* and checks every `stall` whether a
//! closure was taken since its last look. If none was while closures are pending, the watcher asks the system which of the
//! working threads wait, and marks these as *blocked*. Where the system does not tell, all working threads count as blocked
//! once no closure was taken for 15 times `stall`. A blocked thread does not count against `core_threads` until it takes its
//! next closure, and the watcher wakes or starts as many as are missing, or twice as many as it found newly blocked. So a
//! million tiny closures use `core_threads` and the watcher, also on a busy machine; a hundred closures that sleep get a
//! hundred threads in five rounds; a pool with ten long waits serves a new closure at once. Closures that compute for long
//! get one more thread about every hundred `stall`s only, in case they wait for one another in loops. With nothing pending
//! there is no watcher.
//!
//! # The states of a thread
//! ```text
//!            1 start                2 worker_started
//!  VACANT ------------> STARTING -----------------+
//!    ^                     | 3 start_failed        |
//!    +---------------------+                       v
//!    ^                             5 found     SEARCHING <-----------------+
//!    |                        WORKING <------------+  |                    |
//!    |                           |                 ^  | 6 nothing pending  | 7 resumes
//!    |                           +-----------------+  v                    |
//!    |                             nothing found     IDLE ----------> NOTIFIED ---> WATCHING
//!    | 9 release_slot                                 |   woken                    (then SEARCHING)
//!  LEAVING <------------------------------------------+
//!             8 idle for keep_alive, nothing pending
//! ```
//! 1. The slot is reserved under the lock; the system call follows outside, except for the very first thread: submitters
//!    need to know whether they got it. 2. The new thread is up. 3. Or its starter reports the failure and rebalances.
//! 5. It takes a closure, runs it, and goes from closure to closure without the lock. 6. It sets `NOTIFY` and compares
//!    (rule 3). The newest sleeper is woken first: the oldest may time out. 7. It searches, or watches if it was woken for
//!    that. 8. The last thread sets `NO_THREAD` and compares (rule 4). If the pool is closed, threads leave as soon as nothing
//!    is pending. 9. The slot is free for the next thread.

mod admission;
mod config;
mod grow;
mod host;
mod pool;
mod priority;
#[cfg(any(target_os = "linux", target_os = "android"))]
#[path = "probe_linux.rs"]
mod probe;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[path = "probe_other.rs"]
mod probe;
mod queue;
mod running;
mod state;
mod worker;

#[cfg(all(test, not(loom)))]
mod tests;
#[cfg(all(test, not(loom)))]
pub(crate) use tests::unreliable;

pub use priority::{PriorityRefused, ThreadPriority};
pub(crate) use {
    config::{Config, Runner},
    pool::{BlockingPool, Permit, Refused},
    running::{Running, RunningClosures, inside, outside},
    worker::run_closure,
};

#[cfg(all(loom, test))]
pub(crate) use {
    admission::{Admission, Entry},
    host::Host,
    queue::{Queue, Semaphore, Taker},
    state::{Action, AdmitError, Limits, NextStep, PoolState, Watch, WorkerSlot},
};
