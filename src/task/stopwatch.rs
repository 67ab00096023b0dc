//! The elapsed time of a task, on its runtime's clock, which stops when the task finishes.

use crate::instant::Instant;
use crate::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A clock for tasks: the clock types are defined in a layer above.
pub(crate) trait TimeSource: Send + Sync {
    /// Returns the current time.
    fn now(&self) -> Instant;

    /// Returns another clock that shows the same time.
    fn boxed(&self) -> Box<dyn TimeSource>;
}

/// The flag in `shown` of a stopped watch.
const STOPPED: u64 = 1 << 63;

/// A stopwatch that stops at the end of the task.
///
/// It stops at the first reading after the end, or at the end itself, whichever comes first.
pub(crate) struct Stopwatch {
    clock: Box<dyn TimeSource>,
    start: Instant,
    /// The largest reading in nanoseconds, so that no later reading is smaller.
    ///
    /// Final with [`STOPPED`], which makes the word larger than that of any running watch.
    shown: AtomicU64,
}

impl Stopwatch {
    /// Starts a stopwatch.
    pub(crate) fn new(clock: Box<dyn TimeSource>) -> Self {
        let start = clock.now();
        Self { clock, start, shown: AtomicU64::new(0) }
    }

    /// Returns a running stopwatch with the same start.
    pub(crate) fn since_same_start(&self) -> Self {
        Self { clock: self.clock.boxed(), start: self.start, shown: AtomicU64::new(0) }
    }

    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    fn nanos(&self) -> u64 {
        let nanos = self.now().saturating_duration_since(self.start).as_nanos();
        u64::try_from(nanos).map_or(!STOPPED, |nanos| nanos.min(!STOPPED))
    }

    /// Stops the watch, because the task has finished. Only the first call counts.
    pub(crate) fn stop(&self) {
        // Relaxed, here and below: it is one word, whose modification order is enough.
        if self.shown.load(Ordering::Relaxed) & STOPPED == 0 {
            let nanos = self.nanos();
            let stop = |shown: u64| (shown & STOPPED == 0).then(|| shown.max(nanos) | STOPPED);
            let _stopped_before = self.shown.fetch_update(Ordering::Relaxed, Ordering::Relaxed, stop);
        }
    }

    /// Returns the elapsed time. `finished` is true if the task has finished.
    pub(crate) fn elapsed(&self, finished: bool) -> Duration {
        if finished {
            self.stop();
        }
        let mut shown = self.shown.load(Ordering::Relaxed);
        if shown & STOPPED == 0 {
            let nanos = self.nanos();
            shown = self.shown.fetch_max(nanos, Ordering::Relaxed).max(nanos);
        }
        Duration::from_nanos(shown & !STOPPED)
    }
}
