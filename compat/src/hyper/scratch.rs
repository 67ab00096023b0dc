//! Memory that a read goes through on its way to hyper.
//!
//! hyper hands out memory that nobody has written to yet. Safe code can copy into it, not read into it, so the bytes
//! take one detour. A buffer in each connection would cost its size as long as the connection lives, idle ones too;
//! but a read begins and ends within one poll, so one buffer a thread does, and it is warm in the cache.

use std::cell::Cell;

/// Bytes of the buffer: as much as one read moves. A copy of that many stays within the second-level cache.
const SIZE: usize = 64 * 1024;

thread_local! {
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Runs `f` with at most `most` bytes of this thread's buffer.
///
/// The buffer is away meanwhile: a read inside of `f` gets one of its own. After a panic, or in a thread that is ending,
/// the next call makes a new one.
pub(super) fn with<R>(most: usize, f: impl FnOnce(&mut [u8]) -> R) -> R {
    let mut buffer = SCRATCH.try_with(Cell::take).unwrap_or_default();
    if buffer.is_empty() {
        buffer = vec![0; SIZE];
    }
    let result = f(&mut buffer[..most.min(SIZE)]);
    // A thread that is ending has no place for it any more.
    let _kept = SCRATCH.try_with(|scratch| scratch.set(buffer));
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_within_a_read_has_a_buffer_of_its_own() {
        with(usize::MAX, |outer| {
            assert_eq!(outer.len(), SIZE);
            outer.fill(1);
            with(10, |inner| inner.copy_from_slice(&[2; 10]));
            assert!(outer.iter().all(|byte| *byte == 1));
        });
    }

    #[test]
    fn a_panic_leaves_a_buffer_for_the_next() {
        assert!(std::panic::catch_unwind(|| with(1, |_| panic!("in a read"))).is_err());
        with(3, |buffer| assert_eq!(buffer.len(), 3));
    }
}
