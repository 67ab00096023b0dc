//! The wake-up protocol of the pool: no job is left while everybody sleeps.
//!
//! Red when weakened:
//! - `Crew::rest` compares the count before it raises `CALL` only (drop the comparison after it): the job falls between
//!   the two, and the worker sleeps for ever (deadlock found).
//! - `Admission::raise` as a load and a store: the same, or a count is lost.
//! - `Crew::settle` raises `CALL` without comparing: the second job is left.

use super::explore;
use super::pool_support::{FOR_EVER, NOT_AT_ALL, Stand};
use crate::sync::ModelArc;
use loom::thread;

/// A submit against a worker that goes to sleep, and a second submit against the same.
#[test]
fn a_push_meets_a_worker_that_goes_to_sleep() {
    explore(Some(3), 50, || {
        let stand = Stand::new(1, 1, FOR_EVER);
        assert!(Stand::submit(&stand, 0));
        assert!(Stand::submit(&stand, 1));
        // Closing would wake a worker that slept through a job, so the jobs come first.
        stand.wait_for(2);
        stand.close();
        assert_eq!(stand.join(), [0, 1]);
    });
}

/// Two submitters, one sleeper: one of them, at least, calls it, and both jobs run.
#[test]
fn two_submitters_share_one_sleeper() {
    explore(Some(2), 100, || {
        let stand = Stand::new(1, 1, FOR_EVER);
        assert!(Stand::submit(&stand, 0));
        let other = {
            let stand = ModelArc::clone(&stand);
            thread::spawn(move || assert!(Stand::submit(&stand, 1)))
        };
        assert!(Stand::submit(&stand, 2));
        other.join().expect("the submitter does not panic");
        stand.wait_for(3);
        stand.close();
        assert_eq!(stand.join(), [0, 1, 2]);
    });
}

/// A second thread is called or started while the first is busy, and one hands on to the other.
#[test]
fn two_workers_hand_on() {
    explore(Some(2), 100, || {
        let stand = Stand::new(2, 2, FOR_EVER);
        for job in 0..3 {
            assert!(Stand::submit(&stand, job));
        }
        stand.wait_for(3);
        stand.close();
        assert_eq!(stand.join(), [0, 1, 2]);
    });
}

/// The last thread leaves, against two submits: either it sees the job, or the submitter starts another thread.
#[test]
fn a_push_meets_the_last_thread_leaving() {
    explore(Some(3), 50, || {
        let stand = Stand::new(1, 1, NOT_AT_ALL);
        assert!(Stand::submit(&stand, 0));
        let other = {
            let stand = ModelArc::clone(&stand);
            thread::spawn(move || assert!(Stand::submit(&stand, 1)))
        };
        other.join().expect("the submitter does not panic");
        // Nobody is rung and nothing is closed: the threads leave by themselves.
        assert_eq!(stand.join(), [0, 1]);
    });
}
