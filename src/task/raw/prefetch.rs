//! Cells brought into the cache ahead of their use.
//!
//! A task that slept for long is cold. To wake one after the other, each with a read-modify-write that waits for its cell,
//! is to wait for memory as often as there are tasks; asked for beforehand, the cells come all at once.

use super::header::Header;
use super::waker;
use std::task::Waker;

/// Bytes of a cell that are asked for: header, schedule and a small body.
const BYTES: usize = 192;

/// Asks for the cell of the task that `waker` wakes. Of any other kind of waker nothing is known, and nothing done.
#[inline]
pub(crate) fn prefetch(waker: &Waker) {
    if waker::is_of_task(waker) {
        fetch(waker.data().cast());
    }
}

/// Asks for a cell.
#[inline]
pub(super) fn fetch(cell: *const Header) {
    for line in (0..BYTES).step_by(64) {
        fetch_line(cell.wrapping_byte_add(line));
    }
}

/// Asks for one cache line.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(super) fn fetch_line<T>(place: *const T) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: a prefetch reads nothing that the program could see, and is allowed for any address, that past a cell
    // which is shorter included.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(place.cast()) };
}

/// Asks for one cache line.
#[cfg(all(target_arch = "aarch64", not(miri)))]
#[inline]
pub(super) fn fetch_line<T>(place: *const T) {
    // SAFETY: a prefetch reads nothing that the program could see, and never faults, whatever the address.
    unsafe {
        std::arch::asm!("prfm pldl1keep, [{place}]", place = in(reg) place, options(nostack, readonly, preserves_flags));
    };
}

/// On other processors a prefetch is not worth its assembly.
#[cfg(not(any(target_arch = "x86_64", all(target_arch = "aarch64", not(miri)))))]
#[inline]
pub(super) fn fetch_line<T>(_: *const T) {}
