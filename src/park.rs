//! Parking and unparking of a thread that waits for work.
//!
//! The handshake is one word. Both sides change it by read-modify-writes, so no order of events loses a wake-up:
//!
//! ```text
//!   parker: EMPTY -> PARKED (then it blocks)     NOTIFIED -> EMPTY (then it does not)
//!   others: any   -> NOTIFIED                    and the system call only if it was PARKED
//! ```
//! Work is published before `notify`; the parker checks for work after `unset`. A producer need not notify if it knows
//! that the parker is awake and will check for work before it parks: the [inbox](crate::task::raw::Inbox) of a reactor
//! relies on that. [`CondvarParker`] blocks on a condition variable; the reactor with sockets blocks in the system's
//! poll under the same handshake.

use crate::instant::Instant;
use crate::sync::atomic::{AtomicU8, Ordering};
use crate::sync::{Arc, Condvar, HAS_THREADS, Mutex};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// A way to end the current or the next wait of a reactor.
///
/// An engine that hands work to a reactor does not know how that reactor waits: on a condition variable, in the
/// system's poll, or in the host's own loop. It publishes its work and calls this.
pub(crate) trait Unpark: Send + Sync {
    /// Wakes the reactor. If it is not waiting, its next wait returns immediately. Never called under a lock.
    fn unpark(&self);

    /// Releases the descriptors of the waker. The reactor has ended, and nothing unparks it any more.
    fn close(&self) {}
}

/// A descriptor that the host waits for in its own poll.
///
/// It becomes readable when a thread-less runtime has work; no thread of the crate parks.
pub(crate) trait Descriptor {
    /// Returns the handshake word, which is PARKED while the host is outside of `tick`.
    fn word(&self) -> &ParkState;

    /// Makes the descriptor readable after about `timeout`, or never.
    ///
    /// Replaces the previous timeout.
    fn set_alarm(&mut self, timeout: Option<Duration>);

    /// Returns true if the alarm may have made it readable.
    ///
    /// It rings at the end of its timeout, or slightly earlier.
    fn may_have_rung(&self) -> bool;

    /// Makes the descriptor readable now.
    ///
    /// [`Unpark::unpark`] calls this if the host is outside of `tick`.
    fn ring(&self);

    /// Makes the descriptor unreadable, unless something rang meanwhile.
    ///
    /// Wakes the tasks that its events concern.
    fn read(&mut self);
}

const EMPTY: u8 = 0;
const PARKED: u8 = 1;
const NOTIFIED: u8 = 2;

/// The word of the handshake.
#[derive(Debug)]
pub(crate) struct ParkState(AtomicU8);

impl ParkState {
    pub(crate) fn new() -> Self {
        Self(AtomicU8::new(EMPTY))
    }

    /// Records that there is work.
    ///
    /// Returns true if the parker blocks or is about to block: then a system call must wake it.
    ///
    /// AcqRel: the release half publishes the work to `unset`, whose acquire half it pairs with.
    #[must_use]
    pub(crate) fn notify(&self) -> bool {
        self.0.swap(NOTIFIED, Ordering::AcqRel) == PARKED
    }

    /// Announces that the parker will block.
    ///
    /// Returns false if it was notified meanwhile: then it must check for work instead.
    ///
    /// Relaxed on both paths: a success orders nothing, since `notify` reads no work of the parker's, and after a failure
    /// `unset` acquires.
    #[must_use]
    pub(crate) fn set(&self) -> bool {
        let parked = self.0.compare_exchange(EMPTY, PARKED, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if !parked {
            self.unset();
        }
        parked
    }

    /// Marks the parker as awake. Acquire pairs with `notify`, so that the parker sees the work.
    pub(crate) fn unset(&self) {
        self.0.swap(EMPTY, Ordering::AcqRel);
    }

    /// Returns true while the parker has not been notified. Acquire, as in `unset`.
    pub(crate) fn is_parked(&self) -> bool {
        self.0.load(Ordering::Acquire) == PARKED
    }

    /// Consumes a notification, and returns true if there was one.
    ///
    /// A parker that spins before it blocks calls this. A notification left behind would end every later spin.
    #[must_use]
    pub(crate) fn take_notified(&self) -> bool {
        // Acquire pairs with `notify`. Only the parker takes a notification back, so it is still there below.
        let notified = self.0.load(Ordering::Acquire) == NOTIFIED;
        if notified {
            self.unset();
        }
        notified
    }
}

/// A parker on a condition variable.
///
/// Reactors without sockets use it, and threads that wait for one task.
#[derive(Debug)]
pub(crate) struct CondvarParker {
    state: ParkState,
    lock: Mutex<()>,
    condvar: Condvar,
}

impl CondvarParker {
    pub(crate) fn new() -> Self {
        Self { state: ParkState::new(), lock: Mutex::new(()), condvar: Condvar::new() }
    }

    /// Returns the handshake word, for a reactor that spins before it blocks.
    #[cfg_attr(feature = "net", allow(dead_code, reason = "a reactor with sockets blocks in the system's poll"))]
    pub(crate) fn state(&self) -> &ParkState {
        &self.state
    }

    /// Blocks until notified or until `timeout` has passed. May return early.
    pub(crate) fn park(&self, timeout: Option<Duration>) {
        if !self.state.set() {
            return;
        }
        let mut guard = self.lock.lock();
        while self.state.is_parked() {
            match timeout {
                None => self.condvar.wait(&mut guard),
                Some(timeout) => {
                    let _timed_out = self.condvar.wait_for(&mut guard, timeout);
                    break;
                }
            }
        }
        drop(guard);
        self.state.unset();
    }
}

impl Default for CondvarParker {
    fn default() -> Self {
        Self::new()
    }
}

impl Unpark for CondvarParker {
    fn unpark(&self) {
        if self.state.notify() {
            // With the lock held, the parker either has not read the word yet, or already waits on the condition
            // variable.
            drop(self.lock.lock());
            self.condvar.notify_one();
        }
    }
}

impl std::task::Wake for CondvarParker {
    fn wake(self: Arc<Self>) {
        self.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.unpark();
    }
}

/// Polls `future` on this thread until it is ready, parking in between.
///
/// Returns `None` once `timeout` has passed. Callers make sure that this thread does not drive the future's own
/// runtime. On a platform where no thread may block, it also returns `None` as soon as the future waits.
pub(crate) fn block_on<F: Future>(mut future: Pin<&mut F>, timeout: Option<Duration>) -> Option<F::Output> {
    let parker = Arc::new(CondvarParker::new());
    let waker = Waker::from(Arc::clone(&parker));
    let mut cx = Context::from_waker(&waker);
    // A timeout that overflows the clock is no timeout.
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return Some(output);
        }
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return None;
        }
        if HAS_THREADS {
            parker.park(left);
        } else if !parker.state.take_notified() {
            return None;
        }
    }
}
