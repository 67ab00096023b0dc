//! The time that a task took so far, on its runtime's clock. It stands still once the task has finished.

use crate::instant::Instant;
use crate::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A clock, for tasks: the clocks themselves are made in a layer above.
pub(crate) trait TimeSource: Send + Sync {
    /// The time that it shows.
    fn now(&self) -> Instant;

    /// Another one that shows the same time.
    fn boxed(&self) -> Box<dyn TimeSource>;
}

/// Set in `shown` once it stands still.
const STOPPED: u64 = 1 << 63;

/// Measures from its start to the first look at the finished task, or to the end itself, whichever comes first.
pub(crate) struct Stopwatch {
    clock: Box<dyn TimeSource>,
    start: Instant,
    /// The most nanoseconds that were shown, so that no later look shows less; final with [`STOPPED`], which makes the word
    /// larger than any that runs.
    shown: AtomicU64,
}

impl Stopwatch {
    /// Starts one.
    pub(crate) fn new(clock: Box<dyn TimeSource>) -> Self {
        let start = clock.now();
        Self { clock, start, shown: AtomicU64::new(0) }
    }

    /// One that started when `self` did, and runs.
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

    /// The task has finished. The first call counts.
    pub(crate) fn stop(&self) {
        // Relaxed, here and below: one number, and the order of its values is that of the word.
        if self.shown.load(Ordering::Relaxed) & STOPPED == 0 {
            let nanos = self.nanos();
            let stop = |shown: u64| (shown & STOPPED == 0).then(|| shown.max(nanos) | STOPPED);
            let _stopped_before = self.shown.fetch_update(Ordering::Relaxed, Ordering::Relaxed, stop);
        }
    }

    /// The time so far; `over` says that the task has finished.
    pub(crate) fn elapsed(&self, over: bool) -> Duration {
        if over {
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
