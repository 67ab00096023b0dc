//! Which task this thread polls: the note by which a task that wakes itself is spared the state word.
//!
//! A task that yields, and one that spends its budget, wakes itself in its own poll, on the thread that polls it. That
//! thread is the one that looks, right after the poll, whether the task was woken; so a word of its own is enough to tell
//! it, and no other thread needs to see it. A wake of any other task, from any other thread, or after the poll goes by the
//! state word.
//!
//! The word holds the address of the task whose poll is on, the innermost one where polls are nested, and in its lowest bit
//! whether that one was woken.

use super::header::Header;
use std::cell::Cell;
use std::ptr::NonNull;

/// No address of a cell has this bit, since cells are aligned.
const WOKEN: usize = 1;

crate::sync::thread_local! {
    static POLLED: Cell<usize> = const { Cell::new(0) };
}

/// This thread polls a task from now on. Gives what is to be put back by [`end`].
#[inline(always)]
pub(super) fn begin(task: NonNull<Header>) -> usize {
    POLLED.with(|polled| polled.replace(task.addr().get()))
}

/// The poll is over. True if the task was woken in it, by its own thread.
#[inline(always)]
pub(super) fn end(outer: usize) -> bool {
    POLLED.with(|polled| polled.replace(outer)) & WOKEN != 0
}

/// True inside of a poll of the task by this thread, and of no other one in between.
pub(super) fn is(task: NonNull<Header>) -> bool {
    POLLED.with(Cell::get) & !WOKEN == task.addr().get()
}

/// Notes a wake of the task that this thread polls. False: it is another one, or none.
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
