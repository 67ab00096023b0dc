//! Prefetching of cells before they are used.
//!
//! Waking cold tasks costs one cache miss each: each wake is a read-modify-write that waits for its cell. Prefetching
//! their cells overlaps the misses.

use super::header::Header;
use super::waker;
use std::task::Waker;

/// The number of bytes of a cell that are prefetched: header, schedule and a small body.
const BYTES: usize = 192;

/// Prefetches the cell of the task that `waker` wakes.
///
/// Does nothing for other kinds of wakers.
#[inline]
pub(crate) fn prefetch(waker: &Waker) {
    if waker::is_of_task(waker) {
        fetch(waker.data().cast());
    }
}

/// Prefetches a cell.
#[inline]
pub(super) fn fetch(cell: *const Header) {
    for line in (0..BYTES).step_by(64) {
        fetch_line(cell.wrapping_byte_add(line));
    }
}

/// Prefetches one cache line.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(super) fn fetch_line<T>(place: *const T) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: a prefetch reads nothing that the program can see, and is allowed for any address, including one past a
    // cell that is shorter.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(place.cast()) };
}

/// Prefetches one cache line.
#[cfg(all(target_arch = "aarch64", not(miri)))]
#[inline]
pub(super) fn fetch_line<T>(place: *const T) {
    // SAFETY: a prefetch reads nothing that the program can see, and never faults at any address.
    unsafe {
        std::arch::asm!("prfm pldl1keep, [{place}]", place = in(reg) place, options(nostack, readonly, preserves_flags));
    };
}

/// Does nothing: on other processors a prefetch is not worth its assembly.
#[cfg(not(any(target_arch = "x86_64", all(target_arch = "aarch64", not(miri)))))]
#[inline]
pub(super) fn fetch_line<T>(_: *const T) {}
