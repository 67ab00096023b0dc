//! The update flag: has anything finished or reported since the host last looked?

use super::hooks::Hooks;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::util::cache_padded::CachePadded;

/// How many threads have a lane of their own; with the common flag they fill one cache line. Fewer where all are explored.
pub(crate) const LANES: usize = if cfg!(loom) { 2 } else { 7 };

/// One flag a runtime, in parts. It goes up when a task ends or reports; the host takes it down.
///
/// ```text
/// any thread:  publish (release)    raise: swap(true) on the common flag       was down -> call the hook
/// lane owner:  publish (release)    raise_lane: store(number + 1) on its lane
/// host:        take: swap(false) on the common flag, or a lane has moved       up -> look at the tasks (acquire)
/// ```
/// On the common flag both sides swap, so the two orders are the only ones: either the host's look comes after the
/// publication and sees it, or the raise comes after the take and puts the flag up again. A raise that skipped the swap
/// because it read `true` could have read it before the host took it, and the update would be lost.
///
/// A swap waits until the publication before it has left the processor, which is what a stream of progress spends its
/// time on. So the threads that report most have a **lane** each: a number that this thread alone writes and the host
/// alone compares with what it has seen. A plain store does, since whatever that thread published before its last store
/// is seen with it. A lane passes from thread to thread under a lock only. It does not tell whether the flag was down: a
/// runtime with a hook raises the common flag.
#[derive(Debug)]
pub(crate) struct UpdateFlag {
    common: AtomicBool,
    lanes: [AtomicU64; LANES],
    /// What the host has seen of each lane. Apart from the lanes, which others write.
    seen: CachePadded<[AtomicU64; LANES]>,
}

impl UpdateFlag {
    pub(crate) fn new() -> Self {
        let zeros = || std::array::from_fn(|_| AtomicU64::new(0));
        Self { common: AtomicBool::new(false), lanes: zeros(), seen: CachePadded::new(zeros()) }
    }

    /// Puts the flag up; true if the common part was down.
    ///
    /// AcqRel: the release half publishes the task's end to the host's `take`.
    #[must_use]
    pub(crate) fn raise(&self) -> bool {
        !self.common.swap(true, Ordering::AcqRel)
    }

    /// Puts the flag up, for the one thread that has this lane.
    pub(crate) fn raise_lane(&self, lane: usize) {
        let lane = &self.lanes[lane];
        // Relaxed: our own number, or that of an owner before us, which the lock of the lanes handed over.
        let number = lane.load(Ordering::Relaxed);
        // Release: pairs with the acquire of `take`.
        lane.store(number.wrapping_add(1), Ordering::Release);
    }

    /// Takes the flag down; true if it was up. A few loads when it is down.
    pub(crate) fn take(&self) -> bool {
        // Relaxed: a raise that this load misses is seen on the next tick.
        let mut up = self.common.load(Ordering::Relaxed) && self.common.swap(false, Ordering::AcqRel);
        for (lane, seen) in self.lanes.iter().zip(self.seen.iter()) {
            // Acquire: pairs with the release of `raise_lane`.
            let number = lane.load(Ordering::Acquire);
            // Relaxed: only hosts write it. Of two that take at the same time, one gets the news.
            up |= seen.load(Ordering::Relaxed) != number && seen.swap(number, Ordering::Relaxed) != number;
        }
        up
    }

    /// Puts the flag up and tells the host if it was down.
    pub(crate) fn raise_and_tell(&self, hooks: &Hooks) {
        if self.raise() {
            hooks.updated();
        }
    }
}
