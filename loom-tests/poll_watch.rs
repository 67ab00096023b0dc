//! The watch over long polls (`src/executor/poll_watch.rs`): no poll begins unseen while the watcher falls asleep.

use super::explore;
use crate::executor::{Look, PollWatch};
use crate::sync::Arc;
use loom::thread;
use std::time::Duration;

/// A thread polls twice and stays in the second poll; the watcher, which may fall asleep at any time, reports that poll. A
/// lost wake-up leaves it parked for ever, which loom reports as a deadlock.
///
/// Red: `begin` with a load and a store for its swap, or without its unpark; `look` that sets ASLEEP by a load and a store.
#[test]
fn a_poll_that_lasts_is_reported_once() {
    explore(Some(3), 100, || {
        let watch = Arc::new(PollWatch::new(Duration::ZERO));
        let poller = {
            let watch = Arc::clone(&watch);
            thread::spawn(move || {
                drop(watch.begin(None));
                // Never ends: the note stays.
                std::mem::forget(watch.begin(None));
            })
        };
        let (mut seen, mut reported) = (0, 0);
        // The first poll may be over before the watcher looks; it is reported once at most.
        while watch.polls().0.is_none() || reported == 0 {
            match watch.look(&mut seen) {
                Look::Slow(_) => reported += 1,
                Look::Again(_) => thread::yield_now(),
                Look::Sleep => watch.wait(None),
            }
        }
        poller.join().expect("polls");
        // What is left to report of the second one.
        while let Look::Slow(_) = watch.look(&mut seen) {
            reported += 1;
        }
        assert_eq!(reported, watch.polls().2);
        assert!((1..=2).contains(&reported), "once a poll: {reported}");
    });
}

/// The end of the runtime wakes a watcher that sleeps.
///
/// Red: `close` that unparks before it sets its flag.
#[test]
fn the_end_wakes_the_watcher() {
    explore(None, 4, || {
        let watch = Arc::new(PollWatch::new(Duration::ZERO));
        let other = Arc::clone(&watch);
        let closer = thread::spawn(move || other.close());
        let mut seen = 0;
        while !watch.is_closed() {
            match watch.look(&mut seen) {
                Look::Slow(_) => unreachable!("nobody polls"),
                Look::Again(_) => thread::yield_now(),
                Look::Sleep => watch.wait(None),
            }
        }
        closer.join().expect("closes");
    });
}
