//! Task identifiers.

use crate::sync::plain::{AtomicU64, Ordering};
use std::cell::Cell;
use std::fmt;
use std::num::NonZeroU64;

/// The number of identifiers that a thread takes from the process-wide counter at once.
///
/// Blocks keep spawning threads from contending for one cache line.
const BLOCK: u64 = 1024;

/// The identifier of a task: unique in the process, never reused.
///
/// Identifiers increase on each spawning thread. They do not order tasks of different threads.
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let (a, b) = (rt.spawn(async {}), rt.spawn(async {}));
/// assert_ne!(a.id(), b.id());
/// # Ok::<(), offtick::BuildError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(NonZeroU64);

impl TaskId {
    pub(crate) fn next() -> Self {
        static NEXT_BLOCK: AtomicU64 = AtomicU64::new(0);
        thread_local! {
            static NEXT: Cell<u64> = const { Cell::new(0) };
        }
        NEXT.with(|next| {
            if next.get() % BLOCK == 0 {
                next.set(NEXT_BLOCK.fetch_add(1, Ordering::Relaxed) * BLOCK);
            }
            next.set(next.get() + 1);
            Self(NonZeroU64::new(next.get()).expect("counted up from zero"))
        })
    }

    /// Returns the identifier as a number.
    pub fn get(self) -> u64 {
        self.0.get()
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TaskId({})", self.0)
    }
}
