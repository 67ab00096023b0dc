//! How a thread that waits for work is told that there is some.
//!
//! The handshake is one word, changed by read-modify-writes on both sides, so that no order of events loses a wake-up:
//!
//! ```text
//!   parker: EMPTY -> PARKED (then it blocks)     NOTIFIED -> EMPTY (then it does not)
//!   others: any   -> NOTIFIED                    and the system call only if it was PARKED
//! ```
//! Work is published before `notify`; the parker looks for work after `unset`. Whoever knows that the parker is awake and
//! will look before it parks need not notify: so it is with tasks in the [inbox](crate::task::raw::Inbox) of a reactor.
//! [`CondvarParker`] blocks on a condition
//! variable; the reactor with sockets blocks in the system's poll under the same handshake.

use crate::sync::atomic::{AtomicU8, Ordering};
use crate::sync::{Arc, Condvar, Mutex};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// Ends the wait of one reactor, now or the next time it is about to wait.
///
/// An engine that hands work to a reactor knows nothing of how that reactor waits (a condition variable, the
/// operating system's poll, the host's own loop): it publishes its work and calls this.
pub(crate) trait Unpark: Send + Sync {
    /// Wakes the reactor; if it does not wait yet, its next wait returns at once. Never called under a lock.
    fn unpark(&self);

    /// Releases the descriptors that waking takes: the reactor is gone, and nothing unparks it any more.
    fn close(&self) {}
}

/// What a host waits for in a poll of its own, where no thread of the crate parks: a descriptor that becomes readable.
pub(crate) trait Descriptor {
    /// The handshake word: PARKED while the host is outside.
    fn word(&self) -> &ParkState;

    /// Makes it readable at the end of `timeout` from now or nearly so, or at no time of its own. Replaces what was set
    /// before.
    fn set_alarm(&mut self, timeout: Option<Duration>);

    /// True if the alarm may have made it readable, which it does at the end of its timeout or a little ahead of that.
    fn may_have_rung(&self) -> bool;

    /// Makes it readable now. What [`Unpark::unpark`] does if it finds the host outside.
    fn ring(&self);

    /// Makes it unreadable, unless something has rung meanwhile, and wakes whom its events concern.
    fn read(&mut self);
}

const EMPTY: u8 = 0;
const PARKED: u8 = 1;
const NOTIFIED: u8 = 2;

/// The handshake word.
#[derive(Debug)]
pub(crate) struct ParkState(AtomicU8);

impl ParkState {
    pub(crate) fn new() -> Self {
        Self(AtomicU8::new(EMPTY))
    }

    /// Notes that there is work. True: the parker blocks, or is about to, and must be woken by a system call.
    ///
    /// AcqRel: the release half publishes the work to `unset`, whose acquire half it pairs with.
    #[must_use]
    pub(crate) fn notify(&self) -> bool {
        self.0.swap(NOTIFIED, Ordering::AcqRel) == PARKED
    }

    /// The parker announces that it will block. False: it was notified meanwhile and must look for work instead.
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

    /// The parker is awake again. Acquire: pairs with `notify`, so that the work is seen.
    pub(crate) fn unset(&self) {
        self.0.swap(EMPTY, Ordering::AcqRel);
    }

    /// True while the parker has not been notified. Acquire, as in `unset`.
    pub(crate) fn is_parked(&self) -> bool {
        self.0.load(Ordering::Acquire) == PARKED
    }

    /// True if there was a notification, which is consumed: what a parker that spins before it blocks looks at. One
    /// that it left standing would end every spin from then on.
    #[must_use]
    pub(crate) fn take_notified(&self) -> bool {
        // Acquire: pairs with `notify`. Only the parker takes a notification back, so it is still there below.
        let notified = self.0.load(Ordering::Acquire) == NOTIFIED;
        if notified {
            self.unset();
        }
        notified
    }
}

/// A parker on a condition variable: for reactors without sockets and for threads that wait for one task.
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

    /// The handshake word, for a reactor that spins before it blocks.
    #[cfg_attr(feature = "net", allow(dead_code, reason = "a reactor with sockets blocks in the system's poll"))]
    pub(crate) fn state(&self) -> &ParkState {
        &self.state
    }

    /// Blocks until notified or until `timeout` has passed; may also return early for no reason.
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
            // Taking the lock: the parker either has not looked at the word yet, or waits on the condition already.
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

/// Polls `future` on this thread until it is ready, parking in between. `None` once `timeout` has passed.
///
/// For threads that may wait: the callers make sure that this one does not drive the future's own runtime.
pub(crate) fn block_on<F: Future>(mut future: Pin<&mut F>, timeout: Option<Duration>) -> Option<F::Output> {
    let parker = Arc::new(CondvarParker::new());
    let waker = Waker::from(Arc::clone(&parker));
    let mut cx = Context::from_waker(&waker);
    // A timeout beyond the end of time is none.
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return Some(output);
        }
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return None;
        }
        parker.park(left);
    }
}
