//! The remaining stack of a thread.
//!
//! Nested polls, as eager starts cause them, use stack, and only the compiler knows how much a future needs. So this
//! measures how far the stack has grown: the distance between a local now and one at the thread's entry.

use std::cell::Cell;

/// The default stack size of the reactor, in bytes, as in the standard library.
pub(crate) const DEFAULT_SIZE: usize = 2 << 20;

/// The bytes that nested starts may use on a thread of unknown size.
///
/// Counted from the outermost start.
const ELSEWHERE: usize = 256 << 10;

/// The number of copies of a future on the stack during a start, including its caller's.
///
/// A build without optimization keeps all of them: 17 were counted.
const COPIES: usize = if cfg!(debug_assertions) { 16 } else { 4 };

/// The known bounds of a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stack {
    /// The address of a local near its beginning.
    entry: usize,
    /// The number of bytes from there on that nested starts may use.
    room: usize,
}

thread_local! {
    /// `None` if nothing is known and no start is in progress.
    static STACK: Cell<Option<Stack>> = const { Cell::new(None) };
}

impl Stack {
    fn has_room(self, here: usize, bytes: usize) -> bool {
        let grown = self.entry.abs_diff(here);
        bytes.saturating_mul(COPIES).saturating_add(grown) <= self.room
    }
}

/// Returns the address of a local.
#[inline(never)]
fn here() -> usize {
    let local = 0_u8;
    std::ptr::from_ref(std::hint::black_box(&local)).addr()
}

/// Records the entry of a thread whose stack has `size` bytes.
///
/// Half of them are left to the innermost poll.
pub(super) fn enter_thread(size: usize) {
    STACK.set(Some(Stack { entry: here(), room: size / 2 }));
}

/// A guard of a nested start on this thread.
///
/// If nothing is known of its stack, the outermost start marks its beginning.
#[derive(Debug)]
pub(super) struct NestedStart {
    outermost: bool,
}

impl NestedStart {
    /// Begins a start of a future of `bytes` bytes; `None` if there is no room.
    pub(super) fn set(bytes: usize) -> Option<Self> {
        let (here, known) = (here(), STACK.get());
        let stack = known.unwrap_or(Stack { entry: here, room: ELSEWHERE });
        // The outermost start is one that the program could have made directly: it always has room.
        if known.is_some() && !stack.has_room(here, bytes) {
            return None;
        }
        STACK.set(Some(stack));
        Some(Self { outermost: known.is_none() })
    }
}

impl Drop for NestedStart {
    fn drop(&mut self) {
        if self.outermost {
            STACK.set(None);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// How deep starts of `bytes` bytes nest, each of which takes a kilobyte of stack and more.
    fn depth(bytes: usize) -> usize {
        let frame = std::hint::black_box([0_u8; 1024]);
        let depth = NestedStart::set(bytes).map_or(0, |_mark| 1 + depth(bytes));
        std::hint::black_box(&frame);
        depth
    }

    fn on_a_thread<R: Send + 'static>(run: impl FnOnce() -> R + Send + 'static) -> R {
        let thread = crate::sync::thread::Builder::new().spawn(run).expect("a thread");
        thread.join().expect("no overflow")
    }

    #[test]
    fn the_depth_is_that_of_the_stack() {
        let [small, large, elsewhere] = [Some(256 << 10), Some(1 << 20), None].map(|size| {
            on_a_thread(move || {
                size.into_iter().for_each(enter_thread);
                depth(0)
            })
        });
        assert!((8..=128).contains(&small), "half of 256 kB by more than 1 kB: {small}");
        assert!(large > 3 * small, "{large}, {small}");
        assert!((16..=256).contains(&elsewhere), "256 kB by more than 1 kB: {elsewhere}");
    }

    #[test]
    fn a_large_future_needs_more_room() {
        let depths = [0, 10 << 10, 1 << 20].map(|bytes| on_a_thread(move || depth(bytes)));
        assert!(depths[0] > depths[1] && depths[1] > depths[2]);
        assert_eq!(depths[2], 1, "the outermost start has room, whatever its size");
    }

    #[test]
    fn the_outermost_mark_goes_with_its_start() {
        on_a_thread(|| {
            let outer = NestedStart::set(0).expect("the outermost");
            drop(NestedStart::set(0));
            assert!(STACK.get().is_some());
            drop(outer);
            assert_eq!(STACK.get(), None);
        });
    }
}
