//! One frame of a host's loop, again and again, as each peer is driven from such a loop.

use crate::measure::{Sample, timed};
use offtick::{Budget, LocalRuntime};
use std::hint::black_box;
use std::time::Duration;
use tokio::runtime::Runtime;

/// So many frames.
pub(super) fn each(frames: usize, mut frame: impl FnMut()) -> Sample {
    timed(frames, || (0..frames).for_each(|_| frame()))
}

/// A tick under a budget of 2 ms.
pub(super) fn ticks(frames: usize, runtime: &LocalRuntime) -> Sample {
    each(frames, || {
        let budget = black_box(Budget::time(Duration::from_millis(2)));
        black_box(black_box(runtime).tick(budget)).expect("no tick is on");
    })
}

/// A yield to whatever is ready: tokio has no tick.
pub(super) fn yields(frames: usize, runtime: &Runtime) -> Sample {
    each(frames, || runtime.block_on(tokio::task::yield_now()))
}
