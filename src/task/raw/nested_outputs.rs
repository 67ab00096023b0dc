//! Outputs that own tasks whose outputs own tasks: dropped without deep recursion.
//!
//! The handle of a finished task drops the output, which may hold the handle of another finished task, and so on: a chain of
//! tasks that passed their predecessors on. Down to [`DEPTH`] outputs are dropped where they stand, one inside the other.
//! Deeper ones are set aside, with a reference of their own, and dropped by the outermost drop on this thread before it
//! returns. So a destructor sees its own fields dropped in order, unless it is that deep inside of others.

use super::handles::release;
use super::header::Header;
use std::cell::{Cell, RefCell};
use std::ptr::NonNull;

/// Drops of outputs that may be on at a time on one thread, each inside the one before.
const DEPTH: u32 = 32;

/// An output that was set aside: it stands in its cell, and nobody but its owner looks at it.
struct SetAside {
    /// With a reference.
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
/// The task is alive, its output is there and the caller's to drop: by `now`, or later by the vtable's `drop_output`, with
/// `unread`.
pub(super) unsafe fn drop_output(task: NonNull<Header>, unread: bool, now: impl FnOnce()) {
    let outer = ON.get();
    if outer >= DEPTH {
        // SAFETY: alive, by contract.
        unsafe { task.as_ref() }.state().add_ref();
        let set_aside = SET_ASIDE.try_with(|all| all.borrow_mut().push(SetAside { task, unread }));
        if set_aside.is_ok() {
            return;
        }
        // The thread is ending and has no such list any more: one inside the other, then.
        // SAFETY: the reference was counted above.
        unsafe { release(task) };
    }
    ON.set(outer + 1);
    now();
    if outer == 0 {
        while let Ok(Some(SetAside { task, unread })) = SET_ASIDE.try_with(|all| all.borrow_mut().pop()) {
            // SAFETY: alive by the reference that was set aside with it.
            let drop_output = unsafe { task.as_ref() }.vtable().drop_output;
            // SAFETY: the output is there and was the caller's who set it aside.
            unsafe { drop_output(task, unread) };
            // SAFETY: the reference is ours.
            unsafe { release(task) };
        }
    }
    ON.set(outer);
}
