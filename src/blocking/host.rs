//! Closures on a runtime without threads: the host takes them from the same queue, in its ticks.
//!
//! Any thread submits. The push is under the lock, so a closure that comes after the close is dropped and not forgotten; the
//! host is woken after it, by the same handshake as for the inbox.

use super::admission::Admitted;
use super::queue::{Queue, Taker};
use super::state::{AdmitError, PoolStats};
use crate::park::Unpark;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Arc, Mutex};
use crate::task::raw::Runnable;
use std::io;

pub(crate) struct Host {
    state: Mutex<State>,
    /// How many closures wait, as last written under the lock.
    waiting: AtomicUsize,
    /// Closures run only when somebody asks for them.
    held: bool,
    host: Arc<dyn Unpark>,
}

#[derive(Default)]
struct State {
    taker: Taker,
    taken: u64,
    closed: bool,
}

impl Host {
    pub(crate) fn new(host: Arc<dyn Unpark>, held: bool) -> Self {
        Self { state: Mutex::default(), waiting: AtomicUsize::new(0), held, host }
    }

    pub(super) fn admit(&self) -> Result<Admitted, AdmitError<io::Error>> {
        if self.is_closed() { Err(AdmitError::Closed) } else { Ok(Admitted { notify: false, batch: false }) }
    }

    pub(crate) fn submit(&self, queue: &Queue, job: Runnable) {
        let state = self.state.lock();
        if state.closed {
            drop(state);
            queue.unreserve();
            // Outside the lock: its task ends as runtime gone.
            drop(job);
            return;
        }
        queue.push(job, false);
        self.waiting.fetch_add(1, Ordering::Relaxed);
        drop(state);
        if !self.held {
            self.host.unpark();
        }
    }

    pub(crate) fn take(&self, queue: &Queue) -> Option<Runnable> {
        let job = queue.pop(&mut self.state.lock().taker)?;
        self.count_taken();
        Some(job)
    }

    /// Counts a closure that was removed from the queue.
    pub(super) fn count_taken(&self) {
        let mut state = self.state.lock();
        state.taken += 1;
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }

    /// How many closures wait for the next tick.
    pub(crate) fn due(&self) -> usize {
        // Relaxed: a submitter wakes the host afterwards, and the handshake of the park orders the next look.
        if self.held { 0 } else { self.waiting.load(Ordering::Relaxed) }
    }

    pub(crate) fn close(&self) {
        self.state.lock().closed = true;
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state.lock().closed
    }

    pub(super) fn stats(&self) -> PoolStats {
        let state = self.state.lock();
        PoolStats { queued: self.waiting.load(Ordering::Relaxed) as u64, taken: state.taken, ..PoolStats::default() }
    }
}
