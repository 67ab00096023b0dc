//! Sleeps, timeouts and the time limit of a task, all under a clock that only the test moves.

mod common;

use common::{Counted, Dropped, HANG, Hog, Latch, Tally, reactor_thread, runtime, settled};
use offtick::time::{Clock, Elapsed, ManualClock, sleep, sleep_until, timeout};
use offtick::{Builder, Runtime, Status, Task, TaskError};
use std::future::{pending, ready};
use std::sync::mpsc::channel;
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const NANO: Duration = Duration::from_nanos(1);

fn manual() -> (Runtime, ManualClock) {
    let clock = Clock::manual();
    let rt = Builder::new().clock(clock.clone()).blocking_threads(2).build().expect("a runtime is built");
    (rt, clock)
}

/// After this the reactor has seen the clock as it is now, and has polled what is due.
fn settle(rt: &Runtime) {
    reactor_thread(rt.handle());
    reactor_thread(rt.handle());
}

#[test]
fn a_sleep_is_never_early_and_not_late() {
    let (rt, clock) = manual();
    for wait in [NANO, Duration::from_micros(999), Duration::from_millis(1), SECOND, 1000 * SECOND, 400_000 * SECOND] {
        let task = rt.spawn(async move { sleep(wait).await });
        settle(&rt);
        assert_eq!(rt.metrics().timers, 1);
        clock.advance(wait - NANO);
        settle(&rt);
        assert!(!task.is_done(), "{wait:?}: a nanosecond early");
        clock.advance(NANO);
        settled(task);
        assert_eq!(rt.metrics().timers, 0);
    }
}

#[test]
fn sleeps_end_in_the_order_of_their_deadlines() {
    let (rt, clock) = manual();
    let (log, logged) = channel();
    let waits = [50, 10, 40, 10, 30_000, 20, 1];
    let tasks: Vec<_> = waits
        .iter()
        .map(|&wait| {
            let log = log.clone();
            rt.spawn(async move {
                sleep(Duration::from_millis(wait)).await;
                log.send(wait).ok();
            })
        })
        .collect();
    settle(&rt);
    clock.advance(60 * SECOND);
    tasks.into_iter().for_each(settled);
    drop(log);
    let mut sorted = waits;
    sorted.sort_unstable();
    assert_eq!(logged.iter().collect::<Vec<_>>(), sorted, "one jump, deadline by deadline");
}

#[test]
fn no_time_is_over_at_once_and_all_time_never() {
    let (rt, clock) = manual();
    settled(rt.spawn(async { sleep(Duration::ZERO).await }));
    settled(rt.spawn(sleep_until(clock.now())));
    settled(rt.spawn(sleep_until(clock.now() - SECOND)));
    let never = rt.spawn(async { sleep(Duration::MAX).await });
    settle(&rt);
    clock.advance(1_000_000_000 * SECOND);
    settle(&rt);
    assert!(!never.is_done());
    drop(never);
    settle(&rt);
    assert_eq!(rt.metrics().timers, 0);
}

#[test]
fn a_sleep_until_keeps_to_the_moment() {
    let (rt, clock) = manual();
    clock.advance(7 * SECOND);
    let due = clock.now() + 3 * SECOND;
    let task = rt.spawn(sleep_until(due));
    settle(&rt);
    clock.advance(3 * SECOND - NANO);
    settle(&rt);
    assert!(!task.is_done());
    clock.advance(NANO);
    settled(task);
}

#[test]
fn a_dropped_sleep_takes_its_timer_out() {
    let (rt, clock) = manual();
    let (polls, drops) = (Tally::new(), Tally::new());
    let dropped = Dropped::new(&drops);
    let task = rt.spawn(async move {
        let _dropped = dropped;
        sleep(SECOND).await;
    });
    let mut inner = None;
    let other = rt.spawn(Counted::new(&polls, &drops, move |cx: &mut Context<'_>, _| {
        let sleeper = inner.get_or_insert_with(|| Box::pin(sleep(SECOND)));
        let _pending = sleeper.as_mut().poll(cx);
        inner = None;
        Poll::<()>::Pending
    }));
    settle(&rt);
    assert_eq!(rt.metrics().timers, 1);
    assert!(task.cancel());
    drops.wait_for(1);
    settle(&rt);
    assert_eq!(rt.metrics().timers, 0);
    clock.advance(2 * SECOND);
    settle(&rt);
    assert_eq!(polls.count(), 1, "nothing is woken by a timer that is gone");
    assert_eq!(task.status(), Status::Cancelled);
    drop(other);
}

#[test]
fn a_handle_makes_sleeps_for_any_executor() {
    let (rt, clock) = manual();
    let (nap, far) = (rt.sleep(SECOND), rt.sleep(2 * SECOND));
    clock.advance(SECOND);
    common::block_on(nap);
    let (begun, seen) = channel();
    let waiter = thread::spawn(move || {
        begun.send(()).ok();
        common::block_on(far);
    });
    seen.recv_timeout(HANG).unwrap();
    clock.advance(SECOND);
    waiter.join().unwrap();
}

#[test]
fn a_paused_clock_holds_everything() {
    let (rt, clock) = manual();
    clock.pause();
    let task = rt.spawn(async { sleep(SECOND).await });
    settle(&rt);
    clock.advance(10 * SECOND);
    settle(&rt);
    assert!(!task.is_done());
    clock.step(SECOND);
    settled(task);
}

#[test]
fn timeouts() {
    let (rt, clock) = manual();
    let drops = Tally::new();
    let dropped = Dropped::new(&drops);
    let slow = async move {
        let _dropped = dropped;
        pending::<()>().await;
    };
    let task = rt.spawn(async move { timeout(SECOND, slow).await });
    settle(&rt);
    clock.advance(SECOND - NANO);
    settle(&rt);
    assert!(!task.is_done());
    clock.advance(NANO);
    let elapsed = settled(task).unwrap_err();
    assert_eq!(elapsed, Elapsed(SECOND));
    assert_eq!(elapsed.to_string(), "timed out after 1s");
    assert_eq!(drops.threads(), [reactor_thread(rt.handle())]);

    assert_eq!(settled(rt.spawn(async { timeout(Duration::ZERO, ready(1)).await })), Ok(1), "what is ready wins");
    assert!(settled(rt.spawn(async { timeout(Duration::ZERO, pending::<()>()).await })).is_err());
    let task = rt.spawn(async {
        let first = timeout(SECOND, sleep(SECOND / 2)).await;
        (first, timeout(Duration::MAX, sleep(SECOND / 2)).await)
    });
    settle(&rt);
    clock.advance(SECOND / 2);
    settle(&rt);
    clock.advance(SECOND / 2);
    assert_eq!(settled(task), (Ok(()), Ok(())));
    assert_eq!(rt.metrics().timers, 0);
}

#[test]
fn the_limit_of_a_future() {
    let (rt, clock) = manual();
    let drops = Tally::new();
    let dropped = Dropped::new(&drops);
    let task: Task<()> = rt.task().timeout(SECOND).spawn(move |_| async move {
        let _dropped = dropped;
        pending::<()>().await;
    });
    settle(&rt);
    clock.advance(SECOND - NANO);
    settle(&rt);
    assert_eq!((task.status(), drops.count()), (Status::Running, 0));
    clock.advance(NANO);
    common::until(|| task.is_done());
    let error = task.error().unwrap();
    assert!(matches!(error, TaskError::TimedOut(limit) if *limit == SECOND), "{error}");
    assert!(error.is_timeout() && !error.is_cancelled());
    assert_eq!(error.to_string(), "task timed out after 1s");
    assert_eq!((task.status(), task.cancel()), (Status::Error, false));
    settle(&rt);
    assert_eq!(drops.threads(), [reactor_thread(rt.handle())]);
    assert_eq!(rt.metrics().timers, 0);
}

#[test]
fn a_task_within_its_limit_leaves_no_timer() {
    let (rt, clock) = manual();
    assert_eq!(settled(rt.task().timeout(SECOND).spawn(|_| async { 1 })), 1);
    assert_eq!(settled(rt.task().timeout(SECOND).spawn_blocking(|_| 2)), 2);
    assert_eq!(settled(rt.task().timeout(Duration::MAX).spawn(|_| async { 3 })), 3);
    assert_eq!(settled(rt.task().timeout(Duration::MAX).spawn_blocking(|_| 4)), 4);
    let failed: Task<()> = rt.task().timeout(SECOND).run(|_| async { Err("no") });
    common::until(|| failed.is_done());
    assert!(failed.error().unwrap().downcast_ref::<std::io::Error>().is_none());
    assert!(!failed.error().unwrap().is_timeout());
    common::until(|| rt.metrics().timers == 0 && rt.metrics().alive == 0);
    clock.advance(2 * SECOND);
    settle(&rt);
    assert!(!failed.error().unwrap().is_timeout(), "the end is the end");
}

#[test]
fn the_limit_of_a_closure() {
    let (rt, clock) = manual();
    let (latch, values) = (Latch::new(), Tally::new());
    let (gate, value) = (latch.clone(), Dropped::new(&values));
    let (told, tells) = channel();
    let mut task: Task<Dropped> = rt.task().timeout(SECOND).spawn_blocking(move |cx| {
        gate.wait();
        told.send((cx.is_cancelled(), cx.check().is_err())).ok();
        value
    });
    common::until(|| task.status() == Status::Running);
    settle(&rt);
    clock.advance(SECOND - NANO);
    settle(&rt);
    assert_eq!(task.status(), Status::Running);
    clock.advance(NANO);
    common::until(|| task.is_done());
    assert!(matches!(task.error(), Some(TaskError::TimedOut(limit)) if *limit == SECOND), "{:?}", task.error());
    assert_eq!((task.status(), task.cancel()), (Status::Error, false));
    assert!(matches!(task.wait(), Err(TaskError::TimedOut(limit)) if limit == SECOND));
    latch.open();
    assert_eq!(tells.recv_timeout(HANG), Ok((true, true)), "the closure is told");
    values.wait_for(1);
    assert_eq!(task.status(), Status::Error);
}

#[test]
fn the_limit_counts_from_the_submission() {
    let clock = Clock::manual();
    let rt = Builder::new().clock(clock.clone()).blocking_threads(1).build().unwrap();
    let hog = Hog::pool(rt.handle());
    let runs = Tally::new();
    let ran = runs.clone();
    let waiting: Task<()> = rt.task().timeout(SECOND).spawn_blocking(move |_| ran.note());
    settle(&rt);
    clock.advance(SECOND);
    common::until(|| waiting.is_done());
    assert!(waiting.error().unwrap().is_timeout());
    hog.release();
    common::pool_thread(rt.handle());
    assert_eq!(runs.count(), 0, "it never ran");

    let hog = Hog::reactor(rt.handle());
    let late: Task<()> = rt.task().timeout(SECOND).spawn(|_| pending::<()>());
    clock.advance(SECOND);
    hog.release();
    common::until(|| late.is_done());
    assert!(late.error().unwrap().is_timeout(), "its time ran out while it waited for the reactor");
}

#[test]
fn a_limit_of_nothing() {
    let (rt, _clock) = manual();
    let late: Task<()> = rt.task().timeout(Duration::ZERO).spawn(|_| pending::<()>());
    common::until(|| late.is_done());
    assert!(late.error().unwrap().is_timeout());
    assert_eq!(settled(rt.task().timeout(Duration::ZERO).spawn(|_| async { 1 })), 1, "what is ready wins");
}

#[test]
fn a_cancelled_task_with_a_limit_leaves_no_timer() {
    let (rt, clock) = manual();
    let latch = Latch::new();
    let gate = latch.clone();
    let future: Task<()> = rt.task().timeout(SECOND).spawn(|_| pending::<()>());
    let closure: Task<()> = rt.task().timeout(SECOND).spawn_blocking(move |_| gate.wait());
    common::until(|| closure.status() == Status::Running);
    settle(&rt);
    assert!(future.cancel() && closure.cancel());
    common::until(|| future.is_done());
    common::until(|| rt.metrics().timers == 0);
    clock.advance(2 * SECOND);
    settle(&rt);
    for task in [future, closure] {
        assert!(task.error().unwrap().is_cancelled());
    }
    latch.open();
}

#[test]
fn the_system_s_clock_wakes_the_reactor() {
    let rt = runtime();
    let begun = std::time::Instant::now();
    let wait = Duration::from_millis(3);
    settled(rt.spawn(async move { sleep(wait).await }));
    assert!(begun.elapsed() >= wait, "never early");
    settled(rt.spawn(async { sleep(Duration::from_nanos(1)).await }));
    assert!(settled(rt.spawn(async { timeout(Duration::from_millis(1), pending::<()>()).await })).is_err());
}
