//! The time of a manual clock is read without its lock: whoever sees it moved sees what was done before the move.

use super::explore;
use crate::sync::Arc;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::thread::yield_now;
use crate::time::Clock;
use std::time::Duration;

/// Red when the store of the new time, or the load of it, is Relaxed.
#[test]
fn a_moved_clock_publishes_what_was_done_before() {
    explore(None, 3, || {
        let (clock, done) = (Clock::manual(), Arc::new(AtomicBool::new(false)));
        let reader = {
            let (clock, done) = (clock.clone(), Arc::clone(&done));
            loom::thread::spawn(move || {
                while clock.elapsed() == Duration::ZERO {
                    yield_now();
                }
                assert!(done.load(Ordering::Relaxed));
            })
        };
        done.store(true, Ordering::Relaxed);
        clock.advance(Duration::from_millis(1));
        reader.join().expect("the reader ends");
    });
}
