//! The task that this thread polls, so that a self-wake needs no state word.
//!
//! A task that yields, or spends its budget, wakes itself in its own poll, on the polling thread. The same thread
//! checks directly after the poll whether the task was woken. So a word of the thread's own is enough, and no other
//! thread needs to see it. Any other wake uses the state word: of another task, from another thread, or after the poll.
//!
//! The word holds the address of the task being polled (the innermost one if polls are nested). Its lowest bit says
//! whether that task was woken.

use super::header::Header;
use std::cell::Cell;
use std::ptr::NonNull;

/// No address of a cell has this bit, since cells are aligned.
const WOKEN: usize = 1;

crate::sync::thread_local! {
    static POLLED: Cell<usize> = const { Cell::new(0) };
}

/// Marks a task as polled by this thread.
///
/// Returns the value to restore by [`end`].
#[inline(always)]
pub(super) fn begin(task: NonNull<Header>) -> usize {
    POLLED.with(|polled| polled.replace(task.addr().get()))
}

/// Ends the poll. Returns true if the task was woken in it, by its own thread.
#[inline(always)]
pub(super) fn end(outer: usize) -> bool {
    POLLED.with(|polled| polled.replace(outer)) & WOKEN != 0
}

/// Returns true while this thread polls the task, and no other one inside of it.
pub(super) fn is(task: NonNull<Header>) -> bool {
    POLLED.with(Cell::get) & !WOKEN == task.addr().get()
}

/// Records a wake of the task that this thread polls.
///
/// Returns false if it polls another task, or none.
#[inline(always)]
pub(super) fn wake(task: *const ()) -> bool {
    POLLED.with(|polled| {
        let here = polled.get() & !WOKEN == task.addr();
        if here {
            polled.set(polled.get() | WOKEN);
        }
        here
    })
}
