//! The update flag: has anything finished or reported since the host last looked?

use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::sync::{Arc, Mutex, plain};
use crate::util::cache_padded::CachePadded;
use std::cell::Cell;
use std::marker::PhantomData;

/// How many threads have a lane of their own. Fewer where all are explored.
const LANES: usize = if cfg!(loom) { 2 } else { 7 };

/// The lane of the thread that drives the runtime; the others go to whoever comes first.
const DRIVER: usize = 0;

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
/// A swap waits until the publication before it has left the processor, which is what a stream of progress would spend
/// its time on. So the threads that report most have a **lane** each: a number that this thread alone writes and the host
/// alone compares with what it has seen. A plain store does, since whatever that thread published before its last store
/// is seen with it. A lane passes from thread to thread under a lock only. It does not tell whether the flag was down: a
/// runtime with a hook raises the common flag.
///
/// Which lane is its own a thread knows by itself ([`Lane`]), so that a report finds it with two loads.
#[derive(Debug)]
pub(crate) struct UpdateFlag {
    /// Unlike any other's: an address may be used again.
    id: u64,
    /// Apart from the number above, which every thread with a lane reads.
    parts: CachePadded<Parts>,
    /// What the host has seen of each lane. Apart from the lanes, which others write.
    seen: CachePadded<[AtomicU64; LANES]>,
    /// The lanes that nobody has.
    free: Mutex<Vec<usize>>,
}

/// What is raised. Each lane has a cache line: pool threads write theirs at each closure.
#[derive(Debug)]
struct Parts {
    common: AtomicBool,
    lanes: [CachePadded<AtomicU64>; LANES],
}

/// Whose lane a thread has.
#[derive(Clone, Copy, Debug)]
struct Own {
    /// [`UpdateFlag::id`]; no flag has 0.
    flag: u64,
    lane: usize,
}

thread_local! {
    static OWN: Cell<Own> = const { Cell::new(Own { flag: 0, lane: 0 }) };
}

impl UpdateFlag {
    pub(crate) fn new() -> Self {
        static NEXT: plain::AtomicU64 = plain::AtomicU64::new(1);
        Self {
            id: NEXT.fetch_add(1, plain::Ordering::Relaxed),
            parts: CachePadded::new(Parts {
                common: AtomicBool::new(false),
                lanes: std::array::from_fn(|_| CachePadded::new(AtomicU64::new(0))),
            }),
            seen: CachePadded::new(std::array::from_fn(|_| AtomicU64::new(0))),
            free: Mutex::new((DRIVER + 1..LANES).rev().collect()),
        }
    }

    /// Puts the flag up; true if the common part was down.
    ///
    /// AcqRel: the release half publishes the task's end to the host's `take`.
    #[must_use]
    pub(crate) fn raise(&self) -> bool {
        !self.parts.common.swap(true, Ordering::AcqRel)
    }

    /// Puts the flag up by way of this thread's lane; false if it has none, and nothing is done.
    #[inline]
    pub(crate) fn raise_own(&self) -> bool {
        let own = OWN.get();
        if own.flag != self.id {
            return false;
        }
        self.raise_lane(own.lane);
        true
    }

    /// Puts the flag up, on the thread that drives the runtime.
    pub(crate) fn raise_as_driver(&self) {
        self.raise_lane(DRIVER);
    }

    /// Puts the flag up, for the one thread that has this lane.
    #[inline]
    pub(crate) fn raise_lane(&self, lane: usize) {
        let lane = &self.parts.lanes[lane];
        // Relaxed: our own number, or that of an owner before us, which the lock of the lanes handed over.
        let number = lane.load(Ordering::Relaxed);
        // Release: pairs with the acquire of `take`.
        lane.store(number.wrapping_add(1), Ordering::Release);
    }

    /// Takes the flag down; true if it was up. A few loads when it is down.
    #[inline]
    pub(crate) fn take(&self) -> bool {
        let Parts { common, lanes } = &*self.parts;
        // Relaxed: a raise that these loads miss is seen on the next tick.
        let mut up = common.load(Ordering::Relaxed);
        for (lane, seen) in lanes.iter().zip(self.seen.iter()) {
            up |= lane.load(Ordering::Relaxed) != seen.load(Ordering::Relaxed);
        }
        up && self.take_slow()
    }

    #[inline(never)]
    fn take_slow(&self) -> bool {
        let Parts { common, lanes } = &*self.parts;
        let mut up = common.load(Ordering::Relaxed) && common.swap(false, Ordering::AcqRel);
        for (lane, seen) in lanes.iter().zip(self.seen.iter()) {
            // Acquire: pairs with the release of `raise_lane`.
            let number = lane.load(Ordering::Acquire);
            // Relaxed: only hosts write it. Of two that take at the same time, one gets the news.
            up |= seen.load(Ordering::Relaxed) != number && seen.swap(number, Ordering::Relaxed) != number;
        }
        up
    }
}

/// A lane that is this thread's, until this is dropped. Those of one thread are dropped in the reverse order.
#[derive(Debug)]
pub(crate) struct Lane {
    flag: Arc<UpdateFlag>,
    lane: usize,
    /// What this thread had before.
    before: Own,
    _of_this_thread: PhantomData<*const ()>,
}

impl Lane {
    /// A lane of `flag` for this thread, if there is one left.
    pub(crate) fn claim(flag: &Arc<UpdateFlag>) -> Option<Self> {
        let lane = flag.free.lock().pop()?;
        Some(Self::enter(flag, lane))
    }

    /// The lane of the thread that drives the runtime of `flag`, from first to last: this one.
    pub(crate) fn of_driver(flag: &Arc<UpdateFlag>) -> Self {
        Self::enter(flag, DRIVER)
    }

    fn enter(flag: &Arc<UpdateFlag>, lane: usize) -> Self {
        let before = OWN.replace(Own { flag: flag.id, lane });
        Self { flag: Arc::clone(flag), lane, before, _of_this_thread: PhantomData }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        // First: from here on nothing on this thread writes the number.
        OWN.set(self.before);
        if self.lane != DRIVER {
            self.flag.free.lock().push(self.lane);
        }
    }
}

/// The driver's lane during a tick. As [`Lane::of_driver`], without a counted reference.
#[derive(Debug)]
pub(crate) struct DriverLane {
    before: Own,
    _of_this_thread: PhantomData<*const ()>,
}

impl DriverLane {
    /// For the thread that drives the runtime of `flag`: no other may write this lane.
    #[inline(always)]
    pub(crate) fn enter(flag: &UpdateFlag) -> Self {
        Self { before: OWN.replace(Own { flag: flag.id, lane: DRIVER }), _of_this_thread: PhantomData }
    }
}

impl Drop for DriverLane {
    #[inline(always)]
    fn drop(&mut self) {
        OWN.set(self.before);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_thread_raises_its_own_lane_only() {
        let (flag, other) = (Arc::new(UpdateFlag::new()), Arc::new(UpdateFlag::new()));
        assert!(!flag.raise_own(), "it has none");
        let lane = Lane::claim(&flag).expect("one is free");
        assert!(flag.raise_own());
        assert!(!other.raise_own(), "that of another flag");
        assert!(flag.take() && !flag.take());
        assert!(!other.take());
        drop(lane);
        assert!(!flag.raise_own(), "it was given back");
    }

    #[test]
    fn the_lane_before_is_the_thread_s_again() {
        let (outer, inner) = (Arc::new(UpdateFlag::new()), Arc::new(UpdateFlag::new()));
        let _lane = Lane::of_driver(&outer);
        let nested = Lane::claim(&inner);
        assert!(inner.raise_own() && !outer.raise_own());
        drop(nested);
        assert!(outer.raise_own() && !inner.raise_own());
    }

    #[test]
    fn no_lane_has_two_threads() {
        let flag = Arc::new(UpdateFlag::new());
        let mut lanes: Vec<_> = std::iter::from_fn(|| Lane::claim(&flag)).collect();
        let mut numbers: Vec<_> = lanes.iter().map(|lane| lane.lane).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, Vec::from_iter(DRIVER + 1..LANES));
        while lanes.pop().is_some() {}
        assert_eq!(flag.free.lock().len(), LANES - 1);
    }
}
