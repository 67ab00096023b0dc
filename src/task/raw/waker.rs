//! The waker of a task: a counted pointer to its cell behind one static table, so that `will_wake` compares well.

use super::handles::{Runnable, release};
use super::header::Header;
use super::polled;
use super::state::ToScheduled;
use std::ptr::NonNull;
use std::task::{RawWaker, RawWakerVTable, Waker};

static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop_waker);

/// A waker that owns one reference.
///
/// # Safety
/// `header` is alive, and the caller passes a reference on, or never drops the waker and keeps the cell alive longer.
pub(super) unsafe fn from_header(header: NonNull<Header>) -> Waker {
    let raw = RawWaker::new(header.as_ptr().cast_const().cast(), &VTABLE);
    // SAFETY: the functions of the table keep the contract of `RawWaker`: thread-safe, counted.
    unsafe { Waker::from_raw(raw) }
}

/// True if it came from [`from_header`].
#[inline]
pub(super) fn is_of_task(waker: &Waker) -> bool {
    std::ptr::eq(waker.vtable(), &VTABLE)
}

/// True if the waker is that of a task whose cancellation was requested, or that is over.
pub(crate) fn is_of_cancelled(waker: &Waker) -> bool {
    if !is_of_task(waker) {
        return false;
    }
    // SAFETY: the waker comes from `from_header`, and its reference lives as long as the borrow.
    let state = unsafe { header(waker.data()) }.state().load();
    state.is_cancel_requested() || state.is_over()
}

/// # Safety
/// `data` comes from `from_header` and its reference is alive.
unsafe fn header<'a>(data: *const ()) -> &'a Header {
    // SAFETY: by contract.
    unsafe { &*data.cast::<Header>() }
}

/// The cell's own pointer, which (unlike one made from a reference to the header) may be used to free the cell.
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
/// As [`header`]; takes the reference over.
unsafe fn wake(data: *const ()) {
    // The reference is held across the call: queueing the task may run and free it on another thread at once.
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
/// As [`header`]; takes the reference over.
unsafe fn drop_waker(data: *const ()) {
    // SAFETY: the reference is the caller's to give up.
    unsafe { release(pointer(data)) };
}
