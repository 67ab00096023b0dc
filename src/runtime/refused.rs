//! Tasks that a runtime refuses, since it shuts down.
//!
//! The task ends at once, as runtime gone, and its body is dropped on the thread that brought it. A body may bring another
//! task as it is dropped (a guard that starts its work again), and that one is refused as well: so it is dropped after the
//! first, not inside of it, and the stack stays flat however many follow.
//!
//! # Generations
//! A body that always spawns another would keep the thread for ever. A task that is spawned as a refused one is dropped is
//! of the next *generation*; beyond [`GENERATIONS`] the body is leaked, not dropped. Tasks that have run before (a chain of
//! them may own each other) do not count.

use crate::task::raw::Runnable;
use std::cell::{Cell, RefCell};

/// Refused tasks that may follow each other, each spawned by the drop of the one before.
const GENERATIONS: u32 = 16;

thread_local! {
    /// The generation of what is being dropped on this thread; 0: nothing is. It has no destructor, so it is there always.
    static DROPPING: Cell<u32> = const { Cell::new(0) };
    /// Refused meanwhile, each with its generation.
    static WAITING: RefCell<Vec<(u32, Runnable)>> = const { RefCell::new(Vec::new()) };
}

/// Ends a task as runtime gone and drops its body, here.
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
        // Without its thread-locals (the thread is ending) it is dropped inside of the one before, to the same limit.
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

/// Panics of the body are caught as it is dropped.
fn drop_as(generation: u32, task: Runnable) {
    let outer = DROPPING.replace(generation);
    drop(task);
    DROPPING.set(outer);
}
