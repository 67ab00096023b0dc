//! The end of the pool: what was admitted runs, what comes later is refused, and the counters agree.

use super::explore;
use super::pool_support::{FOR_EVER, NOT_AT_ALL, Stand};
use crate::blocking::{Action, Admission, Entry, Limits, NextStep, PoolState, Semaphore};
use crate::sync::ModelArc;
use crate::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

/// A submit against a close, with a worker that may sleep. Red when `PoolState::park` leaves a closed pool without comparing
/// the counts: the admitted job is never run.
#[test]
fn a_submit_meets_a_close() {
    explore(Some(3), 100, || {
        let stand = Stand::new(1, 1, FOR_EVER);
        assert!(Stand::submit(&stand, 0));
        let submitter = {
            let stand = ModelArc::clone(&stand);
            thread::spawn(move || Stand::submit(&stand, 1))
        };
        stand.close();
        assert!(!Stand::submit(&stand, 2));
        let accepted = submitter.join().expect("the submitter does not panic");
        let ran = stand.join();
        assert_eq!(ran, if accepted { vec![0, 1] } else { vec![0] });
    });
}

/// The same with a pool whose thread leaves meanwhile.
#[test]
fn a_submit_meets_a_close_and_a_thread_that_leaves() {
    explore(Some(2), 100, || {
        let stand = Stand::new(1, 1, NOT_AT_ALL);
        assert!(Stand::submit(&stand, 0));
        let submitter = {
            let stand = ModelArc::clone(&stand);
            thread::spawn(move || Stand::submit(&stand, 1))
        };
        stand.close();
        let accepted = submitter.join().expect("the submitter does not panic");
        let ran = stand.join();
        assert_eq!(ran, if accepted { vec![0, 1] } else { vec![0] });
    });
}

/// Who is refused sees what the closer did before. Red when the Release of `Admission::set` or the Acquire of
/// `Admission::withdraw` is weakened to Relaxed.
#[test]
fn a_refusal_sees_what_came_before_the_close() {
    explore(None, 3, || {
        let shared = ModelArc::new((Admission::new(), AtomicUsize::new(0)));
        shared.0.clear_no_thread();
        let closer = {
            let shared = ModelArc::clone(&shared);
            thread::spawn(move || {
                shared.1.store(1, Ordering::Relaxed);
                shared.0.close();
            })
        };
        if shared.0.enter() == Entry::Closed {
            assert_eq!(shared.1.load(Ordering::Relaxed), 1);
        }
        closer.join().expect("the closer does not panic");
    });
}

/// The sum of taken jobs is never ahead of the admitted ones. Red when the Release of
/// `WorkerSlot::count_taken` or the Acquire of `WorkerSlot::taken` is weakened to Relaxed, or when `PoolState::stats` reads the
/// admitted ones first.
#[test]
fn the_counters_never_overtake_each_other() {
    explore(None, 50, || {
        let limits = Limits { core_threads: 1, max_threads: 1, keep_alive: FOR_EVER, stall: FOR_EVER };
        let state = ModelArc::new(PoolState::new(limits));
        let mut slot = None;
        assert!(state.admit(|_, started| Ok::<_, ()>(slot = Some(started))).is_ok());
        let slot = slot.expect("the first closure starts a thread");
        assert_eq!(state.worker_started(0), NextStep::Search);
        slot.count_taken();
        assert!(matches!(state.found(0), Action::Nothing));
        let reader = {
            let state = ModelArc::clone(&state);
            // A counter that is ahead makes the difference wrap.
            thread::spawn(move || assert!(state.stats().queued <= 2))
        };
        for _ in 0..2 {
            assert!(state.admit(|_, _| Err(())).is_ok());
            slot.count_taken();
        }
        reader.join().expect("the counters agree");
        assert_eq!(state.stats().queued, 0);
    });
}

/// Two threads and one permit: one is refused, unless it was released in time. Red when `Semaphore::try_acquire` is a load and
/// a store.
#[test]
fn a_permit_is_never_acquired_twice() {
    explore(None, 10, || {
        let semaphore = ModelArc::new(Semaphore::new(1));
        let holders = ModelArc::new(AtomicUsize::new(0));
        let visit = |semaphore: &Semaphore, holders: &AtomicUsize| {
            if semaphore.try_acquire() {
                assert_eq!(holders.fetch_add(1, Ordering::Relaxed), 0);
                holders.fetch_sub(1, Ordering::Relaxed);
                semaphore.release();
            }
        };
        let other = {
            let (semaphore, holders) = (ModelArc::clone(&semaphore), ModelArc::clone(&holders));
            thread::spawn(move || visit(&semaphore, &holders))
        };
        visit(&semaphore, &holders);
        other.join().expect("no permit is held twice");
        assert!(semaphore.try_acquire());
        assert!(!semaphore.try_acquire());
    });
}
