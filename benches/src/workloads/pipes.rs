//! Messages from one thread to another through a bare queue, one by one and in batches.

use super::{Patience, spin_until};
use crate::measure::{Sample, timed};
use std::cell::Cell;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Messages per batch of a producer that writes in batches.
const BATCH: u64 = 256;

/// How often a consumer looks that does something else in between.
const TICK: Duration = Duration::from_micros(10);

/// Waits for its next tick before each look. Nothing of what the producer writes is read meanwhile.
#[derive(Default)]
pub(super) struct Ticks(Cell<Option<Instant>>);

impl Ticks {
    pub(super) fn then(&self, look: impl FnOnce() -> usize) -> usize {
        if let Some(last) = self.0.get() {
            while last.elapsed() < TICK {
                std::hint::spin_loop();
            }
        }
        self.0.set(Some(Instant::now()));
        look()
    }
}

/// `put` is called until it takes the message, `take` as long as messages are missing. `take` says how many it took.
pub(super) fn singly(
    count: usize,
    mut put: impl FnMut(u64) -> bool + Send + 'static,
    take: impl FnMut() -> usize,
) -> Sample {
    let produce = move || {
        for n in 0..count as u64 {
            spin_until(|| put(n));
        }
    };
    pair(count, produce, take)
}

/// The same with a producer that hands over what it has in batches; `fill` says how many of them it took.
pub(super) fn in_batches(
    count: usize,
    mut fill: impl FnMut(Range<u64>) -> usize + Send + 'static,
    take: impl FnMut() -> usize,
) -> Sample {
    let produce = move || {
        let (mut next, end, mut patience) = (0, count as u64, Patience::default());
        while next < end {
            match fill(next..end.min(next + BATCH)) {
                0 => patience.spin(),
                some => next += some as u64,
            }
        }
    };
    pair(count, produce, take)
}

/// Runs `produce` on a thread of its own, and times `take` on this one.
fn pair(count: usize, produce: impl FnOnce() + Send + 'static, mut take: impl FnMut() -> usize) -> Sample {
    let go = Arc::new(AtomicBool::new(false));
    let gate = Arc::clone(&go);
    let thread = std::thread::spawn(move || {
        spin_until(|| gate.load(Ordering::Acquire));
        produce();
    });
    let sample = timed(count, || {
        go.store(true, Ordering::Release);
        let (mut left, mut patience) = (count, Patience::default());
        while left > 0 {
            match take() {
                0 => patience.spin(),
                some => left -= some,
            }
        }
    });
    thread.join().expect("it does not panic");
    sample
}
