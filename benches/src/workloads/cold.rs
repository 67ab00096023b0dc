//! What a look costs when the program touched much else since the last one.

use crate::measure::Sample;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// More than the caches of a core hold.
const SWEEP: usize = 64 << 20;
const LINE: usize = 64;

/// The median of so many looks, each at `operations` things that are out of the caches.
///
/// What the clock takes is not counted: it is as much as a look at a few things.
pub(super) fn looks(looks: usize, operations: usize, mut look: impl FnMut()) -> Sample {
    let mut buffer = vec![0_u8; SWEEP];
    let clock = clock();
    let cold = |_| {
        buffer.iter_mut().step_by(LINE).for_each(|byte| *byte = byte.wrapping_add(1));
        black_box(&buffer);
        let start = Instant::now();
        look();
        start.elapsed().saturating_sub(clock)
    };
    // Nearly all of the CPU time is that of the sweeps.
    Sample::median((0..looks).map(cold).collect(), operations)
}

/// The time between two looks at the clock.
fn clock() -> Duration {
    let mut times: Vec<Duration> = (0..1000).map(|_| Instant::now().elapsed()).collect();
    times.sort_unstable();
    times[times.len() / 2]
}
