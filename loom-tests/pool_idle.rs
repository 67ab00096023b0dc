//! The wake-up protocol of the pool: no job is left while everybody sleeps.
//!
//! Red when weakened:
//! - `PoolState::park` compares the counts before it sets `NOTIFY` only, or not at all: the job falls between the two, and the
//!   worker sleeps for ever (loom finds the deadlock).
//! - `Admission::set` or `Admission::enter` as a load and a store: the same, or a count is lost.
//! - `Permit::submit` does not notify though `admit` said so: no thread is woken.
//! - `PoolState::found` does not rebalance, or `rebalance` returns without setting `NOTIFY`: no thread comes for the second job.
//! - `PoolState::idle_timeout` compares the counts before it sets `NO_THREAD` only, or not at all: a job is left without a thread.
//! No ordering of the admission word is red here: the protocol needs the order of changes of one word, and nothing else.

use super::explore;
use super::pool_support::{FOR_EVER, NOT_AT_ALL, Stand, WAITS};
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

/// The first job waits for the second: another thread has to come, started by the first worker or by the submitter.
#[test]
fn two_workers_hand_on() {
    explore(Some(2), 100, || {
        let stand = Stand::new(2, 2, FOR_EVER);
        assert!(Stand::submit(&stand, WAITS));
        assert!(Stand::submit(&stand, 1));
        stand.wait_for(2);
        stand.close();
        assert_eq!(stand.join(), [1, WAITS]);
    });
}

/// The last thread leaves, against a submit: either it sees the job, or the submitter starts another thread.
#[test]
fn a_push_meets_the_last_thread_leaving() {
    explore(Some(3), 50, || {
        let stand = Stand::new(1, 1, NOT_AT_ALL);
        assert!(Stand::submit(&stand, 0));
        assert!(Stand::submit(&stand, 1));
        // Nobody is rung and nothing is closed: the threads leave by themselves.
        assert_eq!(stand.join(), [0, 1]);
    });
}

/// The same where the system grants one thread only: a job is refused before it is pushed, or it runs.
#[test]
fn a_push_meets_the_last_thread_leaving_and_there_is_no_other() {
    explore(Some(3), 50, || {
        let stand = Stand::new(2, 2, NOT_AT_ALL);
        stand.grant(1);
        assert!(Stand::submit(&stand, 0));
        let accepted = Stand::submit(&stand, 1);
        assert_eq!(stand.join(), if accepted { vec![0, 1] } else { vec![0] });
    });
}

/// A start that fails, while the only thread there is may want to leave: the job it was meant for still runs.
#[test]
fn a_failed_start_meets_the_last_thread_leaving() {
    explore(Some(3), 50, || {
        let stand = Stand::new(2, 2, NOT_AT_ALL);
        stand.grant(1);
        assert!(Stand::submit(&stand, 0));
        let other = {
            let stand = ModelArc::clone(&stand);
            thread::spawn(move || usize::from(Stand::submit(&stand, 1)))
        };
        let accepted = 1 + usize::from(Stand::submit(&stand, 2)) + other.join().expect("the submitter does not panic");
        assert_eq!(stand.join().len(), accepted);
    });
}
