//! `toolkit::Restartable`: each rule of its table, attempts that come too late, and nothing left behind.
#![cfg(feature = "toolkit")]

mod common;

use common::{HANG, OnDrop, Tally, block_on, poll_once, quiet_planned_panics, reactor_thread, runtime, until};
use offtick::time::{Clock, ManualClock};
use offtick::toolkit::{AlreadyCompleted, Attempt, NotStarted, RestartStatus, Restartable, SharedOutcome, Stale};
use offtick::{Builder, Runtime, TaskError};
use std::future::pending;
use std::io;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn manual() -> (Runtime, ManualClock) {
    let clock = Clock::manual();
    let rt = Builder::new().clock(clock.clone()).build().expect("a runtime is built");
    (rt, clock)
}

/// One that is completed from outside and hands out its attempts.
fn outside(rt: &Runtime) -> (Restartable<u32>, Receiver<Attempt<u32>>) {
    let (attempts, seen) = channel();
    let work = Restartable::completed_outside(rt, move |attempt| {
        attempts.send(attempt).ok();
        async { Ok::<(), io::Error>(()) }
    });
    (work, seen)
}

fn value(outcome: SharedOutcome<u32>) -> u32 {
    *block_on(outcome).expect("a value")
}

/// One round of the reactor.
fn settle_once(rt: &Runtime) {
    reactor_thread(rt.handle());
}

#[test]
fn idle_running_stopped_completed_and_back() {
    let rt = runtime();
    let (work, seen) = outside(&rt);
    assert_eq!(work.status(), RestartStatus::Idle);
    assert_eq!(work.wait().err(), Some(NotStarted));
    assert_eq!(work.set_result(0), Ok(false), "idle: ignored");
    assert!(matches!(work.set_error("ignored"), Ok(false)));
    assert!(!work.cancel(), "idle: nothing to cancel");

    assert!(work.start());
    assert!(!work.start(), "running: no second start");
    assert_eq!((work.status(), work.attempts()), (RestartStatus::Running, 1));
    assert!(work.result().is_none());
    assert!(seen.recv_timeout(HANG).expect("the body runs").is_current());

    assert!(work.cancel());
    assert!(!work.cancel());
    assert_eq!(work.status(), RestartStatus::Stopped);
    assert_eq!(work.set_result(0), Ok(false), "stopped: ignored");
    let mut waiter = work.wait().expect("it was started");

    assert!(work.start());
    assert!(poll_once(&mut waiter).is_pending());
    assert_eq!(work.set_result(7), Ok(true));
    assert_eq!(work.status(), RestartStatus::Completed);
    assert_eq!(work.set_result(8), Err(AlreadyCompleted(8)));
    assert_eq!(work.set_error("late").expect_err("completed").0.to_string(), "late");
    assert!(!work.start(), "completed: no start before it is reset");
    assert_eq!(value(waiter), 7);
    assert_eq!(value(work.wait().expect("completed")), 7);
    assert_eq!(work.result().and_then(Result::ok).as_deref(), Some(&7));

    assert!(work.cancel(), "resets");
    assert_eq!((work.status(), work.wait().err()), (RestartStatus::Idle, Some(NotStarted)));
    assert!(work.result().is_none());
    assert!(work.start());
    assert_eq!((work.status(), work.attempts()), (RestartStatus::Running, 3));
}

#[test]
fn waiters_stay_across_attempts_and_one_that_gives_up_takes_nobody_along() {
    let rt = runtime();
    let (work, _seen) = outside(&rt);
    work.start();
    let mut waiters: Vec<_> = (0..5).map(|_| work.wait().expect("started")).collect();
    let (wakes, waker) = common::CountedWaker::pair(None);
    let mut cx = std::task::Context::from_waker(&waker);
    for waiter in &mut waiters {
        assert!(std::pin::Pin::new(waiter).poll(&mut cx).is_pending());
    }
    drop(waiters.remove(2));
    for _ in 0..3 {
        work.restart();
        assert_eq!(wakes.wakes.count(), 0, "they know nothing of it");
    }
    assert_eq!((work.status(), work.attempts()), (RestartStatus::Running, 4));
    work.set_result(9).expect("running");
    assert_eq!(wakes.wakes.count(), 4);
    // Also if it is reset before they look.
    work.cancel();
    waiters.into_iter().for_each(|waiter| assert_eq!(value(waiter), 9));
}

#[test]
fn a_stale_attempt_completes_nothing() {
    let rt = runtime();
    let (work, seen) = outside(&rt);
    work.start();
    let first = seen.recv_timeout(HANG).expect("the first");
    work.cancel();
    assert_eq!(first.complete(1), Err(Stale(1)));
    work.start();
    let second = seen.recv_timeout(HANG).expect("the second");
    assert_eq!((first.number(), second.number()), (1, 2));
    assert_eq!((first.is_current(), second.is_current()), (false, true));
    assert_eq!(first.complete(1), Err(Stale(1)));
    assert_eq!(first.fail("late").expect_err("stale").0.to_string(), "late");
    assert_eq!(work.status(), RestartStatus::Running);
    assert_eq!(second.complete(2), Ok(()));
    assert_eq!(second.complete(3), Err(Stale(3)));
    assert_eq!(value(work.wait().expect("completed")), 2);
    // A body that ends by itself is stale as well: its task was cancelled.
    drop(work);
    assert!(!second.is_current());
    assert_eq!(second.complete(4), Err(Stale(4)));
}

#[test]
fn the_body_completes_it_with_a_value_an_error_or_a_panic() {
    quiet_planned_panics();
    let rt = runtime();
    let work = Restartable::new(&rt, |attempt: Attempt<u64>| async move {
        match attempt.number() {
            1 => Err(io::Error::other("refused")),
            2 => panic!("planned"),
            number => Ok(number),
        }
    });
    work.start();
    let error = block_on(work.wait().expect("started")).expect_err("the first fails");
    assert!(error.downcast_ref::<io::Error>().is_some());
    work.restart();
    assert!(block_on(work.wait().expect("started")).expect_err("the second panics").is_panic());
    work.restart();
    assert_eq!(block_on(work.wait().expect("started")).ok().as_deref(), Some(&3));
}

#[test]
fn an_error_of_the_body_that_only_sets_going_completes_it() {
    let rt = runtime();
    let work = Restartable::<u8>::completed_outside(&rt, |_| async { Err("no line") });
    work.start();
    let error = block_on(work.wait().expect("started")).expect_err("it fails");
    assert_eq!(format!("{:#}", error), "task failed: no line");
}

#[test]
fn set_error_reaches_every_waiter() {
    let rt = runtime();
    let (work, _seen) = outside(&rt);
    work.start();
    let waiters = [work.wait().expect("started"), work.wait().expect("started")];
    assert!(matches!(work.set_error(io::Error::other("gone")), Ok(true)));
    for waiter in waiters {
        assert!(block_on(waiter).expect_err("an error").downcast_ref::<io::Error>().is_some());
    }
}

#[test]
fn the_timeout_is_of_each_attempt() {
    let (rt, clock) = manual();
    let (work, _seen) = outside(&rt);
    let work = work.attempt_timeout(10 * SECOND).expect("longer than zero");
    work.start();
    reactor_thread(rt.handle());
    clock.advance(9 * SECOND);
    work.restart();
    reactor_thread(rt.handle());
    clock.advance(9 * SECOND);
    (0..4).for_each(|_| settle_once(&rt));
    assert_eq!(work.status(), RestartStatus::Running, "its time counts anew");
    let mut waiter = work.wait().expect("started");
    assert!(poll_once(&mut waiter).is_pending());
    clock.advance(SECOND);
    let error = block_on(waiter).expect_err("it timed out");
    assert!(matches!(error, TaskError::TimedOut(limit) if limit == 10 * SECOND));
    until(|| rt.metrics().timers == 0);
}

#[test]
fn the_shortest_and_the_longest_timeouts() {
    let rt = runtime();
    let limited = |limit| {
        let work = Restartable::<u8>::new(&rt, |_| pending::<Result<_, io::Error>>());
        work.attempt_timeout(limit).expect("longer than zero")
    };
    let never = limited(Duration::from_nanos(1));
    never.start();
    assert!(block_on(never.wait().expect("started")).expect_err("no time").is_timeout());
    let endless = limited(Duration::MAX);
    endless.start();
    assert_eq!(endless.set_result(1).ok(), Some(true));
    assert_eq!(block_on(endless.wait().expect("started")).ok().as_deref(), Some(&1));
}

#[test]
fn dropping_the_last_one_cancels_and_tells_the_waiters() {
    let rt = runtime();
    let dropped = Tally::new();
    let note = dropped.clone();
    let work = Restartable::<u8>::new(&rt, move |_| {
        let note = note.clone();
        async move {
            let _on_drop = OnDrop::new(move || note.note());
            pending::<Result<_, io::Error>>().await
        }
    });
    work.start();
    reactor_thread(rt.handle());
    let waiter = work.wait().expect("started");
    let clone = work.clone();
    drop(work);
    assert_eq!(clone.status(), RestartStatus::Running);
    drop(clone);
    assert!(block_on(waiter).expect_err("nobody owns it").is_cancelled());
    dropped.wait_for(1);
}

#[test]
fn it_may_be_dropped_cancelled_and_restarted_from_inside_its_body() {
    let rt = runtime();
    let place: Arc<Mutex<Option<Restartable<u64>>>> = Arc::default();
    let inside = Arc::clone(&place);
    let work = Restartable::new(&rt, move |attempt: Attempt<u64>| {
        let inside = Arc::clone(&inside);
        async move {
            match attempt.number() {
                1 => inside.lock().unwrap().as_ref().expect("it is there").restart(),
                2 => drop(inside.lock().unwrap().take()),
                _ => unreachable!(),
            }
            pending::<Result<u64, io::Error>>().await
        }
    });
    *place.lock().unwrap() = Some(work.clone());
    work.start();
    let waiter = work.wait().expect("started");
    drop(work);
    assert!(block_on(waiter).expect_err("dropped").is_cancelled());
    until(|| Arc::strong_count(&place) == 1);
}

#[test]
fn after_the_runtime_is_gone_it_completes_as_that() {
    let rt = runtime();
    let (work, seen) = outside(&rt);
    work.start();
    drop(seen.recv_timeout(HANG));
    let waiter = work.wait().expect("started");
    drop(rt);
    assert!(matches!(block_on(waiter).expect_err("gone"), TaskError::RuntimeGone));
    work.restart();
    let error = work.result().expect("at once").expect_err("gone");
    assert!(matches!(error, TaskError::RuntimeGone));
}

#[test]
fn a_hundred_thousand_restarts_leave_nothing() {
    let rt = runtime();
    let alive = Arc::new(());
    let held = Arc::clone(&alive);
    let work = Restartable::<u8>::new(&rt, move |_| {
        let held = Arc::clone(&held);
        async move {
            let _held = held;
            pending::<Result<_, io::Error>>().await
        }
    });
    work.start();
    let waiter = work.wait().expect("started");
    for number in 0..100_000 {
        work.restart();
        if number % 1_000 == 0 {
            reactor_thread(rt.handle());
        }
    }
    assert_eq!(work.attempts(), 100_001);
    // That of this test, that of the body, and one of the attempt that runs.
    until(|| Arc::strong_count(&alive) == 3 && rt.metrics().alive == 1);
    work.set_result(1).expect("running");
    assert_eq!(block_on(waiter).ok().as_deref(), Some(&1));
    drop(work);
    until(|| rt.metrics().alive == 0 && Arc::strong_count(&alive) == 1);
}

#[test]
fn a_tick_hears_of_a_completion_from_outside() {
    let rt = runtime();
    let (work, seen) = outside(&rt);
    work.start();
    drop(seen.recv_timeout(HANG));
    reactor_thread(rt.handle());
    while rt.take_update() {}
    work.set_result(1).expect("running");
    assert!(rt.take_update());
    assert!(matches!(poll_once(&mut work.wait().expect("completed")), Poll::Ready(Ok(_))));
}
