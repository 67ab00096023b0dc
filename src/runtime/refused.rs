//! Tasks that a runtime refuses because it is shutting down.
//!
//! The task ends immediately, as runtime gone, and its body is dropped on the thread that submitted it. A body may
//! submit another task when it is dropped (a guard that starts its work again), which is refused too. That one is
//! dropped after the first, not inside of it, so the stack does not grow with their number.
//!
//! # Generations
//! A body that always spawns another would keep the thread busy for ever. A task that is spawned while a refused one is
//! dropped belongs to the next *generation*. Beyond [`GENERATIONS`] the body is leaked, not dropped. Tasks that have
//! run before (a chain of them may own each other) do not count.

use crate::task::raw::Runnable;
use std::cell::{Cell, RefCell};

/// The largest number of refused tasks that the drop of the previous one spawned.
const GENERATIONS: u32 = 16;

thread_local! {
    /// The generation of the body being dropped on this thread, or 0.
    ///
    /// It has no destructor, so it always exists.
    static DROPPING: Cell<u32> = const { Cell::new(0) };
    /// Tasks refused meanwhile, with their generations.
    static WAITING: RefCell<Vec<(u32, Runnable)>> = const { RefCell::new(Vec::new()) };
}

/// Ends a task as runtime gone and drops its body immediately.
#[cold]
pub(super) fn refuse(task: Runnable) {
    task.end_as_gone();
    let outer = DROPPING.get();
    let generation = (outer + u32::from(!task.is_started())).max(1);
    if generation > GENERATIONS {
        std::mem::forget(task);
        return;
    }
    let mut task = Some(task);
    if outer != 0 {
        // Without thread-locals (the thread is ending) it is dropped inside of the previous one, to the same limit.
        let _ending =
            WAITING.try_with(|waiting| waiting.borrow_mut().extend(task.take().map(|task| (generation, task))));
    }
    if let Some(task) = task {
        drop_as(generation, task);
    }
    if outer == 0 {
        while let Ok(Some((generation, task))) = WAITING.try_with(|waiting| waiting.borrow_mut().pop()) {
            drop_as(generation, task);
        }
    }
}

/// Drops a task. Panics of the body are caught.
fn drop_as(generation: u32, task: Runnable) {
    let outer = DROPPING.replace(generation);
    drop(task);
    DROPPING.set(outer);
}
