//! The update flag, which tells the host that something changed since it last asked.

use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::sync::{Arc, Mutex, plain};
use crate::util::cache_padded::CachePadded;
use std::cell::Cell;
use std::marker::PhantomData;

/// The number of per-thread flags. Fewer in models, which explore all of them.
const THREAD_FLAGS: usize = if cfg!(loom) { 2 } else { 7 };

/// The per-thread flag of the driver thread. The others go to the first threads that claim one.
const DRIVER: usize = 0;

/// A runtime's update flag, in parts.
///
/// It is raised when a task ends or reports; the host clears it.
///
/// ```text
/// any thread:  publish (release)    raise: swap(true) on the common flag       was down -> call the hook
/// thread_flag owner:  publish (release)    raise_thread_flag: store(number + 1) on its thread_flag
/// host:        take: swap(false) on the common flag, or a thread_flag has moved       up -> look at the tasks (acquire)
/// ```
/// On the common flag both sides swap, so there are only two orders: the host's check comes after the publication and
/// sees it, or the raise comes after the take and raises the flag again. A raise that skipped the swap because it read
/// `true` could have read it before the host took it, and the update would be lost.
///
/// A swap drains the store buffer; for frequent reports that would dominate the cost. So the threads that report most
/// have a **per-thread flag** each: a number that only this thread writes, and that only the host compares with the
/// last one it saw. A plain store suffices, since everything that the thread published before its last store is seen
/// with it. A per-thread flag passes from thread to thread under a lock only. It does not show whether the flag was
/// clear: a runtime with a hook raises the common flag.
///
/// A thread knows its own flag by a thread-local ([`ThreadFlag`]), so a report finds it with two loads.
#[derive(Debug)]
pub(crate) struct UpdateFlag {
    /// A unique identifier: an address may be reused.
    id: u64,
    /// Apart from the identifier, which every thread with a per-thread flag reads.
    parts: CachePadded<Parts>,
    /// The last numbers that the host saw. Apart from the flags, which others write.
    seen: CachePadded<[AtomicU64; THREAD_FLAGS]>,
    /// The per-thread flags that no thread has.
    free: Mutex<Vec<usize>>,
}

/// The parts that are raised.
///
/// Each per-thread flag has its own cache line: pool threads write theirs at each closure.
#[derive(Debug)]
struct Parts {
    common: AtomicBool,
    thread_flags: [CachePadded<AtomicU64>; THREAD_FLAGS],
}

/// The per-thread flag of a thread.
#[derive(Clone, Copy, Debug)]
struct Own {
    /// The [`UpdateFlag::id`]; no flag has 0.
    flag: u64,
    thread_flag: usize,
}

thread_local! {
    static OWN: Cell<Own> = const { Cell::new(Own { flag: 0, thread_flag: 0 }) };
}

impl UpdateFlag {
    pub(crate) fn new() -> Self {
        static NEXT: plain::AtomicU64 = plain::AtomicU64::new(1);
        Self {
            id: NEXT.fetch_add(1, plain::Ordering::Relaxed),
            parts: CachePadded::new(Parts {
                common: AtomicBool::new(false),
                thread_flags: std::array::from_fn(|_| CachePadded::new(AtomicU64::new(0))),
            }),
            seen: CachePadded::new(std::array::from_fn(|_| AtomicU64::new(0))),
            free: Mutex::new((DRIVER + 1..THREAD_FLAGS).rev().collect()),
        }
    }

    /// Raises the flag. Returns true if the common part was clear.
    ///
    /// AcqRel: the release half publishes the task's end to the host's `take`.
    #[must_use]
    pub(crate) fn raise(&self) -> bool {
        !self.parts.common.swap(true, Ordering::AcqRel)
    }

    /// Raises the flag by this thread's own part. Returns false if it has none.
    #[inline]
    pub(crate) fn raise_own(&self) -> bool {
        let own = OWN.get();
        if own.flag != self.id {
            return false;
        }
        self.raise_thread_flag(own.thread_flag);
        true
    }

    /// Raises the flag on the driver thread.
    pub(crate) fn raise_as_driver(&self) {
        self.raise_thread_flag(DRIVER);
    }

    /// Raises the flag, for the thread that has this part.
    #[inline]
    pub(crate) fn raise_thread_flag(&self, thread_flag: usize) {
        let thread_flag = &self.parts.thread_flags[thread_flag];
        // Relaxed: our own number, or that of an earlier owner, published by the lock of the free flags.
        let number = thread_flag.load(Ordering::Relaxed);
        // Release pairs with the acquire of `take`.
        thread_flag.store(number.wrapping_add(1), Ordering::Release);
    }

    /// Clears the flag. Returns true if it was raised.
    ///
    /// It costs a few loads when the flag is clear.
    #[inline]
    pub(crate) fn take(&self) -> bool {
        let Parts { common, thread_flags } = &*self.parts;
        // Relaxed: the next tick sees a raise that these loads miss.
        let mut up = common.load(Ordering::Relaxed);
        for (thread_flag, seen) in thread_flags.iter().zip(self.seen.iter()) {
            up |= thread_flag.load(Ordering::Relaxed) != seen.load(Ordering::Relaxed);
        }
        up && self.take_slow()
    }

    #[inline(never)]
    fn take_slow(&self) -> bool {
        let Parts { common, thread_flags } = &*self.parts;
        let mut up = common.load(Ordering::Relaxed) && common.swap(false, Ordering::AcqRel);
        for (thread_flag, seen) in thread_flags.iter().zip(self.seen.iter()) {
            // Acquire pairs with the release of `raise_thread_flag`.
            let number = thread_flag.load(Ordering::Acquire);
            // Relaxed: only hosts write it. Of two concurrent takes, one returns true.
            up |= seen.load(Ordering::Relaxed) != number && seen.swap(number, Ordering::Relaxed) != number;
        }
        up
    }
}

/// A per-thread flag of this thread, until this is dropped.
///
/// Those of one thread are dropped in reverse order.
#[derive(Debug)]
pub(crate) struct ThreadFlag {
    flag: Arc<UpdateFlag>,
    thread_flag: usize,
    /// The previous flag of this thread.
    before: Own,
    _of_this_thread: PhantomData<*const ()>,
}

impl ThreadFlag {
    /// Claims a per-thread flag for this thread, if one is free.
    pub(crate) fn claim(flag: &Arc<UpdateFlag>) -> Option<Self> {
        let thread_flag = flag.free.lock().pop()?;
        Some(Self::enter(flag, thread_flag))
    }

    /// Claims the flag of the driver thread, which is this thread.
    pub(crate) fn of_driver(flag: &Arc<UpdateFlag>) -> Self {
        Self::enter(flag, DRIVER)
    }

    fn enter(flag: &Arc<UpdateFlag>, thread_flag: usize) -> Self {
        let before = OWN.replace(Own { flag: flag.id, thread_flag });
        Self { flag: Arc::clone(flag), thread_flag, before, _of_this_thread: PhantomData }
    }
}

impl Drop for ThreadFlag {
    fn drop(&mut self) {
        // First: from here on nothing on this thread writes the number.
        OWN.set(self.before);
        if self.thread_flag != DRIVER {
            self.flag.free.lock().push(self.thread_flag);
        }
    }
}

/// The driver's flag during a tick.
///
/// Unlike [`ThreadFlag::of_driver`] it holds no counted reference.
#[derive(Debug)]
pub(crate) struct DriverFlag {
    before: Own,
    _of_this_thread: PhantomData<*const ()>,
}

impl DriverFlag {
    /// Claims the driver's flag of `flag`: no other thread may write it.
    #[inline(always)]
    pub(crate) fn enter(flag: &UpdateFlag) -> Self {
        Self { before: OWN.replace(Own { flag: flag.id, thread_flag: DRIVER }), _of_this_thread: PhantomData }
    }
}

impl Drop for DriverFlag {
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
        let thread_flag = ThreadFlag::claim(&flag).expect("one is free");
        assert!(flag.raise_own());
        assert!(!other.raise_own(), "that of another flag");
        assert!(flag.take() && !flag.take());
        assert!(!other.take());
        drop(thread_flag);
        assert!(!flag.raise_own(), "it was given back");
    }

    #[test]
    fn the_lane_before_is_the_thread_s_again() {
        let (outer, inner) = (Arc::new(UpdateFlag::new()), Arc::new(UpdateFlag::new()));
        let _flag = ThreadFlag::of_driver(&outer);
        let nested = ThreadFlag::claim(&inner);
        assert!(inner.raise_own() && !outer.raise_own());
        drop(nested);
        assert!(outer.raise_own() && !inner.raise_own());
    }

    #[test]
    fn no_lane_has_two_threads() {
        let flag = Arc::new(UpdateFlag::new());
        let mut thread_flags: Vec<_> = std::iter::from_fn(|| ThreadFlag::claim(&flag)).collect();
        let mut numbers: Vec<_> = thread_flags.iter().map(|thread_flag| thread_flag.thread_flag).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, Vec::from_iter(DRIVER + 1..THREAD_FLAGS));
        while thread_flags.pop().is_some() {}
        assert_eq!(flag.free.lock().len(), THREAD_FLAGS - 1);
    }
}
