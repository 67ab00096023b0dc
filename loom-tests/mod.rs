//! Models of the lock-free protocols: `cargo loom`.
//!
//! One file per protocol; every model has two or three threads of a few operations each, asserts a floor on the
//! executions it explored, and names the ordering that turns it red when weakened.

#[cfg(feature = "toolkit")]
mod cancel_token;
mod hook_queue;
mod inbox;
#[cfg(feature = "net")]
mod io_readiness;
mod local_tick;
mod park;
mod place;
mod poll_watch;
mod pool_close;
mod pool_idle;
mod pool_support;
mod pool_wait;
mod ring;
mod runtime_words;
#[cfg(unix)]
mod signal_coalesce;
mod task_batch;
mod task_cell;
mod task_level;
mod task_list;
mod task_promise;
mod task_rig;
#[cfg(feature = "toolkit")]
mod task_set;
mod task_shared;
mod task_slot;
mod task_state;
mod time_clock;
mod time_fire;
mod time_park;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Explores every execution of `body` (within `preemptions`, if given) and fails if there were fewer than `floor`:
/// a model that explores next to nothing proves nothing.
pub(crate) fn explore(preemptions: Option<usize>, floor: usize, body: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = preemptions;
    let seen = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&seen);
    builder.check(move || {
        counter.fetch_add(1, Ordering::Relaxed);
        body();
        place::assert_in_order();
    });
    let explored = seen.load(Ordering::Relaxed);
    println!("explored {explored} executions");
    assert!(explored >= floor, "only {explored} executions explored, at least {floor} expected");
}
