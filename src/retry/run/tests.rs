//! The checks after a failure, their order, and their results.

use super::*;
use crate::sync::{Arc, Mutex};
use std::panic::resume_unwind;

const SECOND: Duration = Duration::from_secs(1);

/// Creates a policy whose callbacks log their calls.
fn recorded(log: &Arc<Mutex<Vec<String>>>) -> RetryPolicy<u32> {
    let note = |what: &'static str| {
        let log = Arc::clone(log);
        move |text: String| log.lock().push(format!("{what}{text}"))
    };
    let (asked, advised, told) = (note("if "), note("after "), note("on "));
    RetryPolicy::fixed(SECOND)
        .max_attempts(3)
        .max_elapsed(10 * SECOND)
        .retry_if(move |error: &u32| {
            asked(error.to_string());
            *error < 100
        })
        .retry_after(move |error| {
            advised(error.to_string());
            (*error >= 50).then(|| Duration::from_secs(u64::from(*error)))
        })
        .on_retry(move |attempt, error, wait| told(format!("{attempt} {error} {}", wait.as_secs())))
}

fn failed(run: &mut Run<u32>, error: u32, elapsed: u64) -> Next {
    run.failed(&AttemptError::Failed(error), Duration::from_secs(elapsed))
}

#[test]
fn predicate_attempts_elapsed_wait() {
    let log = Arc::default();
    let mut run = Run::new(recorded(&log), &Pace::bare());
    let taken = || std::mem::take(&mut *log.lock());
    // Every reason to stop at once: the predicate is the first.
    assert_eq!([run.begin(), run.begin(), run.begin()], [1, 2, 3]);
    assert_eq!(failed(&mut run, 100, 99), Next::Stop(StopReason::NotRetryable));
    assert_eq!(taken(), ["if 100"]);
    // Then the attempts, although time is up as well.
    assert_eq!(failed(&mut run, 1, 99), Next::Stop(StopReason::Attempts));
    assert_eq!(taken(), ["if 1"]);

    let mut run = Run::new(recorded(&Arc::default()), &Pace::bare());
    run.begin();
    // Then the time: at the limit it is up.
    assert_eq!(failed(&mut run, 1, 10), Next::Stop(StopReason::Elapsed));
    // Then the wait: it may end at the limit, not after.
    assert_eq!(failed(&mut run, 1, 9), Next::Wait(SECOND));
    let late = run.failed(&AttemptError::Failed(1), 9 * SECOND + Duration::from_nanos(1));
    assert_eq!(late, Next::Stop(StopReason::Elapsed));
}

#[test]
fn the_hook_hears_of_waits_only() {
    let log = Arc::default();
    let mut run = Run::new(recorded(&log), &Pace::bare());
    run.begin();
    assert_eq!(failed(&mut run, 7, 0), Next::Wait(SECOND));
    assert_eq!(std::mem::take(&mut *log.lock()), ["if 7", "after 7", "on 1 7 1"]);
    assert_eq!(failed(&mut run, 7, 10), Next::Stop(StopReason::Elapsed));
    assert_eq!(std::mem::take(&mut *log.lock()), ["if 7"]);
    // A wait that is not begun is not told of.
    assert_eq!(failed(&mut run, 60, 9), Next::Stop(StopReason::Elapsed));
    assert_eq!(std::mem::take(&mut *log.lock()), ["if 60", "after 60"]);
}

#[test]
fn a_timeout_is_always_worth_another_try() {
    let log = Arc::default();
    let mut run = Run::new(recorded(&log).retry_if(|_| false), &Pace::bare());
    run.begin();
    assert_eq!(run.failed(&AttemptError::TimedOut(SECOND), SECOND), Next::Wait(SECOND));
    assert_eq!(*log.lock(), ["on 1 the attempt timed out after 1s 1"], "neither predicate nor adviser is asked");
    run.begin();
    run.begin();
    assert_eq!(run.failed(&AttemptError::TimedOut(SECOND), SECOND), Next::Stop(StopReason::Attempts));
}

#[test]
fn the_error_may_ask_for_a_wait_up_to_the_longest() {
    let policy = || RetryPolicy::exponential(SECOND).max_attempts(9).max_delay(30 * SECOND).jitter(1.0).seed(1);
    let mut run = Run::new(policy().retry_after(|wait: &u32| Some(Duration::from_secs((*wait).into()))), &Pace::bare());
    run.begin();
    for (asked, waited) in [(0, 0), (29, 29), (30, 30), (31, 30), (u32::MAX, 30)] {
        // Without jitter.
        assert_eq!(failed(&mut run, asked, 0), Next::Wait(waited * SECOND));
    }
    let mut run = Run::new(policy().retry_after(|_| Some(Duration::MAX)).max_delay(Duration::MAX), &Pace::bare());
    run.begin();
    assert_eq!(failed(&mut run, 0, u64::MAX), Next::Wait(Duration::MAX));
    let mut run = Run::new(
        policy().retry_after(|_| Some(Duration::MAX)).max_delay(Duration::MAX).max_elapsed(SECOND),
        &Pace::bare(),
    );
    run.begin();
    assert_eq!(failed(&mut run, 0, 0), Next::Stop(StopReason::Elapsed));
}

#[test]
fn a_hook_that_panics_costs_its_own_call() {
    let policy = RetryPolicy::fixed(SECOND).max_attempts(2).on_retry(|_, _, _| resume_unwind(Box::new("planned")));
    let mut run = Run::new(policy, &Pace::bare());
    run.begin();
    assert_eq!(failed(&mut run, 1, 0), Next::Wait(SECOND));
}

/// Returns the waits of a whole run.
fn waits(policy: RetryPolicy<u32>) -> Vec<Duration> {
    let mut run = Run::new(policy, &Pace::bare());
    let mut waits = Vec::new();
    loop {
        run.begin();
        match failed(&mut run, 0, 0) {
            Next::Wait(wait) => waits.push(wait),
            Next::Stop(_) => return waits,
        }
    }
}

#[test]
fn a_seed_makes_runs_repeatable() {
    let policy = RetryPolicy::exponential(SECOND).max_attempts(20).jitter(0.5);
    let seeded = waits(policy.clone().seed(42));
    assert_eq!(seeded.len(), 19);
    assert_eq!(seeded, waits(policy.clone().seed(42)));
    assert_ne!(seeded, waits(policy.clone().seed(43)));
    assert_ne!(waits(policy.clone()), waits(policy));
}

#[test]
fn the_default_tries_once() {
    assert!(waits(RetryPolicy::default()).is_empty());
    assert!(waits(RetryPolicy::exponential(SECOND)).is_empty());
    assert_eq!(waits(RetryPolicy::none().max_attempts(3)), [Duration::ZERO; 2]);
}
