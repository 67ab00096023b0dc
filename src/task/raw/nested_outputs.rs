//! Outputs that own tasks whose outputs own tasks, dropped without deep recursion.
//!
//! Dropping the handle of a finished task drops its output. The output may hold the handle of another finished task,
//! and so on: a chain of tasks that passed their predecessors on. Down to [`DEPTH`], outputs are dropped where they
//! are, one inside the other. Deeper ones are set aside, each with its own reference, and the outermost drop on this
//! thread drops them before it returns. So a destructor sees its own fields dropped in order, unless it is nested that
//! deeply.

use super::handles::release;
use super::header::Header;
use std::cell::{Cell, RefCell};
use std::ptr::NonNull;

/// The largest number of nested output drops on one thread.
const DEPTH: u32 = 32;

/// An output that was set aside in its cell, where only its owner accesses it.
struct SetAside {
    /// Has a reference.
    task: NonNull<Header>,
    unread: bool,
}

thread_local! {
    static ON: Cell<u32> = const { Cell::new(0) };
    static SET_ASIDE: RefCell<Vec<SetAside>> = const { RefCell::new(Vec::new()) };
}

/// Drops an output by `now`, or sets it aside for the outermost drop on this thread.
///
/// # Safety
/// The task is alive, and its output is there. The caller may drop it: by `now`, or later by the vtable's
/// `drop_output`, with `unread`.
pub(super) unsafe fn drop_output(task: NonNull<Header>, unread: bool, now: impl FnOnce()) {
    let outer = ON.get();
    if outer >= DEPTH {
        // SAFETY: alive, by contract.
        unsafe { task.as_ref() }.state().add_ref();
        let set_aside = SET_ASIDE.try_with(|all| all.borrow_mut().push(SetAside { task, unread }));
        if set_aside.is_ok() {
            return;
        }
        // The thread is ending and its list is already dropped: then the drops are nested.
        // SAFETY: the reference was counted above.
        unsafe { release(task) };
    }
    ON.set(outer + 1);
    now();
    if outer == 0 {
        while let Ok(Some(SetAside { task, unread })) = SET_ASIDE.try_with(|all| all.borrow_mut().pop()) {
            // SAFETY: alive by the reference that was set aside with it.
            let drop_output = unsafe { task.as_ref() }.vtable().drop_output;
            // SAFETY: the output is there; the code that set it aside had the right to drop it.
            unsafe { drop_output(task, unread) };
            // SAFETY: the reference is ours.
            unsafe { release(task) };
        }
    }
    ON.set(outer);
}
