//! The park handshake (`src/park.rs`). A wake-up that is lost is a deadlock, which loom reports.

use super::explore;
use crate::park::{CondvarParker, ParkState, Unpark, block_on};
use crate::sync::Arc;
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use loom::thread;
use std::pin::pin;
use std::task::Poll;

/// Parks until `done`; whoever unparks has published before.
fn park_until(parker: &CondvarParker, done: impl Fn() -> bool) {
    while !done() {
        parker.park(None);
    }
}

/// Before, during or after the parker's way to sleep: it wakes, and sees the work.
///
/// Red: `unpark` that does not take the lock; `park` that does not look at the word under the lock; `notify` that
/// changes the word only if it finds PARKED; `notify` without its release half, or `unset` relaxed (the work is not seen).
#[test]
fn an_unpark_is_never_lost() {
    explore(None, 65, || {
        let parker = Arc::new(CondvarParker::new());
        let work = Arc::new(AtomicBool::new(false));
        let other = {
            let (parker, work) = (Arc::clone(&parker), Arc::clone(&work));
            thread::spawn(move || {
                work.store(true, Relaxed);
                parker.unpark();
            })
        };
        park_until(&parker, || work.load(Relaxed));
        other.join().expect("unparks");
    });
}

/// Two unparkers: the second finds the word notified already, and its work is seen all the same.
///
/// Red: `notify` that leaves NOTIFIED alone (a load instead of the swap).
#[test]
fn two_unparkers_are_both_seen() {
    explore(Some(3), 3600, || {
        let parker = Arc::new(CondvarParker::new());
        let work = Arc::new(AtomicUsize::new(0));
        let others = [(); 2].map(|()| {
            let (parker, work) = (Arc::clone(&parker), Arc::clone(&work));
            thread::spawn(move || {
                work.fetch_add(1, Relaxed);
                parker.unpark();
            })
        });
        park_until(&parker, || work.load(Relaxed) == 2);
        for other in others {
            other.join().expect("unparks");
        }
    });
}

/// An unpark that comes first makes the next park return at once, and that one only.
///
/// Red: `set` that stores PARKED whatever it finds (a deadlock), or that leaves NOTIFIED standing.
#[test]
fn an_unpark_before_the_park_is_kept() {
    explore(None, 1, || {
        let parker = CondvarParker::new();
        parker.unpark();
        parker.park(None);
        assert!(!parker.state().take_notified(), "consumed");
        assert!(parker.state().set(), "the next park blocks");
    });
}

/// The word alone, as under the system's poll: either the parker does not block, or it is woken by one system call.
///
/// Red: `set` with a load and a store for its compare-and-swap; `notify` or `unset` relaxed.
#[test]
fn a_parker_blocks_only_if_it_will_be_woken() {
    explore(None, 2, || {
        let state = Arc::new(ParkState::new());
        let work = Arc::new(AtomicBool::new(false));
        let other = {
            let (state, work) = (Arc::clone(&state), Arc::clone(&work));
            thread::spawn(move || {
                work.store(true, Relaxed);
                state.notify()
            })
        };
        let blocks = state.set();
        if !blocks {
            assert!(work.load(Relaxed), "notified, so there is work");
        }
        let system_call = other.join().expect("notifies");
        assert_eq!(blocks, system_call, "woken if it blocks, and only then");
        if blocks {
            state.unset();
            assert!(work.load(Relaxed));
        }
    });
}

/// Two notifications of a parker that blocks: one system call.
///
/// Red: `notify` that answers true for NOTIFIED as well.
#[test]
fn a_parker_that_blocks_costs_one_system_call() {
    explore(None, 2, || {
        let state = Arc::new(ParkState::new());
        assert!(state.set());
        let other = {
            let state = Arc::clone(&state);
            thread::spawn(move || state.notify())
        };
        let mine = state.notify();
        let others = other.join().expect("notifies");
        assert!(mine != others, "one of the two");
        assert!(!state.is_parked());
    });
}

/// `block_on` of a future that is woken from another thread.
///
/// Red: `unpark` that does not take the lock; `park` that does not look at the word under the lock.
#[test]
fn block_on_sees_the_wake() {
    explore(None, 150, || {
        let ready = Arc::new(AtomicBool::new(false));
        let waker = Arc::new(crate::sync::Mutex::new(None::<std::task::Waker>));
        let other = {
            let (ready, waker) = (Arc::clone(&ready), Arc::clone(&waker));
            thread::spawn(move || {
                ready.store(true, Relaxed);
                let waker = waker.lock().take();
                if let Some(waker) = waker {
                    waker.wake();
                }
            })
        };
        let future = std::future::poll_fn(|cx| {
            let mut slot = waker.lock();
            if ready.load(Relaxed) {
                return Poll::Ready(());
            }
            *slot = Some(cx.waker().clone());
            Poll::Pending
        });
        assert_eq!(block_on(pin!(future), None), Some(()));
        other.join().expect("wakes");
    });
}
