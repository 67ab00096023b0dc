//! The one file that names a synchronisation library.
//!
//! Everything else in the crate takes its atomics, locks, cells and threads from here, so that the same code runs on
//! the standard library and `parking_lot` in production and on the loom model checker under `--cfg loom`. A type that
//! does not come from here is invisible to loom.
//!
//! - [`UnsafeCell`] is accessed only through `with` and `with_mut`: loom checks each access for a data race.
//! - [`Arc`] is the standard one in both worlds (loom's has no `Weak`, no unsized coercion and is not what
//!   `std::task::Wake` takes). Where the *data* behind the last reference is loom-checked, use [`ModelArc`].
//! - `thread_local` holds what each thread of a model must have separately. The thread-locals of a runtime are the
//!   standard ones.
//! - [`plain`] has atomics that loom does not track, for identifiers and statistics that no protocol depends on.
//!
//! # Locks
//! User code never runs under a lock of the crate. Wakers are cloned before locking, and woken and dropped after
//! unlocking. Replaced values are dropped after unlocking. Hooks, zones and closures run without a lock. `Mutex` is not
//! re-entrant, so a mistake is a deadlock. The tests call back from each kind of user code: `hooks` (hooks),
//! `scheduler_calendar` (zones), `completion_queue` (wakers), `manage_set` (`Hash` and `Eq`), `wakers` (wakers,
//! destructors).
//!
//! | lock | guards |
//! |---|---|
//! | `park` | the sleep of one thread |
//! | `task/task_meta`, `task/share`, `task/retry_state` | wakers, end hook and time limit of a task; waits between attempts |
//! | `error/panic` | the payload of a panic |
//! | `progress/{shared, waiter}` | the producer of a shared reporter; senders that wait |
//! | `util/{finished, update}` | keys of finished tasks; free per-thread flags of the update flag |
//! | `executor/poll_watch` | the poll that is watched |
//! | `time/{driver, child, clock, wall}` | timers; clocks that follow another one; listeners of a wall clock |
//! | `blocking/*` | threads and queue of a pool; running closures |
//! | `reactor/*`, `net/*` | sources and their waiters; the core of a stream that reconnects |
//! | `runtime/{hook_queue, listing, shutdown, process}` | notices for hooks; the published list; the process-wide runtime |
//! | `runtime/local/world`, `spawn/maker` | a closure that is taken out while it runs |
//! | `signal/*` | the signals of the process and their listeners |
//! | `toolkit/*` | the state of each pattern; `run` holds its lock while it polls a task of the crate |
//! | `manage/*` | members, registry, waiting runs; `completion` holds its lock while it registers its own waker |
//! | `scheduler/core`, `scheduler/cell` | the schedule, then the visible state of one job; the order is documented there |
//!
//! The only guard that a user holds is that of a drain ([`CompletionQueue::drain`](crate::CompletionQueue::drain)).
//! Everything else only tries that lock.

#[cfg(not(loom))]
mod imp {
    pub(crate) mod atomic {
        pub(crate) use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};
    }

    pub(crate) mod thread {
        #[allow(unused_imports, reason = "`current` is for tests")]
        pub(crate) use std::thread::{Builder, JoinHandle, current, park_timeout, yield_now};
    }

    pub(crate) use parking_lot::{Condvar, Mutex, MutexGuard};
    pub(crate) use std::hint::spin_loop;
    pub(crate) use std::sync::Arc as ModelArc;
    pub(crate) use std::thread_local;

    /// A cell whose content is accessed by raw pointer, within one closure.
    #[derive(Debug)]
    #[repr(transparent)]
    pub(crate) struct UnsafeCell<T: ?Sized>(std::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        pub(crate) const fn new(value: T) -> Self {
            Self(std::cell::UnsafeCell::new(value))
        }

        #[inline(always)]
        pub(crate) fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
            f(self.0.get())
        }

        #[inline(always)]
        pub(crate) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
            f(self.0.get())
        }
    }
}

#[cfg(loom)]
mod imp {
    use std::time::Duration;

    pub(crate) mod atomic {
        pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};
    }

    pub(crate) mod thread {
        // Runtime threads are never started inside a model. They come from the standard library so that the whole crate
        // still compiles. Only `yield_now`, which models call, is loom's.
        pub(crate) use loom::thread::yield_now;
        pub(crate) use std::thread::{Builder, JoinHandle, park_timeout};
    }

    pub(crate) use loom::hint::spin_loop;
    /// A thread-local per thread of the model, all of which share one system thread.
    ///
    /// loom's own macro does not accept constant initialisers.
    macro_rules! own_thread_local {
        (static $name:ident: $type:ty = const { $value:expr };) => {
            loom::thread_local! { static $name: $type = $value; }
        };
    }
    pub(crate) use loom::sync::Arc as ModelArc;
    pub(crate) use own_thread_local as thread_local;

    /// loom's checked cell, with the content first as in production.
    ///
    /// The task cell finds its output by offset.
    #[derive(Debug)]
    #[repr(C)]
    pub(crate) struct UnsafeCell<T> {
        content: std::cell::UnsafeCell<T>,
        accesses: loom::cell::UnsafeCell<()>,
    }

    impl<T> UnsafeCell<T> {
        pub(crate) fn new(value: T) -> Self {
            Self { content: std::cell::UnsafeCell::new(value), accesses: loom::cell::UnsafeCell::new(()) }
        }

        #[track_caller]
        pub(crate) fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
            self.accesses.with(|_| f(self.content.get()))
        }

        #[track_caller]
        pub(crate) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
            self.accesses.with_mut(|_| f(self.content.get()))
        }
    }

    /// loom's mutex with `parking_lot`'s calls.
    #[derive(Debug)]
    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    /// A guard of [`Mutex`]; holds `None` only while a [`Condvar`] has it.
    #[derive(Debug)]
    pub(crate) struct MutexGuard<'a, T>(Option<loom::sync::MutexGuard<'a, T>>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(loom::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            MutexGuard(Some(self.0.lock().expect("a loom mutex is never poisoned")))
        }

        pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
            self.0.try_lock().ok().map(|guard| MutexGuard(Some(guard)))
        }
    }

    impl<T: Default> Default for Mutex<T> {
        fn default() -> Self {
            Self::new(T::default())
        }
    }

    impl<T> std::ops::Deref for MutexGuard<'_, T> {
        type Target = T;
        fn deref(&self) -> &T {
            self.0.as_deref().expect("the guard is held")
        }
    }

    impl<T> std::ops::DerefMut for MutexGuard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            self.0.as_deref_mut().expect("the guard is held")
        }
    }

    /// loom's condition variable with `parking_lot`'s calls. A timed wait never times out in a model.
    #[derive(Debug)]
    pub(crate) struct Condvar(loom::sync::Condvar);

    /// The result of a timed wait.
    #[derive(Debug)]
    pub(crate) struct WaitTimeoutResult(bool);

    impl WaitTimeoutResult {
        pub(crate) fn timed_out(&self) -> bool {
            self.0
        }
    }

    impl Condvar {
        pub(crate) fn new() -> Self {
            Self(loom::sync::Condvar::new())
        }

        pub(crate) fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
            let inner = guard.0.take().expect("the guard is held");
            guard.0 = Some(self.0.wait(inner).expect("a loom mutex is never poisoned"));
        }

        pub(crate) fn wait_for<T>(&self, guard: &mut MutexGuard<'_, T>, _: Duration) -> WaitTimeoutResult {
            self.wait(guard);
            WaitTimeoutResult(false)
        }

        pub(crate) fn notify_one(&self) {
            self.0.notify_one();
        }

        pub(crate) fn notify_all(&self) {
            self.0.notify_all();
        }
    }

    impl Default for Condvar {
        fn default() -> Self {
            Self::new()
        }
    }
}

#[allow(unused_imports, reason = "one list for every feature set and for loom")]
pub(crate) use imp::*;
#[allow(unused_imports, reason = "one list for every feature set and for loom")]
pub(crate) use std::sync::{Arc, LazyLock, OnceLock, Weak};

/// True if threads can be started and a thread may block. False on wasm32-unknown-unknown, where a wait would stop the page.
pub(crate) const HAS_THREADS: bool = !cfg!(all(target_family = "wasm", target_os = "unknown"));

/// Atomics and locks outside of every model, for identifiers, statistics and process-wide statics.
pub(crate) mod plain {
    #[allow(unused_imports, reason = "one list for every feature set and for loom")]
    pub(crate) use parking_lot::Mutex;
    #[allow(unused_imports, reason = "one list for every feature set and for loom")]
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
}
