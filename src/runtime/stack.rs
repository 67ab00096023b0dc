//! How much stack a thread has left.
//!
//! Polls inside polls, as eager starts make them, take stack, and how much a future takes nobody knows but the compiler. So
//! what is measured is how far the stack has grown: the distance between a local of now and one of the thread's entry.

use std::cell::Cell;

/// The reactor's stack, unless the builder says otherwise: what the standard library gives a thread.
pub(crate) const DEFAULT_SIZE: usize = 2 << 20;

/// Bytes that nested starts may take on a thread of which nothing is known, counted from the outermost.
const ELSEWHERE: usize = 256 << 10;

/// Copies of a future that a start has on the stack, with those of whoever made it. A build without optimization keeps all
/// of them: 17 were counted.
const COPIES: usize = if cfg!(debug_assertions) { 16 } else { 4 };

/// What is known of a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stack {
    /// The address of a local near its beginning.
    entry: usize,
    /// Bytes from there on that nested starts may reach into.
    room: usize,
}

thread_local! {
    /// `None` where nothing is known, and no start is on.
    static STACK: Cell<Option<Stack>> = const { Cell::new(None) };
}

impl Stack {
    fn has_room(self, here: usize, bytes: usize) -> bool {
        let grown = self.entry.abs_diff(here);
        bytes.saturating_mul(COPIES).saturating_add(grown) <= self.room
    }
}

/// The address of a local.
#[inline(never)]
fn here() -> usize {
    let local = 0_u8;
    std::ptr::from_ref(std::hint::black_box(&local)).addr()
}

/// To be called at the entry of a thread whose stack has `size` bytes. Half of them are left to the innermost poll.
pub(super) fn enter_thread(size: usize) {
    STACK.set(Some(Stack { entry: here(), room: size / 2 }));
}

/// A nested start on this thread; if nothing is known of its stack, the outermost one marks where it begins.
#[derive(Debug)]
pub(super) struct Mark {
    outermost: bool,
}

impl Mark {
    /// Room for a start with a future of `bytes` bytes; `None` if there is none.
    pub(super) fn set(bytes: usize) -> Option<Self> {
        let (here, known) = (here(), STACK.get());
        let stack = known.unwrap_or(Stack { entry: here, room: ELSEWHERE });
        // The outermost start is one the program would have made by hand: it always has room.
        if known.is_some() && !stack.has_room(here, bytes) {
            return None;
        }
        STACK.set(Some(stack));
        Some(Self { outermost: known.is_none() })
    }
}

impl Drop for Mark {
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
        let depth = Mark::set(bytes).map_or(0, |_mark| 1 + depth(bytes));
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
            let outer = Mark::set(0).expect("the outermost");
            drop(Mark::set(0));
            assert!(STACK.get().is_some());
            drop(outer);
            assert_eq!(STACK.get(), None);
        });
    }
}
