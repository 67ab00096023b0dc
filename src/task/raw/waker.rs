//! The waker of a task: a counted pointer to its cell, with one static table.
//!
//! With one table, `will_wake` works for all tasks.

use super::handles::{Runnable, release};
use super::header::Header;
use super::polled;
use super::state::ToScheduled;
use std::ptr::NonNull;
use std::task::{RawWaker, RawWakerVTable, Waker};

static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop_waker);

/// Creates a waker that owns one reference.
///
/// # Safety
/// `header` is alive. The caller passes a reference on, or never drops the waker and keeps the cell alive longer.
pub(super) unsafe fn from_header(header: NonNull<Header>) -> Waker {
    let raw = RawWaker::new(header.as_ptr().cast_const().cast(), &VTABLE);
    // SAFETY: the functions of the table keep the contract of `RawWaker`: thread-safe, counted.
    unsafe { Waker::from_raw(raw) }
}

/// Returns true if the waker came from [`from_header`].
#[inline]
pub(super) fn is_of_task(waker: &Waker) -> bool {
    std::ptr::eq(waker.vtable(), &VTABLE)
}

/// Returns true for the waker of a cancelled or finished task.
pub(crate) fn is_of_cancelled(waker: &Waker) -> bool {
    if !is_of_task(waker) {
        return false;
    }
    // SAFETY: the waker comes from `from_header`, and its reference lives as long as the borrow.
    let state = unsafe { header(waker.data()) }.state().load();
    state.is_cancel_requested() || state.is_finished()
}

/// # Safety
/// `data` comes from `from_header` and its reference is alive.
unsafe fn header<'a>(data: *const ()) -> &'a Header {
    // SAFETY: by contract.
    unsafe { &*data.cast::<Header>() }
}

/// Returns the cell's own pointer, which may be used to free the cell.
///
/// A pointer made from a reference to the header may not.
fn pointer(data: *const ()) -> NonNull<Header> {
    NonNull::new(data.cast_mut().cast()).expect("a waker's data is a cell")
}

/// # Safety
/// As [`header`].
unsafe fn clone(data: *const ()) -> RawWaker {
    // SAFETY: by contract.
    unsafe { header(data) }.state().add_ref();
    RawWaker::new(data, &VTABLE)
}

/// # Safety
/// As [`header`]; consumes the reference.
unsafe fn wake(data: *const ()) {
    // The reference is held across the call: another thread may run and free the queued task immediately.
    // SAFETY: by contract the waker is ours.
    unsafe { wake_by_ref(data) };
    // SAFETY: by contract the waker is ours.
    unsafe { drop_waker(data) };
}

/// # Safety
/// As [`header`].
unsafe fn wake_by_ref(data: *const ()) {
    if polled::wake(data) {
        return;
    }
    // SAFETY: by contract.
    let alive = unsafe { header(data) };
    if alive.state().to_scheduled() == ToScheduled::Submit {
        let pointer = pointer(data);
        // SAFETY: the transition set ACTIVE.
        let task = unsafe { Runnable::from_raw(pointer) };
        // SAFETY: the waker's own reference keeps the cell alive.
        unsafe { (alive.vtable().schedule)(pointer, task) };
    }
}

/// # Safety
/// As [`header`]; consumes the reference.
unsafe fn drop_waker(data: *const ()) {
    // SAFETY: the caller may release this reference.
    unsafe { release(pointer(data)) };
}
