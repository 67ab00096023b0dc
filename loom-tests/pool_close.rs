//! The end of the pool: what was admitted runs, what comes later is refused, and the counters agree.

use super::explore;
use super::pool_support::{FOR_EVER, NOT_AT_ALL, Stand};
use crate::blocking::{Admission, Crew, Entry, Limits, Order, Places, Rest};
use crate::sync::ModelArc;
use crate::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

/// A submit against a close, with a worker that may sleep. Red when `Crew::rest` leaves a closed pool without comparing
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

/// Who is refused sees what the closer did before. Red when the Release of `Admission::raise` or the Acquire of
/// `Admission::leave` is weakened to Relaxed.
#[test]
fn a_refusal_sees_what_came_before_the_close() {
    explore(None, 3, || {
        let shared = ModelArc::new((Admission::new(), AtomicUsize::new(0)));
        shared.0.lower_empty();
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

/// The sum of taken jobs is never ahead of the admitted ones. Red when the Release of `Mark::count_taken` or the Acquire
/// of `Crew::taken_on` is weakened to Relaxed, or when `Crew::stats` reads the admitted ones first.
#[test]
fn the_counters_never_overtake_each_other() {
    explore(None, 50, || {
        let limits = Limits { core_threads: 1, max_threads: 1, keep_alive: FOR_EVER, stall: FOR_EVER };
        let crew = ModelArc::new(Crew::new(limits));
        let admit = |crew: &Crew| assert!(crew.admit(|_| Ok::<(), ()>(())).is_ok());
        admit(&crew);
        assert_eq!(crew.arrive(0), Rest::Search);
        crew.mark(0).count_taken();
        assert_eq!(crew.found(), Order::Nothing);
        let reader = {
            let crew = ModelArc::clone(&crew);
            // A counter that is ahead makes the difference wrap.
            thread::spawn(move || assert!(crew.stats().pending <= 2))
        };
        for _ in 0..2 {
            admit(&crew);
            crew.mark(0).count_taken();
        }
        reader.join().expect("the counters agree");
        assert_eq!(crew.stats().pending, 0);
    });
}

/// Two at one place: one is refused, unless it was given back in time. Red when `Places::try_take` is a load and a store.
#[test]
fn places_are_never_given_twice() {
    explore(None, 10, || {
        let places = ModelArc::new(Places::new(1));
        let holders = ModelArc::new(AtomicUsize::new(0));
        let visit = |places: &Places, holders: &AtomicUsize| {
            if places.try_take() {
                assert_eq!(holders.fetch_add(1, Ordering::Relaxed), 0);
                holders.fetch_sub(1, Ordering::Relaxed);
                places.give_back();
            }
        };
        let other = {
            let (places, holders) = (ModelArc::clone(&places), ModelArc::clone(&holders));
            thread::spawn(move || visit(&places, &holders))
        };
        visit(&places, &holders);
        other.join().expect("no place is held twice");
        assert!(places.try_take());
        assert!(!places.try_take());
    });
}
